"""The files of 2013: each connection holds a nested `layer` with every setting side by side.

Works on the messages of any caffe_pb2, and needs nothing else.
"""

from typing import Dict, Optional, Tuple

from .errors import PrototxtError

_TYPES = {
    "accuracy": "Accuracy", "bnll": "BNLL", "concat": "Concat", "conv": "Convolution", "data": "Data", "dropout": "Dropout",
    "euclidean_loss": "EuclideanLoss", "flatten": "Flatten", "hdf5_data": "HDF5Data", "hdf5_output": "HDF5Output", "im2col": "Im2col",
    "images": "ImageData", "infogain_loss": "InfogainLoss", "innerproduct": "InnerProduct", "lrn": "LRN",
    "multinomial_logistic_loss": "MultinomialLogisticLoss", "pool": "Pooling", "relu": "ReLU", "sigmoid": "Sigmoid", "softmax": "Softmax",
    "softmax_loss": "SoftmaxWithLoss", "split": "Split", "tanh": "TanH", "window_data": "WindowData",
}  # fmt: skip
_DATA = {
    "Data": "data_param",
    "HDF5Data": "hdf5_data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
}
# V0 field -> {layer type: (parameter message, field in it)}
_PLACES: Dict[str, Dict[str, Tuple[str, Optional[str]]]] = {
    "num_output": {"Convolution": ("convolution_param", "num_output"), "InnerProduct": ("inner_product_param", "num_output")},
    "biasterm": {"Convolution": ("convolution_param", "bias_term"), "InnerProduct": ("inner_product_param", "bias_term")},
    "weight_filler": {"Convolution": ("convolution_param", "weight_filler"), "InnerProduct": ("inner_product_param", "weight_filler")},
    "bias_filler": {"Convolution": ("convolution_param", "bias_filler"), "InnerProduct": ("inner_product_param", "bias_filler")},
    "pad": {"Convolution": ("convolution_param", "pad"), "Im2col": ("convolution_param", "pad"), "Pooling": ("pooling_param", "pad")},
    "kernelsize": {
        "Convolution": ("convolution_param", "kernel_size"), "Im2col": ("convolution_param", "kernel_size"),
        "Pooling": ("pooling_param", "kernel_size"),
    },
    "stride": {"Convolution": ("convolution_param", "stride"), "Im2col": ("convolution_param", "stride"), "Pooling": ("pooling_param", "stride")},
    "group": {"Convolution": ("convolution_param", "group")},
    "pool": {"Pooling": ("pooling_param", "pool")},
    "dropout_ratio": {"Dropout": ("dropout_param", "dropout_ratio")},
    "local_size": {"LRN": ("lrn_param", "local_size")},
    "alpha": {"LRN": ("lrn_param", "alpha")},
    "beta": {"LRN": ("lrn_param", "beta")},
    "k": {"LRN": ("lrn_param", "k")},
    "concat_dim": {"Concat": ("concat_param", "concat_dim")},
    "source": {**{kind: (param, "source") for kind, param in _DATA.items()}, "InfogainLoss": ("infogain_loss_param", "source")},
    "batchsize": {kind: (param, "batch_size") for kind, param in _DATA.items()},
    "rand_skip": {"Data": ("data_param", "rand_skip"), "ImageData": ("image_data_param", "rand_skip")},
    "shuffle_images": {"ImageData": ("image_data_param", "shuffle")},
    "new_height": {"ImageData": ("image_data_param", "new_height")},
    "new_width": {"ImageData": ("image_data_param", "new_width")},
    "scale": {kind: ("transform_param", "scale") for kind in ("Data", "ImageData", "WindowData")},
    "meanfile": {kind: ("transform_param", "mean_file") for kind in ("Data", "ImageData", "WindowData")},
    "cropsize": {kind: ("transform_param", "crop_size") for kind in ("Data", "ImageData", "WindowData")},
    "mirror": {kind: ("transform_param", "mirror") for kind in ("Data", "ImageData", "WindowData")},
    "det_fg_threshold": {"WindowData": ("window_data_param", "fg_threshold")},
    "det_bg_threshold": {"WindowData": ("window_data_param", "bg_threshold")},
    "det_fg_fraction": {"WindowData": ("window_data_param", "fg_fraction")},
    "det_context_pad": {"WindowData": ("window_data_param", "context_pad")},
    "det_crop_mode": {"WindowData": ("window_data_param", "crop_mode")},
    "hdf5_output_param": {"HDF5Output": ("hdf5_output_param", None)},
}  # fmt: skip


def is_v0(net):
    """Whether any of the net's layers is in this form."""
    return any(layer.HasField("layer") for layer in net.layers)


def upgrade_v0(net):
    """Move every `layers { layer { ... } }` of a NetParameter to V2 `layer`, in place; padding layers go into what reads them."""
    pads = {}  # top of a padding layer -> (its bottom, its pad)
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


def _upgrade_layer(connection, new, pads):
    old = connection.layer
    if old.type not in _TYPES:
        raise PrototxtError(
            f'layer "{old.name}" has the unknown V0 type "{old.type}"; known: {", ".join(sorted(_TYPES))}'
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


def _set(layer, field, value):
    places = _PLACES[field]
    if layer.type not in places:
        raise PrototxtError(
            f'layer "{layer.name}" ({layer.type}) has the V0 field {field}, which such a layer does not take'
        )
    message, name = places[layer.type]
    target = getattr(layer, message)
    if name is None:
        target.CopyFrom(value)
    elif hasattr(value, "DESCRIPTOR"):
        getattr(target, name).CopyFrom(value)
    elif hasattr(getattr(target, name), "append"):
        getattr(target, name).append(value)
    else:
        setattr(target, name, value)
