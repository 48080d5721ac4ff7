"""The files of 2013: each connection holds a nested `layer` with every setting side by side.

Works on the messages of any caffe_pb2, and needs nothing else.
"""

from typing import Any, Dict, Optional, Tuple

from .errors import PrototxtError
from .messages import set_field

_TYPES = {
    "accuracy": "Accuracy", "bnll": "BNLL", "concat": "Concat", "conv": "Convolution",
    "data": "Data", "dropout": "Dropout", "euclidean_loss": "EuclideanLoss",
    "flatten": "Flatten", "hdf5_data": "HDF5Data", "hdf5_output": "HDF5Output",
    "im2col": "Im2col", "images": "ImageData", "infogain_loss": "InfogainLoss",
    "innerproduct": "InnerProduct", "lrn": "LRN",
    "multinomial_logistic_loss": "MultinomialLogisticLoss", "pool": "Pooling", "relu": "ReLU",
    "sigmoid": "Sigmoid", "softmax": "Softmax", "softmax_loss": "SoftmaxWithLoss",
    "split": "Split", "tanh": "TanH", "window_data": "WindowData",
}  # fmt: skip
_Places = Dict[str, Tuple[str, Optional[str]]]  # layer type -> (parameter message, field in it)
_PARAMETERS = {
    "Convolution": "convolution_param", "Data": "data_param", "Dropout": "dropout_param",
    "HDF5Data": "hdf5_data_param", "Im2col": "convolution_param", "ImageData": "image_data_param",
    "InfogainLoss": "infogain_loss_param", "InnerProduct": "inner_product_param",
    "LRN": "lrn_param", "Pooling": "pooling_param", "WindowData": "window_data_param",
    "Concat": "concat_param",
}  # fmt: skip
_WEIGHTED = ("Convolution", "InnerProduct")
_WINDOWED = ("Convolution", "Im2col", "Pooling")
_DATA = ("Data", "HDF5Data", "ImageData", "WindowData")


def _in(field: str, *kinds: str) -> _Places:
    """The places of a V0 field that is called `field` in the parameter message of these types."""
    return {kind: (_PARAMETERS[kind], field) for kind in kinds}


def _transform(field: str) -> _Places:
    """The places of a V0 field that has become one of transform_param."""
    return {kind: ("transform_param", field) for kind in ("Data", "ImageData", "WindowData")}


_PLACES: Dict[str, _Places] = {
    "num_output": _in("num_output", *_WEIGHTED),
    "biasterm": _in("bias_term", *_WEIGHTED),
    "weight_filler": _in("weight_filler", *_WEIGHTED),
    "bias_filler": _in("bias_filler", *_WEIGHTED),
    "pad": _in("pad", *_WINDOWED),
    "kernelsize": _in("kernel_size", *_WINDOWED),
    "stride": _in("stride", *_WINDOWED),
    "group": _in("group", "Convolution"),
    "pool": _in("pool", "Pooling"),
    "dropout_ratio": _in("dropout_ratio", "Dropout"),
    "local_size": _in("local_size", "LRN"),
    "alpha": _in("alpha", "LRN"),
    "beta": _in("beta", "LRN"),
    "k": _in("k", "LRN"),
    "concat_dim": _in("concat_dim", "Concat"),
    "source": _in("source", *_DATA, "InfogainLoss"),
    "batchsize": _in("batch_size", *_DATA),
    "rand_skip": _in("rand_skip", "Data", "ImageData"),
    "shuffle_images": _in("shuffle", "ImageData"),
    "new_height": _in("new_height", "ImageData"),
    "new_width": _in("new_width", "ImageData"),
    "scale": _transform("scale"),
    "meanfile": _transform("mean_file"),
    "cropsize": _transform("crop_size"),
    "mirror": _transform("mirror"),
    "det_fg_threshold": _in("fg_threshold", "WindowData"),
    "det_bg_threshold": _in("bg_threshold", "WindowData"),
    "det_fg_fraction": _in("fg_fraction", "WindowData"),
    "det_context_pad": _in("context_pad", "WindowData"),
    "det_crop_mode": _in("crop_mode", "WindowData"),
    "hdf5_output_param": {"HDF5Output": ("hdf5_output_param", None)},
}


def is_v0(net: Any) -> bool:
    """Whether any of the net's layers is in this form."""
    return any(layer.HasField("layer") for layer in net.layers)


def upgrade_v0(net: Any) -> None:
    """Move every `layers { layer { ... } }` of a NetParameter to V2 `layer`, in place.

    Padding layers go into what reads them. Raises PrototxtError for an unknown type or field.
    """
    pads: Dict[str, Tuple[str, int]] = {}  # top of a padding layer -> (its bottom, its pad)
    for connection in net.layers:
        old = connection.layer
        if not connection.HasField("layer"):
            raise PrototxtError(
                f'layer "{connection.name}" is in the V1 form among V0 layers; use one form'
            )
        if old.type == "padding":
            if len(connection.bottom) != 1 or len(connection.top) != 1:
                raise PrototxtError(f'padding layer "{old.name}" takes one bottom and one top')
            pads[connection.top[0]] = connection.bottom[0], old.pad
            continue
        _upgrade_layer(connection, net.layer.add(), pads)
    del net.layers[:]


def _upgrade_layer(connection: Any, new: Any, pads: Dict[str, Tuple[str, int]]) -> None:
    old = connection.layer
    if old.type not in _TYPES:
        raise PrototxtError(
            f'layer "{old.name}" has the unknown V0 type "{old.type}"; '
            f"known: {', '.join(sorted(_TYPES))}"
        )
    new.name, new.type = old.name, _TYPES[old.type]
    new.bottom.extend(connection.bottom)
    new.top.extend(connection.top)
    new.blobs.extend(old.blobs)
    for field, values in (("lr_mult", old.blobs_lr), ("decay_mult", old.weight_decay)):
        for i, value in enumerate(values):
            while len(new.param) <= i:
                new.param.add()
            setattr(new.param[i], field, value)
    for descriptor, value in old.ListFields():
        if descriptor.name in _PLACES:
            _set(new, descriptor.name, value)
    for i, bottom in enumerate(new.bottom):
        if bottom in pads:
            new.bottom[i], pad = pads[bottom]
            _set(new, "pad", pad)


def _set(layer: Any, field: str, value: Any) -> None:
    places = _PLACES[field]
    if layer.type not in places:
        raise PrototxtError(
            f'layer "{layer.name}" ({layer.type}) has the V0 field {field}, '
            "which such a layer does not take"
        )
    message, name = places[layer.type]
    if name is None:
        set_field(layer, message, value)
    else:
        set_field(getattr(layer, message), name, value)
