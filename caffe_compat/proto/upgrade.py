"""Older nets to today's form: V1 `layers` to V2 `layer`, `input` fields to an Input layer."""

from ..errors import PrototxtError
from . import caffe_pb2

V1_TYPES = {
    "ABSVAL": "AbsVal", "ACCURACY": "Accuracy", "ARGMAX": "ArgMax", "BNLL": "BNLL", "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss", "CONVOLUTION": "Convolution", "DATA": "Data", "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout", "DUMMY_DATA": "DummyData", "ELTWISE": "Eltwise", "EUCLIDEAN_LOSS": "EuclideanLoss", "EXP": "Exp",
    "FLATTEN": "Flatten", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output", "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col", "IMAGE_DATA": "ImageData", "INFOGAIN_LOSS": "InfogainLoss", "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN", "MEMORY_DATA": "MemoryData", "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss", "MVN": "MVN",
    "POOLING": "Pooling", "POWER": "Power", "RELU": "ReLU", "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss", "SILENCE": "Silence", "SLICE": "Slice",
    "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss", "SPLIT": "Split", "TANH": "TanH", "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData", "NONE": "",
}  # fmt: skip
_SAME_FIELDS = {f.name for f in caffe_pb2.V1LayerParameter.DESCRIPTOR.fields} & {f.name for f in caffe_pb2.LayerParameter.DESCRIPTOR.fields} - {
    "type",
    "param",
}


def _upgrade_v1_layer(old, new):
    if old.HasField("layer"):
        raise PrototxtError(f'layer "{old.layer.name}" is in the V0 format of 2013; upgrade the file with Caffe\'s upgrade_net_proto tools')
    for descriptor, value in old.ListFields():
        name = descriptor.name
        if name in _SAME_FIELDS:
            field = getattr(new, name) if hasattr(value, "__len__") and not isinstance(value, str) else None
            if field is not None:
                field.MergeFrom(value)
            elif hasattr(value, "DESCRIPTOR"):
                getattr(new, name).CopyFrom(value)
            else:
                setattr(new, name, value)
    if old.HasField("type"):
        new.type = V1_TYPES[caffe_pb2.V1LayerParameter.LayerType.Name(old.type)]
    for field, values in (("name", old.param), ("lr_mult", old.blobs_lr), ("decay_mult", old.weight_decay)):
        for i, value in enumerate(values):
            while len(new.param) <= i:
                new.param.add()
            setattr(new.param[i], field, value)
    for i, mode in enumerate(old.blob_share_mode):
        while len(new.param) <= i:
            new.param.add()
        new.param[i].share_mode = mode


def _upgrade_input(net):
    """`input` with `input_shape` or `input_dim` becomes an Input layer in front, as Caffe 1.0 does."""
    shapes = [list(s.dim) for s in net.input_shape] or [list(net.input_dim[i : i + 4]) for i in range(0, len(net.input_dim), 4)]
    if len(shapes) != len(net.input) or any(len(s) != 4 for s in shapes if not net.input_shape):
        found = f"{len(net.input_shape)} input_shape and {len(net.input_dim)} input_dim"
        raise PrototxtError(f"{len(net.input)} input fields but {found}; each input needs one input_shape or four input_dim")
    layer = caffe_pb2.LayerParameter(name="input", type="Input", top=list(net.input))
    for dims in shapes:
        layer.input_param.shape.add().dim.extend(dims)
    rest = list(net.layer)
    del net.layer[:]
    net.layer.extend([layer, *rest])
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)


def upgrade(net):
    """Bring a NetParameter to V2 in place, and return it. Raises PrototxtError for a mixture of versions, or V0."""
    if net.layers and net.layer:
        raise PrototxtError(f"the net has both V1 `layers` ({len(net.layers)}) and V2 `layer` ({len(net.layer)}) fields; use one of them")
    for old in net.layers:
        _upgrade_v1_layer(old, net.layer.add())
    del net.layers[:]
    if net.input:
        _upgrade_input(net)
    return net
