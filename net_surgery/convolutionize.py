"""InnerProduct to Convolution, so that a net takes any input size.

An InnerProduct that sees C x h x w values is a Convolution with a kernel of h x w: the same weights
in the same order (Long, Shelhamer and Darrell, arXiv 1411.4038; Caffe's net surgery example). On a
larger input the same kernel slides, and gives a map.
"""

import math
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from netfile.blobs import blob_array, blob_shape, set_shape, set_values
from netfile.shapes import SAME_SHAPE, Shape, infer, input_shapes

from .errors import ShapeError, SurgeryError
from .operation import Operated, opened

Shapes = Dict[str, Shape]

# these work on a map as they do on a vector, axis 1 being the channels
_FINE = SAME_SHAPE | {
    "Accuracy", "ArgMax", "Concat", "ContrastiveLoss", "Convolution", "Crop", "Deconvolution",
    "EuclideanLoss", "Flatten", "HingeLoss", "InfogainLoss", "InnerProduct",
    "MultinomialLogisticLoss", "Pooling", "SigmoidCrossEntropyLoss", "Silence", "Slice",
    "SoftmaxWithLoss", "Tile",
}  # fmt: skip
# layers that pass every value on in its place, so that they fit before a kernel and a vector alike
_VALUE_BY_VALUE = SAME_SHAPE - {"LRN", "MVN", "Softmax", "BatchNorm", "Scale", "Bias", "PReLU"}
_AXES = {
    "Accuracy": "accuracy_param",
    "Concat": "concat_param",
    "Slice": "slice_param",
    "Softmax": "softmax_param",
    "SoftmaxWithLoss": "softmax_param",
}
_SUFFIX = "-conv"
_LARGEST = 2**31 - 1


def convolutionize(
    prototxt: Any,
    weights: Any = None,
    *,
    caffe: Any = None,
    input_shape: Optional[Tuple[int, ...]] = None,
) -> Operated:
    """The net with a Convolution in place of every InnerProduct.

    New layers are called fc6-conv for fc6, so that Caffe does not try to copy the old weights.

    Args:
        prototxt: the path of a file in any of Caffe's three forms, or an Operated.
        weights: the path of its caffemodel, or None.
        caffe: the engine module; by default a real Caffe, else caffe_compat.
        input_shape: (N, C, H, W) of the blob "data", where the net does not declare it (a train_val
            net without a crop size).

    Returns:
        An Operated, which unpacks into (prototxt, caffemodel); its `changes` tell which layer came
        from which.

    Raises:
        FormatError: a file cannot be read.
        SurgeryError: a layer cannot be converted.
    """
    operated = opened(prototxt, weights, caffe)
    inputs = dict(input_shapes(operated.net))
    if input_shape is not None:
        inputs["data"] = tuple(input_shape)
    shapes = _shapes(operated, inputs)
    vectors = [layer for layer in operated.net.layer if layer.type == "InnerProduct"]
    for layer in vectors:
        _check_convertible(layer, shapes)
    _pass_flattened(operated, shapes)
    kernels = _kernels(operated, shapes)
    names = _new_names(operated, vectors)
    owners: Dict[str, Tuple[int, ...]] = {}
    for layer in vectors:
        _convert(operated, layer, names[layer.name], kernels[layer.name], owners)
    _check_readers(operated, {layer.top[0] for layer in vectors})
    return operated


def _shapes(operated: Operated, inputs: Mapping[str, Shape]) -> Shapes:
    try:
        return infer(operated.net, {name: shape for name, shape in inputs.items() if shape})
    except ShapeError as e:
        raise SurgeryError(f"the net is invalid at its declared input size: {e}") from None


def _check_convertible(layer: Any, shapes: Shapes) -> None:
    shape = shapes.get(layer.bottom[0]) if len(layer.bottom) == 1 else None
    if shape is None:
        raise SurgeryError(
            f'layer "{layer.name}" (InnerProduct): the shape of its bottom cannot be worked out, '
            "so neither can its kernel; declare the net's input, or give the input's shape"
        )
    if len(layer.top) != 1 or max(shape) > _LARGEST:
        raise SurgeryError(
            f'layer "{layer.name}" (InnerProduct) has {len(layer.top)} tops and a bottom of '
            f"{shape}; it makes one top, and no axis has more than {_LARGEST} places"
        )
    axis = layer.inner_product_param.axis % len(shape)
    if axis != 1:
        raise SurgeryError(
            f'layer "{layer.name}" (InnerProduct) multiplies {shape} from axis {axis} on; '
            "only axis 1, all of a picture's values, is a Convolution"
        )
    if len(shape) not in (2, 4):
        raise SurgeryError(
            f'layer "{layer.name}" (InnerProduct) gets {shape}, {len(shape)} axes; '
            "a Convolution takes (N, C) or (N, C, H, W)"
        )


