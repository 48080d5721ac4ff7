"""Layers of a program's own, whose names are those that an engine might use itself."""

import sys

import caffe
import numpy as np
from caffe._caffe import Layer as BaseLayer
from caffe._caffe import RawBlobVec

getattr(caffe, "allow_python_layers", bool)()
folder = sys.argv[1]


class Source(caffe.Layer):
    def setup(self, bottom, top):
        self.params = eval(self.param_str)
        # names of an engine's own
        self.name, self.tops, self.bottoms, self.views, self.learns = "mine", ["a"], [], 3, 4
        self.program, self.layer_param, self.in_place, self.shape = 1, 2, 3, (4,)
        self.top_names = ["data", "label"]
        if len(top) != len(self.top_names):
            raise Exception("needs two tops")
        self.idx = 0
        top[0].reshape(self.params["batch"], 3, 2, 2)
        top[1].reshape(self.params["batch"], 1)

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        for itt in range(self.params["batch"]):
            top[0].data[itt, ...] = self.idx
            top[1].data[itt, ...] = self.phase
            self.idx += 1

    def remember(self, x):
        raise RuntimeError("not an engine's to call")

    def check_counts(self, *_):
        raise RuntimeError("not an engine's to call")

    def backward(self, top, propagate_down, bottom):
        pass


class Scale(BaseLayer):
    def setup(self, bottom, top):
        self.blobs.add_blob(3)
        self.blobs[0].data[...] = [1, 2, 3]
        print(type(bottom).__name__, len(bottom), len(top), len(self.blobs), self.type)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)
        self.diff = np.zeros_like(bottom[0].data)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data * self.blobs[0].data[None, :, None, None]

    def backward(self, top, propagate_down, bottom):
        print(type(propagate_down).__name__, list(propagate_down), type(top).__name__)
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff * self.blobs[0].data[None, :, None, None]
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum(3).sum(2).sum(0)


class Loss(caffe.Layer):
    def __init__(self, p_object, *args, **kwargs):
        super(Loss, self).__init__(p_object, *args, **kwargs)
        self.made = True

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("Need two inputs to compute distance.")

    def reshape(self, bottom, top):
        if bottom[0].num != bottom[1].num:
            raise Exception("Inputs must have the same batch.")
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[...] = np.sum(bottom[0].data ** 2) / bottom[0].num / 2.0

    def backward(self, top, propagate_down, bottom):
        for i in range(2):
            if propagate_down[i]:
                bottom[i].diff[...] = bottom[i].data / bottom[i].num * top[0].diff[0]


sys.modules["my_layers"] = sys.modules["__main__"]
with open(folder + "/python.prototxt", "w") as f:
    f.write("""
    layer { name: "in" type: "Python" top: "data" top: "label"
            python_param { module: "my_layers" layer: "Source" param_str: "{'batch': 2}" } }
    layer { name: "scale" type: "Python" bottom: "data" top: "scale"
            python_param { module: "my_layers" layer: "Scale" } }
    layer { name: "loss" type: "Python" bottom: "scale" bottom: "label" top: "loss" loss_weight: 2
            python_param { module: "my_layers" layer: "Loss" } propagate_down: true
            propagate_down: false }
    """)
for phase in (caffe.TRAIN, caffe.TEST):
    net = caffe.Net(folder + "/python.prototxt", phase)
    print({k: v.data.tolist() for k, v in net.forward().items() if k == "loss"})
    net.forward()
    net.clear_param_diffs()
    net.backward()
    print(net.params["scale"][0].diff.tolist(), net.blobs["data"].diff.sum())
    print([type(layer).__name__ for layer in net.layers], [layer.type for layer in net.layers])
    print(net.layers[0].idx, net.layers[2].made, net.layers[0].name, net.layers[0].params)
    print(
        isinstance(net.layers[0], caffe.Layer),
        hasattr(net.layers[1], "forward"),
        dict(net.blob_loss_weights),
    )
print(len(RawBlobVec()))
