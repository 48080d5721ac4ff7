"""The shapes of a net's blobs and weights, worked out from its description.

Worked out here, and not asked of the engine, since a real Caffe ends the process at a shape that does not fit.
"""

import math
from typing import Any, List, NamedTuple

from .errors import SizeError

_NO_TARGETS = ("Input", "Split", "Data")


class LayerInfo(NamedTuple):
    """One layer of a description: `param` is its LayerParameter, or V1LayerParameter."""

    name: str
    type: str
    bottoms: List[str]
    tops: List[str]
    param: Any


def layers_of(description):
    """A LayerInfo for each layer of a NetParameter, V1 types under their V2 names."""
    v1 = {"CONVOLUTION": "Convolution", "POOLING": "Pooling", "INNER_PRODUCT": "InnerProduct", "CONCAT": "Concat"}
    out = []
    for layer in list(description.layer) or list(description.layers):
        kind = layer.type
        if isinstance(kind, int):
            kind = layer.LayerType.Name(kind)
            kind = v1.get(kind, kind)
        out.append(LayerInfo(layer.name, kind, list(layer.bottom), list(layer.top), layer))
    return out


def targets(description):
    """Names that are both a layer and the blob it makes, in order: what `end` can be."""
    return [layer.name for layer in layers_of(description) if layer.name in layer.tops and layer.type not in _NO_TARGETS]


def _pair(layer, name, repeated, default):
    if layer.HasField(name + "_h") or layer.HasField(name + "_w"):
        return getattr(layer, name + "_h"), getattr(layer, name + "_w")
    values = getattr(layer, repeated)
    values = list(values) if hasattr(values, "__len__") else [values]
    values = values or [default]
    return values[0], values[-1]


def _too_small(name, kind, size, window):
    raise SizeError(f'layer "{name}" ({kind}) gets {size[0]}x{size[1]} values but looks at {window[0]}x{window[1]}')


def _convolved(name, p, size):
    kernel, stride = _pair(p, "kernel", "kernel_size", 1), _pair(p, "stride", "stride", 1)
    pad = _pair(p, "pad", "pad", 0)
    dilation = (list(p.dilation) or [1])[0], (list(p.dilation) or [1])[-1]
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    if any(s + 2 * q < e for s, q, e in zip(size, pad, extent)):
        _too_small(name, "Convolution", size, extent)
    return tuple((s + 2 * q - e) // st + 1 for s, q, e, st in zip(size, pad, extent, stride))


def _pooled(name, p, size):
    if p.global_pooling:
        return 1, 1
    kernel, stride, pad = _pair(p, "kernel", "kernel_size", 1), _pair(p, "stride", "stride", 1), _pair(p, "pad", "pad", 0)
    out = []
    for s, k, st, q in zip(size, kernel, stride, pad):
        n = -(-(s + 2 * q - k) // st) + 1
        out.append(n - 1 if q and (n - 1) * st >= s + q else n)
    if min(out) < 1:
        _too_small(name, "Pooling", size, kernel)
    return tuple(out)


def declared_size(description):
    """(channels, height, width) of the net's declared input, or None."""
    for layer in layers_of(description):
        if layer.type == "Input" and layer.param.input_param.shape:
            return tuple(layer.param.input_param.shape[0].dim)[1:]
    if description.input_shape:
        return tuple(description.input_shape[0].dim)[1:]
    return tuple(description.input_dim)[1:4] or None


def shapes(description, height, width, end=None):
    """{blob: (channels, height, width)} of a 3-channel picture of this size, up to `end`.

    Raises SizeError at the first layer that cannot take its input.
    """
    out = dict.fromkeys(description.input, (3, height, width))
    declared = None
    for name, kind, bottoms, tops, layer in layers_of(description):
        if kind == "Input":
            out.update(dict.fromkeys(tops, (3, height, width)))
            continue
        first = out.get(bottoms[0]) if bottoms else None
        if first is None:
            continue
        result = first
        if kind == "Convolution":
            result = (layer.convolution_param.num_output, *_convolved(name, layer.convolution_param, first[1:]))
        elif kind == "Pooling":
            result = (first[0], *_pooled(name, layer.pooling_param, first[1:]))
        elif kind == "Concat":
            result = (sum(out[b][0] for b in bottoms), *first[1:])
        elif kind == "InnerProduct":
            if declared is None:
                size = declared_size(description)
                at_home = (height, width) == size[1:]
                declared = shapes(description, *size[1:]) if not at_home else {}
            wanted = declared.get(bottoms[0], first)
            if math.prod(wanted) != math.prod(first):
                raise SizeError(
                    f'layer "{name}" (InnerProduct) takes {math.prod(wanted)} values but this picture gives it '
                    f"{math.prod(first)}; dream of a layer in front of it, or on a {size[2]}x{size[1]} picture with --octaves 1"
                )
            result = (layer.inner_product_param.num_output, 1, 1)
        out.update(dict.fromkeys(tops, result))
        if name == end:
            break
    return out


def truncated(description, end, height, width):
    """A copy of the description up to the layer `end`, for one picture of this size."""
    out = type(description)()
    out.CopyFrom(description)
    layers = out.layer or out.layers
    del layers[[layer.name for layer in layers].index(end) + 1 :]
    if out.input_dim:
        out.input_dim[:4] = [1, 3, height, width]
    inputs = [layer.input_param for layer in out.layer if layer.type == "Input"]
    for shape in [*out.input_shape, *(s for p in inputs for s in p.shape)][:1]:
        shape.dim[:] = [1, 3, height, width]
    return out


def weight_shapes(description):
    """{layer: [shapes of its weights]} of the layers that have weights, at the declared input size."""
    size = declared_size(description)
    sizes = shapes(description, size[1], size[2]) if size else {}
    out = {}
    for name, kind, bottoms, _, layer in layers_of(description):
        first = sizes.get(bottoms[0]) if bottoms else None
        if kind == "Convolution" and first:
            p = layer.convolution_param
            weights = (p.num_output, first[0] // max(p.group, 1), *_pair(p, "kernel", "kernel_size", 1))
        elif kind == "InnerProduct" and first:
            p = layer.inner_product_param
            weights = (math.prod(first), p.num_output) if p.transpose else (p.num_output, math.prod(first))
        else:
            continue
        out[name] = [weights] + ([(p.num_output,)] if p.bias_term else [])
    return out