def _readers(operated: Operated, blob: str, first: int) -> Iterator[Any]:
    """Layers after number `first` that read this blob as that layer left it."""
    for layer in list(operated.net.layer)[first + 1 :]:
        if blob in layer.bottom:
            yield layer
        elif blob in layer.top:
            return


def _keeps_batch_and_order(layer: Any, shapes: Shapes) -> bool:
    """Whether a Flatten or Reshape makes (N, everything else in order) of its bottom."""
    if layer.type not in ("Flatten", "Reshape") or not (layer.bottom and layer.top):
        return False
    before, after = shapes.get(layer.bottom[0]), shapes.get(layer.top[0])
    return bool(
        before
        and after
        and len(before) in (2, 4)
        and after[0] == before[0]
        and math.prod(after[1:]) == after[1]
    )


def _pass_flattened(operated: Operated, shapes: Shapes) -> None:
    """Remove each Flatten or Reshape between a map and an InnerProduct: a kernel wants the map."""
    layers = list(operated.net.layer)
    for number, layer in enumerate(layers):
        if not _keeps_batch_and_order(layer, shapes):
            continue
        vectors, others = _uses(operated, layer.top[0], number)
        if not vectors:
            continue
        if others:
            raise SurgeryError(
                f'layer "{layer.name}" ({layer.type}) makes {shapes[layer.top[0]]} of '
                f'{shapes[layer.bottom[0]]}, which "{vectors[0]}" (InnerProduct) and '
                f'"{others[0]}" read; after the operation the first wants it as a map, '
                "the second as a vector"
            )
        _rename_bottoms(operated, layer.top[0], layer.bottom[0], number)
        operated.net.layer.remove(layer)
        operated.note(
            layer.name,
            layer.name,
            f"{layer.type} removed, since a Convolution reads the map before it",
        )


def _uses(operated: Operated, blob: str, first: int) -> Tuple[List[str], List[str]]:
    """Names of the (InnerProducts, other layers) that read a blob in the end.

    That is, after the layers that pass every value on in its place.
    """
    vectors: List[str] = []
    others: List[str] = []
    layers = list(operated.net.layer)
    for layer in _readers(operated, blob, first):
        if layer.type == "InnerProduct":
            vectors.append(layer.name)
        elif layer.type in _VALUE_BY_VALUE and len(layer.bottom) == len(layer.top) == 1:
            if layer.top[0] != blob:
                more = _uses(operated, layer.top[0], layers.index(layer))
                vectors += more[0]
                others += more[1]
        else:
            others.append(layer.name)
    return vectors, others


def _rename_bottoms(operated: Operated, old: str, new: str, first: int) -> None:
    """Let the layers after number `first` read `new` for `old`, up to one that writes `old`."""
    for layer in list(operated.net.layer)[first + 1 :]:
        for i, bottom in enumerate(layer.bottom):
            if bottom == old:
                layer.bottom[i] = new
        if old in layer.top:
            return


def _kernels(operated: Operated, shapes: Shapes) -> Dict[str, Tuple[int, ...]]:
    """{InnerProduct layer: (channels, height, width) that it reads}.

    They are those of the map, or 1x1 after another InnerProduct.
    """
    # blob -> shape, of those that have (N, C, H, W) after the operation
    maps: Dict[str, Tuple[int, ...]] = {}
    kernels: Dict[str, Tuple[int, ...]] = {}
    for layer in operated.net.layer:
        first = maps.get(layer.bottom[0]) if layer.bottom else None
        if layer.type == "InnerProduct":
            if first is None:
                raise SurgeryError(
                    f'layer "{layer.name}" (InnerProduct) reads {shapes[layer.bottom[0]]}, '
                    f'"{layer.bottom[0]}", which is not a map of channels; '
                    "truncate the net before it first"
                )
            kernels[layer.name] = first[1:]
            first = (first[0], layer.inner_product_param.num_output, 1, 1)
            maps.update((top, first) for top in layer.top)
        elif first is not None and layer.type in SAME_SHAPE:
            maps.update((top, first) for top in layer.top)
        elif (
            first is not None
            and layer.type in ("Concat", "Slice")
            and all(b in maps for b in layer.bottom)
        ):
            maps.update((top, _as_map(shapes[top] or ())) for top in layer.top)
        else:
            for top in layer.top:
                shape = shapes.get(top)
                if shape and len(shape) == 4:
                    maps[top] = shape
    return kernels


def _as_map(shape: Tuple[int, ...]) -> Tuple[int, ...]:
    return (*shape, *(1,) * (4 - len(shape)))


