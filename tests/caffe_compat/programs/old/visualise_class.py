# A picture of a class by gradient ascent, blurred from step to step, by the tools of 2015.
import os
import sys

import numpy as np
import PIL.Image
import scipy.misc
import scipy.ndimage as nd
from google.protobuf import text_format

import caffe

STAGES = [  # (steps, size of a step, first and last blur)
    (3, 11./2, (2.5, 0.78)),
    (2, 6./2, (0.78, 0.5)),
]
LAYER = 'loss3/classifier'

folder = os.path.join(os.environ['CAFFE_ROOT'], 'models', 'bvlc_googlenet')
text = caffe.io.caffe_pb2.NetParameter()
text_format.Merge(open(folder + '/deploy.prototxt').read(), text)
text.force_backward = True
open('gradients.prototxt', 'w').write(str(text))
net = caffe.Classifier('gradients.prototxt', folder + '/bvlc_googlenet.caffemodel',
                       mean=np.float32([104.0, 117.0, 123.0]), channel_swap=(2,1,0))
blob, scores = net.blobs['data'], net.blobs[LAYER]
mean = net.transformer.mean['data']


def climb(size, sigma, chosen):
    net.forward(end=LAYER)
    scores.diff[...] = 0
    scores.diff.flat[chosen] = 1.
    net.backward(start=LAYER)
    slope = blob.diff[0]
    blob.data[:] += size / np.abs(slope).mean() * slope
    blob.data[:] = np.clip(blob.data, -mean, 255 - mean)
    for c in xrange(3):
        blob.data[0, c] = nd.filters.gaussian_filter(blob.data[0, c], sigma, order=0)
    return scores.data.flat[chosen]


np.random.seed(3)
w, h = blob.width, blob.height
noise = np.random.normal(np.float32([127, 127, 127]), 8, (h, w, 3))
blob.data[0] = np.float32(np.rollaxis(noise, 2)[::-1]) - mean
seen = []
for number, (steps, size, (first, last)) in enumerate(STAGES):
    for i in xrange(steps):
        sigma = first + (last - first) * i / steps
        seen.append(float(climb(size, sigma, int(sys.argv[1]))))
    print "stage %d of %d: score grows %s" % (number, len(STAGES), seen[-1] > seen[0])
picture = np.uint8(np.clip(np.dstack((blob.data[0] + mean)[::-1]), 0, 255))
scipy.misc.imsave('class.png', picture)
small = scipy.misc.imresize(picture, 50)
half = scipy.misc.imresize(picture, (h/2, w/2), interp='bicubic')
print small.shape == half.shape, small.dtype
PIL.Image.open('class.png').resize((w/3, h/3), PIL.Image.ANTIALIAS).save('small.jpg')
print sorted(name for name in os.listdir('.') if name.endswith(('png', 'jpg')))
