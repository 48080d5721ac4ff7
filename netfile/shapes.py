"""The shapes of a net's blobs and weights, worked out from its description (a NetParameter in V2).

Worked out here, and not asked of an engine, since a real Caffe ends the process at a shape that does not fit.
Shapes are tuples, (N, C, H, W) for pictures; None stands for one that cannot be worked out.
"""

import math
from typing import Callable, Dict, List, Optional, Tuple

from .errors import InnerProductSizeError, ShapeError

Shape = Optional[Tuple[int, ...]]

CURE = (
    "python -m net_surgery convolutionize DEPLOY WEIGHTS -o FOLDER makes a net that takes any size"
)

# layers whose tops have the shape of their first bottom
SAME_SHAPE = {
    "AbsVal", "BNLL", "BatchNorm", "Bias", "Clip", "Dropout", "ELU", "Eltwise", "Exp", "LRN", "Log", "MVN", "PReLU", "Power",
    "ReLU", "Scale", "Sigmoid", "Softmax", "Split", "Swish", "TanH", "Threshold",
}  # fmt: skip
INPUTS = {"Data", "DummyData", "HDF5Data", "ImageData", "Input", "MemoryData", "WindowData"}
_SCALARS = {
    "Accuracy", "ContrastiveLoss", "EuclideanLoss", "HingeLoss", "InfogainLoss", "MultinomialLogisticLoss", "SigmoidCrossEntropyLoss",
    "SoftmaxWithLoss",
}  # fmt: skip


def pair(message, name, repeated, default):
    """(vertical, horizontal) of a kernel, stride or pad, given once, twice, or as `_h` and `_w`."""
    if message.HasField(name + "_h") or message.HasField(name + "_w"):
        return getattr(message, name + "_h"), getattr(message, name + "_w")
    values = getattr(message, repeated)
    values = list(values) if hasattr(values, "__len__") else [values]
    values = values or [default]
    return values[0], values[-1]


def window(message):
    """(kernel, stride, pad, dilation) of a Convolution or Pooling parameter, each (vertical, horizontal)."""
    dilation = list(getattr(message, "dilation", [])) or [1]
    return (
        pair(message, "kernel", "kernel_size", 1), pair(message, "stride", "stride", 1), pair(message, "pad", "pad", 0),
        (dilation[0], dilation[-1]),
    )  # fmt: skip


def _too_small(layer, size, window_size):
    raise ShapeError(
        f'layer "{layer.name}" ({layer.type}) gets {size[0]}x{size[1]} values but looks at {window_size[0]}x{window_size[1]}'
    )


def _convolution(layer, bottoms):
    p = layer.convolution_param
    kernel, stride, pad, dilation = window(p)
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    out = []
    for bottom in bottoms:
        size = bottom[-2:]
        if layer.type == "Deconvolution":
            spatial = tuple(
                (s - 1) * st + e - 2 * q for s, q, e, st in zip(size, pad, extent, stride)
            )
        else:
            if any(s + 2 * q < e for s, q, e in zip(size, pad, extent)):
                _too_small(layer, size, extent)
            spatial = tuple(
                (s + 2 * q - e) // max(st, 1) + 1 for s, q, e, st in zip(size, pad, extent, stride)
            )
        out.append((bottom[0], p.num_output, *spatial))
    return out


def _pooling(layer, bottoms):
    p = layer.pooling_param
    n, c, *size = bottoms[0]
    if p.global_pooling:
        return [(n, c, 1, 1)] * len(layer.top)
    kernel, stride, pad, _ = window(p)
    floor = "round_mode" in p.DESCRIPTOR.fields_by_name and p.round_mode == 1
    out = []
    for s, k, st, q in zip(size, kernel, stride, pad):
        steps = s + 2 * q - k
        count = (steps // max(st, 1) if floor else -(-steps // max(st, 1))) + 1
        out.append(count - 1 if q and (count - 1) * st >= s + q else count)
    if min(out) < 1:
        _too_small(layer, size, kernel)
    return [(n, c, *out)] * len(layer.top)


def _inner_product(layer, bottoms):
    axis = layer.inner_product_param.axis % len(bottoms[0])
    return [(*bottoms[0][:axis], layer.inner_product_param.num_output)]


def _concat(layer, bottoms):
    p = layer.concat_param
    axis = (p.concat_dim if p.HasField("concat_dim") else p.axis) % len(bottoms[0])
    for b in bottoms[1:]:
        if [*b[:axis], *b[axis + 1 :]] != [*bottoms[0][:axis], *bottoms[0][axis + 1 :]]:
            raise ShapeError(
                f'layer "{layer.name}" (Concat): its bottoms {bottoms[0]} and {b} differ outside axis {axis}'
            )
    return [(*bottoms[0][:axis], sum(b[axis] for b in bottoms), *bottoms[0][axis + 1 :])]


def _slice(layer, bottoms):
    p, shape = layer.slice_param, bottoms[0]
    axis = (p.slice_dim if p.HasField("slice_dim") else p.axis) % len(shape)
    points = list(p.slice_point) or [
        shape[axis] * i // len(layer.top) for i in range(1, len(layer.top))
    ]
    edges = [0, *points, shape[axis]]
    return [
        (*shape[:axis], last - first, *shape[axis + 1 :]) for first, last in zip(edges, edges[1:])
    ]


def _flatten(layer, bottoms):
    shape = bottoms[0]
    first, last = layer.flatten_param.axis % len(shape), layer.flatten_param.end_axis % len(shape)
    return [(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])]


