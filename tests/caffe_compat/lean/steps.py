"""A net with all that lean passes have to mind, and a step of it."""

import numpy as np

# in-place layers, a Split of three, a Concat, LRN with a value of its own, a sum, two heads
TWO_HEADS = """
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 12 dim: 14 } } }
layer { name: "stem" type: "Convolution" bottom: "data" top: "stem"
  convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "stem" top: "stem" }
layer { name: "norm" type: "LRN" bottom: "stem" top: "norm" }
layer { name: "a" type: "Convolution" bottom: "norm" top: "a"
  convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu_a" type: "ReLU" bottom: "a" top: "a" }
layer { name: "b" type: "Pooling" bottom: "norm" top: "b"
  pooling_param { kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "c" type: "TanH" bottom: "norm" top: "c" }
layer { name: "all" type: "Concat" bottom: "a" bottom: "b" bottom: "c" top: "all" }
layer { name: "mixed" type: "Convolution" bottom: "all" top: "mixed"
  convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "mixed" bottom: "c" top: "sum" }
layer { name: "pool" type: "Pooling" bottom: "sum" top: "pool"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "head" type: "Convolution" bottom: "pool" top: "head"
  convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "side" type: "Convolution" bottom: "pool" top: "side"
  convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
"""
TWO_HEADS = TWO_HEADS.replace('bottom: "mixed" bottom: "c"', 'bottom: "mixed" bottom: "stem"')


def picture(net, seed=0, size=None):
    data = net.blobs["data"]
    if size:
        data.reshape(*data.shape[:2], *size)
    data.data[...] = np.random.RandomState(seed).normal(size=data.shape)


def step(net, ends, seed=0, size=None):
    """The ends' data, and the input's gradient of half the sum of their squares."""
    picture(net, seed, size)
    names = list(net._layer_names)
    net.forward(end=max(ends, key=names.index))
    for end in ends:
        net.blobs[end].diff[...] = net.blobs[end].data
    net.backward(start=max(ends, key=names.index))
    return [net.blobs[end].data.tobytes() for end in ends] + [net.blobs["data"].diff.tobytes()]
