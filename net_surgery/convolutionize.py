"""InnerProduct to Convolution, so that a net takes any input size.

An InnerProduct that sees C x h x w values is a Convolution with a kernel of h x w: the same weights in the same order (Long, Shelhamer
and Darrell, arXiv 1411.4038; Caffe's net surgery example). On a larger input the same kernel slides, and gives a map.
"""

import math
from typing import Dict

from netfile import formats
from netfile.shapes import SAME_SHAPE, infer, input_shapes

from .errors import ShapeError, SurgeryError
from .operation import opened

# these work on a map as they do on a vector, axis 1 being the channels
_FINE = SAME_SHAPE | {
    "Accuracy", "ArgMax", "Concat", "ContrastiveLoss", "Convolution", "Crop", "Deconvolution", "EuclideanLoss", "Flatten", "HingeLoss",
    "InfogainLoss", "InnerProduct", "MultinomialLogisticLoss", "Pooling", "SigmoidCrossEntropyLoss", "Silence", "Slice", "SoftmaxWithLoss", "Tile",
}  # fmt: skip
# layers that give every value on in its place, so that they may stand in front of a kernel as well as of a vector
_VALUE_BY_VALUE = SAME_SHAPE - {"LRN", "MVN", "Softmax", "BatchNorm", "Scale", "Bias", "PReLU"}
_AXES = {
    "Accuracy": "accuracy_param", "Concat": "concat_param", "Slice": "slice_param", "Softmax": "softmax_param",
    "SoftmaxWithLoss": "softmax_param",
}  # fmt: skip
_SUFFIX = "-conv"


