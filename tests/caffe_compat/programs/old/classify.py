#!/usr/bin/env python
"""Classify a picture and look at the net, by the tools of 2015."""
import os
import sys

import matplotlib
matplotlib.use('Agg', warn=False)
import matplotlib.pyplot as plt
import numpy as np

plt.rcParams['figure.figsize'] = (5, 5)
plt.rcParams['image.interpolation'] = 'nearest'

caffe_root = '../'  # as if this lay in Caffe's examples/
sys.path.insert(0, caffe_root + 'python')
import caffe

name = caffe_root + 'models/bvlc_reference_caffenet/'
if not os.path.isfile(name + 'bvlc_reference_caffenet.caffemodel'):
    print "no weights"
    sys.exit(5)
caffe.set_mode_cpu()
net = caffe.Net(name + 'deploy.prototxt', name + 'bvlc_reference_caffenet.caffemodel', caffe.TEST)

mean = np.load(caffe_root + 'python/caffe/imagenet/ilsvrc_2012_mean.npy').mean(1).mean(1)
print 'the mean:', zip('BGR', mean)
transformer = caffe.io.Transformer({'data': net.blobs['data'].data.shape})
transformer.set_transpose('data', (2,0,1))
transformer.set_mean('data', mean)
transformer.set_raw_scale('data', 255)
transformer.set_channel_swap('data', (2,1,0))
side = net.blobs['data'].data.shape[-1]
net.blobs['data'].reshape(7/2, 3, side, side)
net.blobs['data'].data[...] = transformer.preprocess('data', caffe.io.load_image(sys.argv[1]))
prob = net.forward()['prob']
best = prob[0].argmax()

words = caffe_root + 'data/ilsvrc12/synset_words.txt'
labels = np.loadtxt(words, str, delimiter='\t')
print 'it is', labels[best]
order = prob[0].argsort()[::-1][:5]
print len(zip(prob[0][order], labels[order])), prob.shape[0]
for key, blob in net.blobs.iteritems():
    if key.startswith('conv1/'):
        print key + '\t' + str(blob.data.shape[1:])
for key, blobs in net.params.items()[:1]:
    print key + '\t' + str(blobs[0].data.shape), str(blobs[1].data.shape)


def tiles(data):
    """Pictures (n, height, width, ...) beside each other, in as many rows as columns."""
    data = (data - data.min()) / (data.max() - data.min())
    rows = int(np.ceil(np.sqrt(len(data))))
    more = [(0, rows * rows - len(data)), (1, 1), (1, 1)] + [(0, 0)] * (data.ndim - 3)
    data = np.pad(data, more, mode='constant', constant_values=1)
    return np.vstack([np.hstack(data[i * rows:(i + 1) * rows]) for i in range(rows)])


sheet = tiles(net.params['conv1/7x7_s2'][0].data.transpose(0, 2, 3, 1))
plt.imshow(sheet); plt.axis('off')
plt.savefig('filters.png')
seen = net.blobs['pool1/norm1'].data[0, :36]
plt.hist(seen.flat[seen.flat > 0], bins=100, normed=True)
plt.savefig('histogram.png')
print sheet.shape, int(np.array([3.7])), int(prob[:1].argmax(axis=1)) == best
