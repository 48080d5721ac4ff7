# Net surgery by hand: inner products become convolutions, and see more of a larger input.
import sys

import numpy as np

import caffe

here = sys.argv[1] + '/'
whole = caffe.Net(here + 'classify.prototxt', caffe.TEST)
print "blobs {}\nparams {}".format(whole.blobs.keys(), whole.params.keys())
rng = np.random.RandomState(2)
for blobs in whole.params.values():
    for blob in blobs:
        blob.data[...] = rng.randn(*blob.data.shape) / 10
whole.save(here + 'classify.caffemodel')

sliding = caffe.Net(here + 'conv.prototxt', here + 'classify.caffemodel', caffe.TEST)
for old, new in zip(['fc6', 'fc7'], sliding.params.keys()):
    weights, bias = whole.params[old]
    print '{}: {} and {} become {}'.format(
        old, weights.data.shape, bias.data.shape, sliding.params[new][0].data.shape)
    sliding.params[new][0].data.flat = weights.data.flat
    sliding.params[new][1].data[...] = bias.data
sliding.save(here + 'conv.caffemodel')

picture = rng.rand(1, 1, 8, 8)
whole.blobs['data'].data[...] = picture
sliding.blobs['data'].reshape(1, 1, 12, 12)
sliding.blobs['data'].data[...] = np.pad(picture, ((0, 0), (0, 0), (0, 4), (0, 4)), mode='constant')
one, many = whole.forward()['prob'], sliding.forward()['prob']
print many.shape, many[0].argmax(axis=0).shape, np.abs(many[0, :, 0, 0] - one[0]).max() < 1e-5