def convolutionize(prototxt, weights=None, *, caffe=None, input_shape=None):
    """The net with a Convolution in place of every InnerProduct: an Operated, which unpacks into (prototxt, caffemodel).

    prototxt, weights: paths of files in any of Caffe's three forms; or an Operated in place of the first. input_shape: (N, C, H, W)
    of the blob "data" where the net does not declare it (a train_val net without a crop size). New layers are called fc6-conv for fc6, so that
    Caffe does not try to copy the old weights; `changes` tells which came from which. Raises SurgeryError for a layer that
    cannot be converted.
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
    owners: Dict[str, tuple] = {}
    for layer in vectors:
        _convert(operated, layer, names[layer.name], kernels[layer.name], owners)
    _check_readers(operated, {layer.top[0] for layer in vectors})
    return operated


def _shapes(operated, inputs):
    try:
        return infer(operated.net, {name: shape for name, shape in inputs.items() if shape})
    except ShapeError as e:
        raise SurgeryError(
            f"at its declared input size the net does not fit together: {e}"
        ) from None


def _check_convertible(layer, shapes):
    shape = shapes.get(layer.bottom[0]) if len(layer.bottom) == 1 else None
    if shape is None:
        raise SurgeryError(
            f'layer "{layer.name}" (InnerProduct): the shape of its bottom cannot be worked out, so neither can its kernel; '
            "declare the net's input, or give the input's shape"
        )
    axis = layer.inner_product_param.axis % len(shape)
    if axis != 1:
        raise SurgeryError(
            f'layer "{layer.name}" (InnerProduct) multiplies {shape} from axis {axis} on; only axis 1, all of a picture\'s values, is a Convolution'
        )
    if len(shape) not in (2, 4):
        raise SurgeryError(
            f'layer "{layer.name}" (InnerProduct) gets {shape}, {len(shape)} axes; a Convolution takes (N, C) or (N, C, H, W)'
        )


def _readers(operated, blob, first):
    """Layers behind number `first` that read this blob as that layer left it, up to one that makes it anew."""
    for layer in list(operated.net.layer)[first + 1 :]:
        if blob in layer.bottom:
            yield layer
        elif blob in layer.top:
            return


def _keeps_batch_and_order(layer, shapes):
    """Whether a Flatten or Reshape makes (N, everything else in order) of its bottom."""
    if layer.type not in ("Flatten", "Reshape"):
        return False
    before, after = shapes.get(layer.bottom[0]), shapes.get(layer.top[0])
    return bool(
        before
        and after
        and len(before) in (2, 4)
        and after[0] == before[0]
        and math.prod(after[1:]) == after[1]
    )


def _pass_flattened(operated, shapes):
    """Take out each Flatten or Reshape that stands between a map and an InnerProduct, since a kernel wants the map."""
    layers = list(operated.net.layer)
    for number, layer in enumerate(layers):
        if not _keeps_batch_and_order(layer, shapes):
            continue
        vectors, others = _uses(operated, layer.top[0], number)
        if not vectors:
            continue
        if others:
            raise SurgeryError(
                f'layer "{layer.name}" ({layer.type}) makes {shapes[layer.top[0]]} of {shapes[layer.bottom[0]]}, which "{vectors[0]}" '
                f'(InnerProduct) and "{others[0]}" read; the first wants it as a map after the operation, the second as a vector'
            )
        _rename_bottoms(operated, layer.top[0], layer.bottom[0], number)
        operated.net.layer.remove(layer)
        operated.note(
            layer.name,
            layer.name,
            f"{layer.type} taken out, since a Convolution reads the map in front of it",
        )


def _uses(operated, blob, first):
    """(InnerProducts, other layers), names, that read a blob at last, behind layers that pass every value on in its place."""
    vectors, others = [], []
    layers = list(operated.net.layer)
    for layer in _readers(operated, blob, first):
        if layer.type == "InnerProduct":
            vectors.append(layer.name)
        elif layer.type in _VALUE_BY_VALUE and len(layer.bottom) == 1:
            if layer.top[0] != blob:
                more = _uses(operated, layer.top[0], layers.index(layer))
                vectors += more[0]
                others += more[1]
        else:
            others.append(layer.name)
    return vectors, others


def _rename_bottoms(operated, old, new, first):
    """Let the readers of `old` read `new`, up to one that makes `old` itself, in place until now."""
    for layer in list(operated.net.layer)[first + 1 :]:
        for i, bottom in enumerate(layer.bottom):
            if bottom == old:
                layer.bottom[i] = new
        if old in layer.top:
            return


def _kernels(operated, shapes):
    """{InnerProduct layer: (channels, height, width) that it reads}: those of the map, or 1x1 behind another InnerProduct."""
    maps: Dict[
        str, tuple
    ] = {}  # blob -> shape, of those that have (N, C, H, W) after the operation
    out = {}
    for layer in operated.net.layer:
        first = maps.get(layer.bottom[0]) if layer.bottom else None
        if layer.type == "InnerProduct":
            if first is None:
                raise SurgeryError(
                    f'layer "{layer.name}" (InnerProduct) reads {shapes[layer.bottom[0]]}, "{layer.bottom[0]}", which is no map of channels; '
                    "truncate the net in front of it first"
                )
            out[layer.name] = first[1:]
            first = (first[0], layer.inner_product_param.num_output, 1, 1)
            maps.update((top, first) for top in layer.top)
        elif first is not None and layer.type in SAME_SHAPE:
            maps.update((top, first) for top in layer.top)
        elif (
            first is not None
            and layer.type in ("Concat", "Slice")
            and all(b in maps for b in layer.bottom)
        ):
            maps.update((top, _as_map(shapes[top])) for top in layer.top)
        else:
            maps.update(
                (top, shapes[top]) for top in layer.top if shapes.get(top) and len(shapes[top]) == 4
            )
    return out


def _as_map(shape):
    return (*shape, *(1,) * (4 - len(shape)))


def _new_names(operated, vectors):
    """{old name: new name}, none of which is a layer or a blob already."""
    taken = {name for layer in operated.net.layer for name in (layer.name, *layer.top)}
    out: Dict[str, str] = {}
    for layer in vectors:
        if layer.name not in out:  # a train and a test layer may have one name
            numbers = ["", *range(2, len(taken) + 3)]
            out[layer.name] = next(
                n for n in (f"{layer.name}{_SUFFIX}{i}" for i in numbers) if n not in taken
            )
            taken.add(out[layer.name])
    return out


def _convert(operated, layer, new_name, kernel, owners):
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
        f"InnerProduct over {math.prod(kernel)} values made a Convolution over {'x'.join(map(str, kernel))}",
    )


def _rename_blob(operated, maker, old, new):
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


def _convert_weights(operated, layer, new_name, kernel):
    stored = operated.stored(layer.name)
    if stored is None:
        return
    p = layer.inner_product_param
    wanted = (p.num_output, math.prod(kernel))
    if stored.blobs:
        found = [n for n in formats.blob_shape(stored.blobs[0]) if n != 1] or [1]
        matrix = wanted[::-1] if p.transpose else wanted
        if math.prod(found) != math.prod(wanted):
            raise SurgeryError(
                f'layer "{layer.name}" (InnerProduct): its weights are {formats.blob_shape(stored.blobs[0])}, {math.prod(found)} values, but the net '
                f"gives it {kernel} and takes {matrix}, {math.prod(wanted)}; the weights belong to another net, or the input has another size"
            )
        if p.transpose:
            values = formats.blob_values(stored.blobs[0]).reshape(matrix)
            formats.set_values(stored.blobs[0], values.T)
        formats.set_shape(stored.blobs[0], (p.num_output, *kernel))
        if len(stored.blobs) > 1:
            formats.set_shape(stored.blobs[1], (p.num_output,))
    stored.ClearField("inner_product_param")
    stored.name, stored.type = new_name, "Convolution"


def _check_readers(operated, tops):
    """What reads a vector that is a map now: fine, brought to axis 1, or refused."""
    maps = set(tops)
    for layer in operated.net.layer:
        if not maps & set(layer.bottom):
            continue
        if layer.type not in _FINE and layer.type != "Reshape":
            raise SurgeryError(
                f'layer "{layer.name}" ({layer.type}) reads "{next(b for b in layer.bottom if b in maps)}", which would become a map; '
                "truncate the net in front of it first"
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
