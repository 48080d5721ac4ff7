"""Training nets (train_val.prototxt) as deploy nets, and what their data layers say of the input.

A training net reads its pictures from a database, has layers for one phase only, and ends in
losses that compare with labels. Its deploy net has an Input layer, the layers of the TEST phase,
and a Softmax for each SoftmaxWithLoss (a Sigmoid for a SigmoidCrossEntropyLoss).
"""

import re
from pathlib import Path
from typing import Any, Iterable, NamedTuple, Optional, Set, Tuple

import numpy as np

from netfile.blobs import four_axes
from netfile.errors import NetError
from netfile.prototxt import read_prototxt
from netfile.shapes import INPUTS, input_shapes

from ..errors import ModelError
from . import engine

# where files of 2013 have what belongs into transform_param
_OLD = ("data_param", "image_data_param", "window_data_param")
_CROPS = ("data_param", "window_data_param")
_TEST = 1  # Caffe's Phase
_MEASURES = {"Accuracy", "Silence"}
# losses of predictions, and the layers that make these of the same values
_RESULTS = {"SoftmaxWithLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"}


class Transform(NamedTuple):
    """What a data layer does to a picture. mean: () where it says none."""

    layer: str
    mean: Tuple[float, ...]
    mean_file: str
    scale: float


def declared_transform(deploy: Path) -> Optional[Transform]:
    """The transform_param of a prototxt's first input layer that has one, or None.

    Broken files have none here; opening the net says what is wrong with them.
    """
    try:
        text = deploy.read_text(encoding="utf-8", errors="replace")
        if not re.search(r"transform_param|data_param|mean_?file", text):
            return None  # so that no engine has to be loaded
        net = read_prototxt(deploy, engine.load("auto").io.caffe_pb2)
    except (OSError, NetError):
        return None
    layers = sorted(net.layer, key=lambda layer: not _in_test(layer))
    found = [_transform(layer) for layer in layers if layer.type in INPUTS]
    return next((transform for transform in found if transform), None)


def _transform(layer: Any) -> Optional[Transform]:
    settings = [layer.transform_param] if layer.HasField("transform_param") else []
    settings += [getattr(layer, name) for name in _OLD if layer.HasField(name)]
    mean, mean_file, scale = (), "", 1.0  # type: Tuple[float, ...], str, float
    for s in settings:
        mean = mean or tuple(map(_shortest, getattr(s, "mean_value", ())))
        mean_file = mean_file or s.mean_file
        scale = _shortest(s.scale) if scale == 1 else scale
    if not mean and not mean_file and scale == 1 and not layer.HasField("transform_param"):
        return None
    return Transform(layer.name, mean, mean_file, scale)


def _shortest(value: float) -> float:
    """The shortest number that is this float32: 0.017, not 0.017000000923871994."""
    return float(str(np.float32(value)))


def is_training_net(net: Any) -> bool:
    """Whether a net (a NetParameter in V2) reads its pictures from elsewhere, wants labels, or has
    layers of one phase only."""
    if any(layer.include or layer.exclude for layer in net.layer):
        return True
    types = {layer.type for layer in net.layer}
    reads = types & (INPUTS - {"Input", "DummyData"})
    wants_labels = any(t.endswith("Loss") for t in types) and len(input_shapes(net)) > 1
    return bool(reads) or wants_labels or "DummyData" in types and "Input" not in types


def as_deploy_net(net: Any, stored: Any, size: Any, path: Path) -> Any:
    """The deploy net of a training net.

    Args:
        net: a NetParameter in V2.
        stored: {layer: shapes of its stored parameters}, which tell the number of channels.
        size: height and width of the input, where the data layer does not say it; or None.
        path: of the prototxt, for errors.

    Raises:
        ModelError: there are no pictures, or their size is not known, or a layer needs labels.
    """
    tested, out = _copy(net, filter(_in_test, net.layer)), _copy(net, [])
    picture = _picture(tested, path)
    gone: Set[str] = set()
    for layer in tested.layer:
        if picture in layer.top and layer.type in INPUTS:
            _add_input(out, layer, picture, _shape(layer, tested, picture, stored, size, path))
            gone.update(top for top in layer.top if top != picture)
        elif layer.type in INPUTS - {"DummyData"}:
            gone.update(layer.top)
        elif layer.type in _RESULTS and layer.bottom and layer.bottom[0] not in gone:
            _add_result(out, layer)
        elif gone.isdisjoint(layer.bottom):
            out.layer.add().CopyFrom(layer)
        else:
            _check_needless(layer, gone, path)
            gone.update(layer.top)
    for layer in out.layer:
        del layer.include[:], layer.exclude[:], layer.loss_weight[:]
    return out


