"""A net whose passes are done again in one call, steps in it, and the same net without."""

import numpy as np

import caffe_compat as caffe
from tests.support import nets

# every kind of layer whose passes are tasks alone, in an inception module with a Split and a Concat
MODULE = """
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 16 dim: 18 } } }
layer { name: "stem" type: "Convolution" bottom: "data" top: "stem"
  convolution_param { num_output: 16 kernel_size: 7 stride: 2 pad: 3
    weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "stem" top: "stem" }
layer { name: "norm" type: "LRN" bottom: "stem" top: "norm" lrn_param { local_size: 5 } }
layer { name: "a" type: "Convolution" bottom: "norm" top: "a"
  convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu_a" type: "ReLU" bottom: "a" top: "a" }
layer { name: "b" type: "Pooling" bottom: "norm" top: "b"
  pooling_param { kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "c" type: "LRN" bottom: "norm" top: "c" }
layer { name: "all" type: "Concat" bottom: "a" bottom: "b" bottom: "c" top: "all" }
layer { name: "up" type: "Deconvolution" bottom: "all" top: "up"
  convolution_param { num_output: 8 kernel_size: 2 stride: 2 bias_term: false
    weight_filler { type: "xavier" } } }
layer { name: "positive" type: "ReLU" bottom: "up" top: "positive"
  relu_param { negative_slope: 0.1 } }
layer { name: "drop" type: "Dropout" bottom: "positive" top: "drop" }
layer { name: "pool" type: "Pooling" bottom: "drop" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "head" type: "InnerProduct" bottom: "pool" top: "head"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "side" type: "InnerProduct" bottom: "pool" top: "side"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""
NAMES = ("data", "norm", "a", "all", "positive", "head", "side")


def made(folder, text=MODULE, repeats=True):
    """The net; repeats: whether its passes may be done again."""
    caffe.set_random_seed(5)
    net = caffe.Net(nets.written(folder, text), caffe.TEST)
    if not repeats:
        net._passes.repeats.keeps = False
    return net


def step(net, seed=0, end="head"):
    data, top = net.blobs["data"], net.blobs[end]
    data.data[...] = np.random.RandomState(seed).normal(size=data.shape)
    net.forward(end=end)
    top.diff[...] = top.data
    net.backward(start=end)
    return top.data.tobytes() + data.diff.tobytes()
