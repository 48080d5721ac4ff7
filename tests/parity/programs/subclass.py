"""A class of a program's own over Net, with names of its own, and methods replaced."""

import sys
from collections import OrderedDict

import caffe
import numpy as np
from caffe.pycaffe import *  # noqa: F403

folder = sys.argv[1]


class Extractor(caffe.Net):
    def __init__(self, model, weights, mean=None):
        caffe.Net.__init__(self, model, weights, caffe.TEST)
        self.name, self.parts, self.mean, self.size = "mine", [1], mean, self.blobs["data"].width
        self.transformer = caffe.io.Transformer({"data": self.blobs["data"].data.shape})

    def __call__(self, x):
        return self.forward_all(**{self.inputs[0]: np.asarray(x)})[self.outputs[-1]]


net = Extractor(folder + "/deploy.prototxt", folder + "/weights.caffemodel", mean=3)
print(net(np.ones((3, 3, 10, 12))).shape, net.name, net.parts, net.size, isinstance(net, Net))  # noqa: F405
print(sorted(k for k in dir(net) if not k.startswith("_"))[:8])
net.save(folder + "/subclass.caffemodel")
made = caffe.proto.caffe_pb2.NetParameter()
with open(folder + "/subclass.caffemodel", "rb") as f:
    made.ParseFromString(f.read())
print(made.name, len(made.layer))

original = caffe.Net.forward


def counted(self, *args, **kwargs):
    counted.calls += 1
    return original(self, *args, **kwargs)


counted.calls = 0
caffe.Net.forward = counted
net.forward()
net.forward_all(data=np.ones((5, 3, 10, 12)))
print(counted.calls, caffe.pycaffe._Net_forward is original, type(net.blobs) is OrderedDict)
caffe.Net.mine = property(lambda self: len(self.layers))
print(net.mine)
net.extra = 5
print(net.extra, net.blobs["data"] is net.blobs["data"], list(net.params)[0])
del net.layer_dict["prob"]
print("prob" in net.layer_dict, len(net.layers))
