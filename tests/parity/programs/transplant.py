"""A fine-tuning script without its training: FC into convolution, shared and copied weights."""

import sys

import caffe
import numpy as np

folder = sys.argv[1]
net = caffe.Net(folder + "/deploy.prototxt", folder + "/weights.caffemodel", caffe.TEST)
conv = caffe.Net(folder + "/conv.prototxt", folder + "/weights.caffemodel", caffe.TEST)
for pr, pr_conv in zip(["fc"], ["fc-conv"]):
    conv.params[pr_conv][0].data.flat = net.params[pr][0].data.flat
    conv.params[pr_conv][1].data[...] = net.params[pr][1].data
x = np.random.RandomState(2).rand(*net.blobs["data"].data.shape)
a = net.forward(data=x)["prob"]
b = conv.forward(data=x)["prob"]
print(a.shape, b.shape, np.abs(a - b[:, :, 0, 0]).max() < 1e-5)
conv.blobs["data"].reshape(1, 3, 14, 16)
print(conv.forward()["prob"].shape, [tuple(blob.shape) for blob in conv.blobs.values()])
conv.save(folder + "/conv.caffemodel")
again = caffe.Net(folder + "/conv.prototxt", caffe.TEST)
again.copy_from(folder + "/conv.caffemodel")
print(np.abs(again.params["fc-conv"][0].data - conv.params["fc-conv"][0].data).max())
other = caffe.Net(folder + "/conv.prototxt", caffe.TEST)
other.share_with(again)
again.params["conv1"][1].data[...] = 7
print(other.params["conv1"][1].data.tolist())
for name in net.params:
    for i in range(len(net.params[name])):
        print(name, i, net.params[name][i].diff.sum(), net.params[name][i].count)
m, k, h, w = conv.params["conv1"][0].data.shape
print(m, k, h, w, [type(blobs).__name__ for blobs in conv.params.values()])
