"""Convolution and Deconvolution, over up to three spatial axes, and Im2col."""

from typing import Any, Callable, Sequence

import torch

from ... import devices
from ..convolution import Convolution, Deconvolution, Im2col, Weighted
from ..registry import Blobs, twin

_aten = torch.ops.aten
_MOST_AXES = 3


def _settings(layer: Weighted) -> Any:
    """What PyTorch's convolution takes after the bias."""
    transposed = isinstance(layer, Deconvolution)
    nothing = [0] * len(layer.kernel)
    return layer.stride, layer.pad, layer.dilation, transposed, nothing, layer.group


def _can(layer: Weighted) -> bool:
    return 1 <= len(layer.kernel) <= _MOST_AXES


def _weights(layer: Weighted) -> Any:
    """The weights; fast, in the layout by which PyTorch chooses that of the results."""
    blob = layer.blobs[0]
    weights = layer.as_made(0, blob.gpu_data)
    if devices.is_fast() and weights.shape == blob.shape and len(blob.shape) == 4:
        return blob.blocks[0].lay_out(blob.shape, torch.channels_last)
    return weights


def _forward(layer: Weighted, bottom: Blobs, top: Blobs) -> None:
    if not _can(layer):
        layer.forward_on_host(bottom, top, f"layers over other than 1 to {_MOST_AXES} axes")
        return
    weights = _weights(layer)
    bias = layer.as_made(1, layer.blobs[1].gpu_data) if len(layer.blobs) > 1 else None
    for b, t in zip(bottom, top):
        x = layer.items(b.gpu_data)
        t.set_gpu_data(torch.convolution(x, weights, bias, *_settings(layer)))


def _backward(layer: Weighted, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if not _can(layer):
        layer.backward_on_host(top, propagate_down, bottom)
        return
    layer.add_gpu_gradients(
        lambda: _weight_gradient(layer, top, bottom), lambda: _bias_gradient(layer, top)
    )
    for b, t, wanted in zip(bottom, top, propagate_down):
        if wanted:
            b.set_gpu_diff(_gradients(layer, b, t, 0))


def _gradients(layer: Weighted, bottom: Any, top: Any, which: int) -> Any:
    """The gradient of the bottom (which: 0) or of the weights (1)."""
    wanted = [which == 0, which == 1, False]
    dy, x = layer.items(top.gpu_diff), layer.items(bottom.gpu_data)
    weights = _weights(layer)
    found = _aten.convolution_backward(dy, x, weights, None, *_settings(layer), wanted)
    return found[which]


def _weight_gradient(layer: Weighted, top: Blobs, bottom: Blobs) -> None:
    for b, t in zip(bottom, top):
        layer.blobs[0].add_gpu_diff(_gradients(layer, b, t, 1))


def _bias_gradient(layer: Weighted, top: Blobs) -> None:
    for t in top:
        dy = layer.items(t.gpu_diff)
        layer.blobs[1].add_gpu_diff(dy.sum([i for i in range(dy.ndim) if i != 1]))


twin(Convolution, _forward, _backward)
twin(Deconvolution, _forward, _backward)


def _im2col_forward(layer: Im2col, bottom: Blobs, top: Blobs) -> None:
    if len(layer.kernel) != 2:
        layer.forward_on_host(bottom, top, "layers over other than 2 axes")
        return
    for b, t in zip(bottom, top):
        t.set_gpu_data(_columns(layer, torch.nn.functional.unfold)(layer.items(b.gpu_data)))


def _im2col_backward(
    layer: Im2col, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    if len(layer.kernel) != 2:
        layer.backward_on_host(top, propagate_down, bottom)
        return
    for b, t, wanted in zip(bottom, top, propagate_down):
        if wanted:
            dy = layer.items(t.gpu_diff)
            size = b.shape[layer.axis + 1 :]
            fold = _columns(layer, torch.nn.functional.fold, size)
            b.set_gpu_diff(fold(dy.reshape(*dy.shape[:2], -1)))


def _columns(layer: Im2col, function: Any, *size: Any) -> Callable[[Any], Any]:
    """PyTorch's unfold or fold with the layer's window."""
    return lambda x: function(x, *size, layer.kernel, layer.dilation, layer.pad, layer.stride)


twin(Im2col, _im2col_forward, _im2col_backward)