def _reshape(layer, bottoms):
    p, shape = layer.reshape_param, bottoms[0]
    first = p.axis if p.axis >= 0 else p.axis + len(shape) + 1
    last = len(shape) if p.num_axes < 0 else first + p.num_axes
    dims = [shape[first + i] if d == 0 else d for i, d in enumerate(p.shape.dim)]
    if -1 in dims:
        known = (
            math.prod(d for d in dims if d != -1)
            * math.prod(shape[:first])
            * math.prod(shape[last:])
        )
        dims[dims.index(-1)] = math.prod(shape) // max(known, 1)
    return [(*shape[:first], *dims, *shape[last:])]


def _crop(layer, bottoms):
    axis = layer.crop_param.axis % len(bottoms[0])
    return [(*bottoms[0][:axis], *bottoms[1][axis:])]


def _tile(layer, bottoms):
    axis = layer.tile_param.axis % len(bottoms[0])
    return [tuple(n * layer.tile_param.tiles if i == axis else n for i, n in enumerate(bottoms[0]))]


def _scalars(layer, bottoms):
    # a loss's second top, where there is one, is the probabilities
    return [(), bottoms[0]][: len(layer.top)]


RULES: Dict[str, Callable[..., List[Shape]]] = {
    "Concat": _concat, "Convolution": _convolution, "Crop": _crop, "Deconvolution": _convolution, "Flatten": _flatten,
    "InnerProduct": _inner_product, "Pooling": _pooling, "Reshape": _reshape, "Slice": _slice, "Tile": _tile,
    **dict.fromkeys(SAME_SHAPE, lambda layer, bottoms: [bottoms[0]] * len(layer.top)), **dict.fromkeys(_SCALARS, _scalars),
}  # fmt: skip


def input_shapes(net):
    """{blob: shape} of what the net's input layers declare; None where they do not say."""
    out: Dict[str, Shape] = {}
    for layer in net.layer:
        if layer.type in INPUTS:
            for i, top in enumerate(layer.top):
                out[top] = _declared(layer, i)
    return out


def _declared(layer, i) -> Shape:
    if layer.type == "Input":
        shapes = layer.input_param.shape
        return tuple(shapes[i if len(shapes) > 1 else 0].dim) if shapes else None
    if layer.type == "DummyData":
        p = layer.dummy_data_param
        if p.shape:
            return tuple(p.shape[i if len(p.shape) > 1 else 0].dim)
        return (
            tuple(
                values[i if len(values) > 1 else 0]
                for values in (p.num, p.channels, p.height, p.width)
            )
            if p.num
            else None
        )
    if layer.type == "MemoryData":
        p = layer.memory_data_param
        return (p.batch_size, p.channels, p.height, p.width) if i == 0 else (p.batch_size,)
    param = {
        "Data": "data_param",
        "ImageData": "image_data_param",
        "WindowData": "window_data_param",
    }.get(layer.type)
    crop = layer.transform_param.crop_size
    if not param or not crop:
        return None
    batch = getattr(layer, param).batch_size
    return (batch, 3, crop, crop) if i == 0 else (batch,)


def infer(net, inputs=None, end=None):
    """{blob: shape} of every blob up to the layer `end`, with `inputs` ({blob: shape}) in place of what the net declares.

    Raises ShapeError at the first layer that cannot take its input, an InnerProduct whose weights were made for another size
    among them.
    """
    given = {**input_shapes(net), **(inputs or {})}
    home = infer(net) if inputs and any(layer.type == "InnerProduct" for layer in net.layer) else {}
    out: Dict[str, Shape] = {}
    for layer in net.layer:
        if layer.type in INPUTS:
            out.update((top, given.get(top)) for top in layer.top)
        else:
            bottoms = [out.get(b) for b in layer.bottom]
            rule = RULES.get(layer.type)
            if rule is None or not bottoms or any(b is None for b in bottoms):
                out.update((top, None) for top in layer.top)
            else:
                if layer.type == "InnerProduct":
                    _check_inner_product(layer, bottoms[0], home.get(layer.bottom[0]))
                out.update(zip(layer.top, rule(layer, bottoms)))
        if layer.name == end:
            break
    return out


def _check_inner_product(layer, bottom, home):
    if home is None:
        return
    axis = layer.inner_product_param.axis
    wanted, found = math.prod(home[axis % len(home) :]), math.prod(bottom[axis % len(bottom) :])
    if wanted != found:
        raise InnerProductSizeError(
            f'layer "{layer.name}": Input size incompatible with inner product parameters: K_ is {wanted}, made for {home}, but this input '
            f"gives it {bottom}, K_ {found}; {CURE}"
        )


def weight_shapes(net):
    """{layer: [shapes of its weights]} of the Convolution and InnerProduct layers, at the declared input size."""
    blobs = infer(net)
    out = {}
    for layer in net.layer:
        first = blobs.get(layer.bottom[0]) if layer.bottom else None
        if first is None:
            continue
        if layer.type == "Convolution":
            p = layer.convolution_param
            weights = (p.num_output, first[1] // max(p.group, 1), *window(p)[0])
        elif layer.type == "InnerProduct":
            p = layer.inner_product_param
            count = math.prod(first[p.axis % len(first) :])
            weights = (count, p.num_output) if p.transpose else (p.num_output, count)
        else:
            continue
        out[layer.name] = [weights] + ([(p.num_output,)] if p.bias_term else [])
    return out
