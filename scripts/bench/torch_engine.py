"""PyTorch's eager operations under pycaffe's API, so that a whole dream can run on them.

It is the built-in engine's net, with its blobs and its weights, whose passes PyTorch makes. Only
what the benchmark's nets need is here.
"""

import os
from types import SimpleNamespace
from typing import Any, Dict, List, Sequence

import torch
from torch.nn import functional

import caffe_compat


def _pair(values: Sequence[int], default: int) -> Any:
    return list(values) or default


def operation(layer: Any, bottoms: List[Any], weights: Sequence[Any] = ()) -> Any:
    """What a layer makes of its bottoms, by PyTorch.

    layer: a LayerParameter. weights: of a Convolution or an InnerProduct.
    """
    x = bottoms[0]
    if layer.type == "Convolution":
        p = layer.convolution_param
        return functional.conv2d(
            x, *weights, stride=_pair(p.stride, 1), padding=_pair(p.pad, 0),
            dilation=_pair(p.dilation, 1), groups=p.group,
        )  # fmt: skip
    if layer.type == "InnerProduct":
        return functional.linear(x.flatten(1), *weights)
    if layer.type == "ReLU":
        return functional.relu(x, inplace=True)
    if layer.type == "Pooling":
        p = layer.pooling_param
        if p.global_pooling:
            return x.mean((2, 3), keepdim=True) if p.pool else x.amax((2, 3), keepdim=True)
        pool = functional.avg_pool2d if p.pool else functional.max_pool2d
        return pool(x, p.kernel_size, p.stride, p.pad, ceil_mode=True)
    if layer.type == "LRN":
        p = layer.lrn_param
        return functional.local_response_norm(x, p.local_size, p.alpha, p.beta, p.k)
    if layer.type == "Concat":
        return torch.cat(bottoms, 1)
    if layer.type == "Softmax":
        return functional.softmax(x, 1)
    if layer.type in ("Split", "Dropout"):  # a dropout does nothing in a TEST net
        return x
    raise SystemExit(f'bench: no PyTorch operation for layer "{layer.name}", a {layer.type}')


class Classifier(caffe_compat.Classifier):
    """caffe.Classifier, whose passes are PyTorch's. They begin at the net's input, and a backward
    pass at the layer where the forward pass has ended."""

    def _forward(self, first: int, last: int) -> float:
        source = self.blobs[self.inputs[0]].data
        self._source = torch.from_numpy(source).requires_grad_()
        tensors: Dict[str, Any] = {self.inputs[0]: self._source}
        for number in range(1, last + 1):
            name = self._layer_names[number]
            weights = [torch.from_numpy(blob.data) for blob in self.params.get(name, [])]
            bottoms = [tensors[blob] for blob in self.bottom_names[name]]
            made = operation(self._parts.layers[number].layer_param, bottoms, weights)
            tensors.update(dict.fromkeys(self.top_names[name], made))
        name = self._layer_names[last]
        self._target = tensors[self.top_names[name][0]]
        for top in self.top_names[name]:
            self.blobs[top].reshape(*self._target.shape)
            self.blobs[top].data[...] = self._target.detach().numpy()
        return 0.0

    def _backward(self, first: int, last: int) -> None:
        (top,) = self.top_names[self._layer_names[first]]
        self._target.backward(torch.from_numpy(self.blobs[top].diff))
        self.blobs[self.inputs[0]].diff[...] = self._source.grad.numpy()
        self._target = None


def engine() -> Any:
    """What stands for the pycaffe module."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    return SimpleNamespace(
        __name__="torch",
        __version__=torch.__version__,
        about=lambda: {"name": "PyTorch", "version": f"{torch.__version__}, eager"},
        CaffeError=caffe_compat.CaffeError,
        Classifier=Classifier,
        Net=caffe_compat.Net,
        TEST=caffe_compat.TEST,
        io=caffe_compat.io,
        proto=caffe_compat.proto,
        layer_type_list=caffe_compat.layer_type_list,
    )
