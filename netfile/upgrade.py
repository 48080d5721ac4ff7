"""Older nets to today's form: V0 and V1 `layers` to V2 `layer`, `input` fields to an Input layer.

Works on the messages of any caffe_pb2, a real Caffe's too; importing it loads no engine.
"""

from typing import Any

from .errors import PrototxtError
from .messages import set_field
from .upgrade_v0 import is_v0, upgrade_v0

V1_TYPES = {
    "ABSVAL": "AbsVal", "ACCURACY": "Accuracy", "ARGMAX": "ArgMax", "BNLL": "BNLL",
    "CONCAT": "Concat", "CONTRASTIVE_LOSS": "ContrastiveLoss", "CONVOLUTION": "Convolution",
    "DATA": "Data", "DECONVOLUTION": "Deconvolution", "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData", "ELTWISE": "Eltwise", "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp", "FLATTEN": "Flatten", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss", "IM2COL": "Im2col", "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss", "INNER_PRODUCT": "InnerProduct", "LRN": "LRN",
    "MEMORY_DATA": "MemoryData", "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN", "POOLING": "Pooling", "POWER": "Power", "RELU": "ReLU", "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss", "SILENCE": "Silence",
    "SLICE": "Slice", "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss", "SPLIT": "Split",
    "TANH": "TanH", "THRESHOLD": "Threshold", "WINDOW_DATA": "WindowData", "NONE": "",
}  # fmt: skip
_OTHER_FIELDS = {"type", "param", "layer"}
_DATA_PARAMS = ("data_param", "image_data_param", "window_data_param")
_TRANSFORMS = ("scale", "mean_file", "crop_size", "mirror")


def _upgrade_v1_layer(old: Any, new: Any) -> None:
    known = new.DESCRIPTOR.fields_by_name
    for descriptor, value in old.ListFields():
        name = descriptor.name
        if name in _OTHER_FIELDS or name not in known:
            continue
        set_field(new, name, value)
    if old.HasField("type"):
        names = old.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number
        new.type = V1_TYPES[names[old.type].name]
    for field, values in (
        ("name", old.param),
        ("lr_mult", old.blobs_lr),
        ("decay_mult", old.weight_decay),
        ("share_mode", old.blob_share_mode),
    ):
        for i, value in enumerate(values):
            while len(new.param) <= i:
                new.param.add()
            setattr(new.param[i], field, value)
    for name in _DATA_PARAMS:
        if new.HasField(name):
            _move_transform(getattr(new, name), new)


def _move_transform(param: Any, layer: Any) -> None:
    """What data layers did to pictures is in transform_param since 2014."""
    for name in _TRANSFORMS:
        if param.HasField(name):
            setattr(layer.transform_param, name, getattr(param, name))
            param.ClearField(name)


def _upgrade_input(net: Any) -> None:
    """`input` with `input_shape` or `input_dim` becomes an Input layer, the first of all."""
    shapes = [list(s.dim) for s in net.input_shape] or [
        list(net.input_dim[i : i + 4]) for i in range(0, len(net.input_dim), 4)
    ]
    if len(shapes) != len(net.input) or any(len(s) != 4 for s in shapes if not net.input_shape):
        given = f"{len(net.input_shape)} input_shape and {len(net.input_dim)} input_dim"
        raise PrototxtError(
            f"{len(net.input)} input fields but {given}; "
            "each input needs one input_shape or four input_dim"
        )
    rest = list(net.layer)
    del net.layer[:]
    layer = net.layer.add()
    layer.name, layer.type = "input", "Input"
    layer.top.extend(net.input)
    for dims in shapes:
        layer.input_param.shape.add().dim.extend(dims)
    net.layer.extend(rest)
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)


def upgrade(net: Any) -> Any:
    """Bring a NetParameter to V2, in place; returns it. Raises PrototxtError for mixed versions."""
    if net.layers and net.layer:
        raise PrototxtError(
            f"the net has both V1 `layers` ({len(net.layers)}) and V2 `layer` ({len(net.layer)}) "
            "fields; use one of them"
        )
    if is_v0(net):
        upgrade_v0(net)
    for old in net.layers:
        _upgrade_v1_layer(old, net.layer.add())
    del net.layers[:]
    if net.input:
        _upgrade_input(net)
    return net
