"""InnerProduct."""

from typing import Sequence

import torch

from ..inner_product import InnerProduct
from ..registry import Blobs, twin


def _forward(layer: InnerProduct, bottom: Blobs, top: Blobs) -> None:
    x = bottom[0].gpu_data.reshape(-1, layer.inputs)
    weights = layer.as_made(0, layer.blobs[0].gpu_data)
    weights = weights if layer.transpose else weights.t()
    if len(layer.blobs) > 1:
        bias = layer.as_made(1, layer.blobs[1].gpu_data)
        top[0].set_gpu_data(torch.addmm(bias, x, weights))
    else:
        top[0].set_gpu_data(x @ weights)


def _backward(
    layer: InnerProduct, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    layer.add_gpu_gradients(
        lambda: _weight_gradient(layer, top, bottom), lambda: _bias_gradient(layer, top)
    )
    if propagate_down[0]:
        dy = top[0].gpu_diff.reshape(-1, layer.outputs)
        weights = layer.as_made(0, layer.blobs[0].gpu_data)
        bottom[0].set_gpu_diff(dy @ (weights.t() if layer.transpose else weights))


def _weight_gradient(layer: InnerProduct, top: Blobs, bottom: Blobs) -> None:
    x = bottom[0].gpu_data.reshape(-1, layer.inputs)
    dy = top[0].gpu_diff.reshape(-1, layer.outputs)
    layer.blobs[0].add_gpu_diff(x.t() @ dy if layer.transpose else dy.t() @ x)


def _bias_gradient(layer: InnerProduct, top: Blobs) -> None:
    layer.blobs[1].add_gpu_diff(top[0].gpu_diff.reshape(-1, layer.outputs).sum(0))


twin(InnerProduct, _forward, _backward)
