"""A visualiser: the net as a graph in DOT's words, with sizes and counts."""

import sys

import caffe
import numpy as np

net = caffe.Net(sys.argv[1] + "/deploy.prototxt", caffe.TEST)
total = 0
for name, layer in net.layer_dict.items():
    count = sum(int(np.prod(b.shape)) for b in layer.blobs)
    total += count
    print('"%s" [label="%s %s %d"]' % (name, name, layer.type, count))
    for top in net.top_names[name]:
        print('"%s" -> "%s" %s' % (name, top, list(net.blobs[top].shape)))
    for bottom in net.bottom_names[name]:
        print('"%s" -> "%s"' % (bottom, name))
print(total, list(net.inputs), list(net.outputs), net.blob_loss_weights)
for name, blob in net.blobs.items():
    flops = 0
    if name in net.layer_dict and net.layer_dict[name].type == "Convolution":
        flops = np.prod(net.params[name][0].data.shape) * blob.data.shape[-1] * blob.data.shape[-2]
    print(name, blob.data.shape, blob.num, blob.count, int(flops))
