# Dreams as a class with hooks, for both Pythons by its imports, and for Python 2 by the rest.
from __future__ import print_function
try:
    from StringIO import StringIO
except ImportError:
    from io import StringIO
import sys

import numpy as np
import scipy.ndimage as nd
from google.protobuf import text_format
from PIL import Image

import caffe


class Dreams:
    MEAN = (104.0, 116.0, 122.0)

    def __init__(self, folder, net='deploy.prototxt', weights='bvlc_googlenet.caffemodel'):
        description = caffe.io.caffe_pb2.NetParameter()
        text_format.Merge(open(folder + net).read(), description)
        description.force_backward = True
        log = StringIO()
        log.write(str(description))
        copy = open('./with_gradients.prototxt', 'w')
        copy.write(log.getvalue())
        copy.close()
        self.net = caffe.Classifier('./with_gradients.prototxt', folder + weights,
                                    mean=np.float32(self.MEAN), channel_swap=(2, 1, 0))
        self.steps = 0

    def planes(self, picture):
        return np.float32(np.rollaxis(picture, 2)[::-1]) - self.net.transformer.mean['data']

    def pixels(self, planes):
        return np.dstack((planes + self.net.transformer.mean['data'])[::-1])

    def on(self, picture, sizes, steps, end='inception_4c/output', wish=None, tell=None, **more):
        wish = wish or Dreams.louder
        blob, base = self.net.blobs['data'], self.planes(picture)
        pyramid = [nd.zoom(base, (1, 1.0 / s, 1.0 / s), order=1) for s in sizes]
        detail = np.zeros_like(pyramid[0])
        for number, small in enumerate(pyramid):
            (h, w) = small.shape[-2:]
            (h0, w0) = detail.shape[-2:]
            detail = nd.zoom(detail, (1, 1.0 * h / h0, 1.0 * w / w0), order=1)
            blob.reshape(1, 3, h, w)
            blob.data[0] = small + detail
            for i in xrange(steps):
                self.climb(blob, self.net.blobs[end], wish, **more)
                if tell:
                    print('size {}, step {}: {}, {}'.format(number, i, end, (h, w)))
            detail = blob.data[0] - small
        return np.uint8(np.clip(self.pixels(blob.data[0]), 0, 255))

    def climb(self, blob, target, wish, **more):
        down, right = np.random.randint(-8, 9, 2)
        blob.data[0] = np.roll(np.roll(blob.data[0], right, -1), down, -2)
        name = dict((id(b.data), k) for k, b in self.net.blobs.iteritems() if b is target)
        end = name.values()[0] if name else 'inception_4c/output'
        self.net.forward(end=end)
        wish(target, **more)
        self.net.backward(start=end)
        slope = blob.diff[0]
        blob.data[:] += 1.5 / np.abs(slope).mean() * slope
        blob.data[0] = np.roll(np.roll(blob.data[0], -right, -1), -down, -2)
        self.steps += 1

    def features(self, image, end='inception_4c/output', most=48):
        (w, h) = image.size
        if max(w, h) > most:
            image = image.resize((most, h * most / w), Image.ANTIALIAS)
        blob = self.net.blobs['data']
        blob.reshape(1, 3, image.size[1], image.size[0])
        blob.data[0] = self.planes(np.float32(image))
        self.net.forward(end=end)
        return self.net.blobs[end].data[0].copy()

    def layers(self):
        return filter(lambda name: '_split_' not in name and name != 'data', self.net.blobs.keys())

    @staticmethod
    def louder(target):
        target.diff[:] = target.data

    @staticmethod
    def alike(target, features):
        have, want = (a.reshape(a.shape[0], -1) for a in (target.data[0], features))
        target.diff[0].reshape(have.shape)[:] = want[:, have.T.dot(want).argmax(1)]


dreams = Dreams('models/bvlc_googlenet/')
print(len(dreams.layers()), dreams.layers()[0], 7 / 2)
np.random.seed(1)
photo = Image.open(sys.argv[1])
dreams.on(np.float32(photo), [1.4, 1], 1, tell=True)
dream = dreams.on(np.float32(photo), [1], 1, wish=Dreams.alike, features=dreams.features(photo))
Image.fromarray(dream).save('dream.png')
print(dream.shape, dream.dtype, dreams.steps)
