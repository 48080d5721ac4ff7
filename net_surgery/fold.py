"""BatchNorm and Scale folded into the Convolution before them, which then gives the same values."""

from typing import Any, List, Tuple

import numpy as np

from netfile.blobs import blob_array, blob_values, set_values

from .errors import SurgeryError
from .operation import Operated, opened

_FOLDED = ("BatchNorm", "Scale")


def fold(prototxt: Any, weights: Any = None, *, caffe: Any = None) -> Operated:
    """The net with every BatchNorm and Scale folded into the Convolution or InnerProduct before it.

    The values are those of the test phase, with BatchNorm's stored mean and variance. A layer whose
    input something else reads too, or that has no weights in the file, is left as it is, and
    `changes` says why.

    Args:
        prototxt: a path, or an Operated.
        weights: the path of its caffemodel; None for an Operated.
        caffe: the engine module; by default a real Caffe, else caffe_compat.

    Raises:
        FormatError: a file cannot be read.
        SurgeryError: there are no weights.
    """
    operated = opened(prototxt, weights, caffe)
    if operated.weights is None:
        raise SurgeryError("folding changes weights; give the caffemodel too")
    for layer in list(operated.net.layer):
        if layer.type in _FOLDED:
            _fold_one(operated, layer)
    return operated


def _fold_one(operated: Operated, layer: Any) -> None:
    reason, target = _target(operated, layer)
    if reason:
        operated.note(layer.name, layer.name, f"{layer.type} left as it is: {reason}")
        return
    gain, offset = _affine(operated, layer)
    stored = operated.stored(target.name)
    weight = blob_array(stored.blobs[0])
    outputs = _parameter(target, target.type).num_output
    axis_first = target.type == "Convolution" or not target.inner_product_param.transpose
    matrix = weight.reshape(outputs, -1) if axis_first else weight.reshape(-1, outputs).T
    if len(stored.blobs) > 1:
        bias = blob_values(stored.blobs[1])
    else:
        bias = np.zeros(outputs, np.float32)
    folded = np.float64(matrix) * gain[:, None]
    set_values(stored.blobs[0], (folded if axis_first else folded.T).reshape(weight.shape))
    if len(stored.blobs) < 2:
        stored.blobs.add()
        for entry in (target, stored):
            _parameter(entry, target.type).bias_term = True
    set_values(stored.blobs[1], np.float64(bias) * gain + offset)
    _remove(operated, layer)
    operated.note(layer.name, target.name, f"{layer.type} folded into {target.name}")


def _parameter(layer: Any, kind: str) -> Any:
    return layer.convolution_param if kind == "Convolution" else layer.inner_product_param


def _target(operated: Operated, layer: Any) -> Tuple[str, Any]:
    """(why it cannot be folded, "" if it can; the layer to fold it into)."""
    layers = list(operated.net.layer)
    number = next(
        i for i, other in enumerate(layers) if other.name == layer.name and other.type == layer.type
    )
    blob = layer.bottom[0]
    if len(layer.bottom) > 1:
        return (
            f"it takes its scale from {layer.bottom[1]}, which differs from picture to picture",
            None,
        )
    maker = next((other for other in reversed(layers[:number]) if blob in other.top), None)
    if maker is None or maker.type not in ("Convolution", "InnerProduct"):
        return (
            f"it follows {maker.name if maker else blob} ({maker.type if maker else 'an input'}), "
            "which is neither a Convolution nor an InnerProduct",
            None,
        )
    if maker.type == "InnerProduct" and maker.inner_product_param.axis != 1:
        return f"{maker.name} multiplies another axis", None
    if any(spec.name for spec in maker.param):
        return f"{maker.name} shares its weights with other layers", None
    others = _other_readers(layers, layers.index(maker), number)
    if others:
        return f"{others[0]} reads {blob} as well", None
    if (
        layer.type == "BatchNorm"
        and layer.batch_norm_param.HasField("use_global_stats")
        and not layer.batch_norm_param.use_global_stats
    ):
        return "it measures each batch anew", None
    if layer.type == "Scale" and (layer.scale_param.axis != 1 or layer.scale_param.num_axes != 1):
        return (
            f"it scales {layer.scale_param.num_axes} axes from axis {layer.scale_param.axis}, "
            "not the channels",
            None,
        )
    for entry in (layer, maker):
        if not operated.blobs(entry.name):
            return f"the weights have nothing for {entry.name}", None
    return "", maker


def _other_readers(layers: List[Any], maker: int, number: int) -> List[str]:
    """Names of the other layers that read the first bottom of layer `number` as `maker` made it."""
    layer = layers[number]
    blob, in_place = layer.bottom[0], layer.bottom[0] == layer.top[0]
    readers = []
    for i in range(maker + 1, number if in_place else len(layers)):
        if blob in layers[i].bottom and i != number:
            readers.append(layers[i].name)
        elif blob in layers[i].top:
            break
    return readers


def _affine(operated: Operated, layer: Any) -> Tuple[np.ndarray, np.ndarray]:
    """(gain, offset) of a BatchNorm or Scale, (C,), float64: y = gain * x + offset."""
    blobs = [blob_values(blob).astype(np.float64) for blob in operated.blobs(layer.name)]
    if layer.type == "Scale":
        has_offset = len(blobs) > 1 and layer.scale_param.bias_term
        return blobs[0], blobs[1] if has_offset else np.zeros_like(blobs[0])
    mean, variance, factor = blobs[:3]
    share = 0 if factor[0] == 0 else 1 / factor[0]  # the stored sums' weight, as Caffe reads it
    gain = 1 / np.sqrt(variance * share + layer.batch_norm_param.eps)
    return gain, -mean * share * gain


def _remove(operated: Operated, layer: Any) -> None:
    """Remove a layer with one bottom and one top, and its weights; its readers read its bottom."""
    layers = operated.net.layer
    number = next(
        i for i, other in enumerate(layers) if other.name == layer.name and other.type == layer.type
    )
    old, new = layer.top[0], layer.bottom[0]
    if old != new:
        # the maker writes the top's name, so that nothing after it has to change
        maker = next(other for other in reversed(list(layers)[:number]) if new in other.top)
        maker.top[list(maker.top).index(new)] = old
    name = layer.name
    del layers[number]
    for stored in list(operated.weights.layer):
        if stored.name == name:
            operated.weights.layer.remove(stored)
