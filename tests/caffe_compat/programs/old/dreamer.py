#!/usr/bin/python
# Dreams on the command line: options, a folder of frames, a helper module beside it.
import argparse
import errno
import os, os.path
import sys
import time
import urllib, urllib2
from cStringIO import StringIO

import numpy as np
import PIL.Image

import dreamlib


def folder(path):
    try:
        os.makedirs(path)
    except OSError, e:
        if e.errno != errno.EEXIST:
            raise
    return path


def frames_of(photo, target, count, scale):
    net = dreamlib.load()
    print "layers:", [k for k in net.blobs.keys() if k.endswith('output')][:2]
    frame = np.float32(PIL.Image.open(photo))
    begun = time.clock()
    for i in xrange(count):
        layer = dreamlib.LAYERS[i % len(dreamlib.LAYERS)]
        frame = dreamlib.dream(net, frame, layer)
        name = os.path.join(folder(target), '%04d.jpg' % i)
        PIL.Image.fromarray(np.uint8(frame)).save(name, quality=90)
        frame = dreamlib.closer(frame, scale)
        print 'frame', i + 1, 'of', count, layer, frame.shape, frame.dtype
    print 'took', time.clock() - begun >= 0
    buf = StringIO()
    PIL.Image.fromarray(np.uint8(frame)).save(buf, 'png')
    print buf.getvalue()[:4] == '\x89PNG', len(buf.getvalue()) > 100


if __name__ == "__main__":
    p = argparse.ArgumentParser(description='Frames of a zoom.')
    p.add_argument('-i', '--input', required=True)
    p.add_argument('-o', '--output', required=True)
    p.add_argument('-f', '--frames', type=int, default=2)
    p.add_argument('-s', '--scale', type=float, default=0.05)
    given = p.parse_args()
    if not os.path.exists(given.input):
        print "there is no %s" % given.input
        sys.exit(2)
    try:
        frames_of(given.input, given.output, given.frames, given.scale)
    except Exception, e:
        print >>sys.stderr, 'failed:', e
        raise