def _new_names(operated: Operated, vectors: List[Any]) -> Dict[str, str]:
    """{old name: new name}, none of which is a layer or a blob already."""
    taken = {name for layer in operated.net.layer for name in (layer.name, *layer.top)}
    names: Dict[str, str] = {}
    for layer in vectors:
        if layer.name not in names:  # a train and a test layer may have one name
            numbers = ["", *range(2, len(taken) + 3)]
            candidates = (f"{layer.name}{_SUFFIX}{i}" for i in numbers)
            names[layer.name] = next(name for name in candidates if name not in taken)
            taken.add(names[layer.name])
    return names


def _convert(
    operated: Operated,
    layer: Any,
    new_name: str,
    kernel: Tuple[int, ...],
    owners: Dict[str, Tuple[int, ...]],
) -> None:
    """Make an InnerProduct a Convolution; `owners`: {shared parameter: its first shape}."""
    old_name, old_top = layer.name, layer.top[0]
    p = layer.inner_product_param
    _convert_weights(operated, layer, new_name, kernel)
    for spec, shape in zip(layer.param, ((p.num_output, *kernel), (p.num_output,))):
        # two layers may share weights that are laid out otherwise in one of them
        if spec.name and owners.setdefault(spec.name, shape) != shape:
            spec.share_mode = 1  # PERMISSIVE: as many values
    layer.type, layer.name = "Convolution", new_name
    conv = layer.convolution_param
    conv.num_output = p.num_output
    conv.bias_term = p.bias_term
    for name in ("weight_filler", "bias_filler"):
        if p.HasField(name):
            getattr(conv, name).CopyFrom(getattr(p, name))
    if kernel[1] == kernel[2]:
        conv.kernel_size.append(kernel[1])
    else:
        conv.kernel_h, conv.kernel_w = kernel[1:]
    layer.ClearField("inner_product_param")
    if old_top == old_name:
        _rename_blob(operated, layer, old_top, new_name)
    operated.note(
        old_name,
        new_name,
        f"InnerProduct over {math.prod(kernel)} values made a Convolution over "
        + "x".join(map(str, kernel)),
    )


def _rename_blob(operated: Operated, maker: Any, old: str, new: str) -> None:
    """Rename a blob from its maker on, in every layer that reads it or works in place on it."""
    maker.top[list(maker.top).index(old)] = new
    begun = False
    for layer in operated.net.layer:
        if begun:
            for names in (layer.bottom, layer.top):
                for i, name in enumerate(names):
                    if name == old:
                        names[i] = new
        begun = begun or layer is maker or layer.name == maker.name


def _convert_weights(
    operated: Operated, layer: Any, new_name: str, kernel: Tuple[int, ...]
) -> None:
    stored = operated.stored(layer.name)
    if stored is None:
        return
    p = layer.inner_product_param
    wanted = (p.num_output, math.prod(kernel))
    if stored.blobs:
        shape = blob_shape(stored.blobs[0])
        matrix = wanted[::-1] if p.transpose else wanted
        if math.prod(shape) != math.prod(wanted):
            raise SurgeryError(
                f'layer "{layer.name}" (InnerProduct): its weights are {shape}, '
                f"{math.prod(shape)} values, but the net gives it {kernel} and takes {matrix}, "
                f"{math.prod(wanted)}; the weights belong to another net, "
                "or the input has another size"
            )
        if p.transpose:
            set_values(stored.blobs[0], blob_array(stored.blobs[0]).reshape(matrix).T)
        set_shape(stored.blobs[0], (p.num_output, *kernel))
        if len(stored.blobs) > 1:
            set_shape(stored.blobs[1], (p.num_output,))
    stored.ClearField("inner_product_param")
    stored.name, stored.type = new_name, "Convolution"


def _check_readers(operated: Operated, tops: Iterable[str]) -> None:
    """Refuse, or bring to axis 1, what reads a vector that is a map now."""
    maps = set(tops)
    for layer in operated.net.layer:
        if not maps & set(layer.bottom):
            continue
        if layer.type not in _FINE and layer.type != "Reshape":
            read = next(bottom for bottom in layer.bottom if bottom in maps)
            raise SurgeryError(
                f'layer "{layer.name}" ({layer.type}) reads "{read}", which would become a map; '
                "truncate the net before it first"
            )
        if layer.type in _AXES:
            p = getattr(layer, _AXES[layer.type])
            if p.axis == -1:
                p.axis = 1
                operated.note(
                    layer.name,
                    layer.name,
                    f"{layer.type} along axis 1, the channels, where it was the last axis",
                )
        if layer.type in SAME_SHAPE or layer.type in ("Concat", "Slice"):
            maps.update(layer.top)