def _copy(net: Any, layers: Iterable[Any]) -> Any:
    """A copy of a net with these layers in place of its own."""
    out = type(net)()
    out.CopyFrom(net)
    del out.layer[:]
    out.layer.extend(layers)
    return out


def _in_test(layer: Any) -> bool:
    """Whether a layer runs in the TEST phase, at level 0 and in no stage."""
    if layer.include:
        return any(map(_met, layer.include))
    return not any(map(_met, layer.exclude))


def _met(rule: Any) -> bool:
    is_level = not (rule.HasField("min_level") and rule.min_level > 0) and not (
        rule.HasField("max_level") and rule.max_level < 0
    )
    return not (rule.HasField("phase") and rule.phase != _TEST) and is_level and not rule.stage


def _picture(net: Any, path: Path) -> str:
    """The blob of the pictures: "data" if an input layer has it, or else the first of them."""
    tops = list(input_shapes(net))
    if not tops:
        raise ModelError(
            f"{path}: has no input in the TEST phase; give a deploy net, which has an Input layer"
        )
    return "data" if "data" in tops else tops[0]


def _shape(
    source: Any, net: Any, picture: str, stored: Any, size: Any, path: Path
) -> Tuple[int, ...]:
    """The shape of the pictures that a data layer makes, one at a time if it does not say it."""
    if source.type in ("Input", "DummyData", "MemoryData"):
        return input_shapes(net)[picture] or ()
    images = source.image_data_param
    crop = source.transform_param.crop_size or max(getattr(source, o).crop_size for o in _CROPS)
    height, width = (crop, crop) if crop else (images.new_height, images.new_width)
    if not height or not width:
        if not isinstance(size, int) or size < 1:
            raise ModelError(
                f'{path}: is a training net, whose layer "{source.name}" ({source.type}) does not '
                "say the size of its pictures; give a deploy net, or a readme.md with input_size"
            )
        height = width = size
    return 1, _channels(net, picture, stored), height, width


def _channels(net: Any, picture: str, stored: Any) -> int:
    """As many as the first Convolution's stored weights are made for; 3 where they do not say."""
    for layer in net.layer:
        shapes = stored.get(layer.name)
        if layer.type == "Convolution" and picture in layer.bottom and shapes:
            return int(four_axes(shapes[0])[1]) * (layer.convolution_param.group or 1)
    return 3


def _add_input(net: Any, source: Any, picture: str, shape: Tuple[int, ...]) -> None:
    layer = net.layer.add(name=source.name, type="Input")
    layer.top.append(picture)
    layer.input_param.shape.add().dim.extend(shape)


def _add_result(net: Any, loss: Any) -> None:
    layer = net.layer.add(name=loss.name, type=_RESULTS[loss.type])
    layer.bottom.append(loss.bottom[0])
    layer.top.append(loss.top[0] if loss.top else loss.name)
    if loss.HasField("softmax_param"):
        layer.softmax_param.CopyFrom(loss.softmax_param)


def _check_needless(layer: Any, gone: Set[str], path: Path) -> None:
    """Raise ModelError where a layer that cannot stay, for want of a label, is more than a
    measure."""
    is_measure = layer.type in _MEASURES or layer.type.endswith("Loss")
    if not is_measure and not gone.issuperset(layer.bottom):
        missing = next(bottom for bottom in layer.bottom if bottom in gone)
        raise ModelError(
            f'{path}: layer "{layer.name}" ({layer.type}) reads "{missing}", which comes with the '
            "pictures of a training net; a net can be dreamt on whose only input is its picture"
        )
