"""The one way to open a net. Every command asks the same questions in the same order: model,
engine, description, layers, any size, sizes, memory, GPU, weights; and builds one net."""

import os
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from netfile.errors import ShapeError
from netfile.shapes import infer

from .. import settings
from ..errors import ModelError, SizeError, TargetError
from . import catalogue, gpu_memory, labels, memory, preflight
from . import engine as engines
from .any_size import any_size as made_any_size
from .catalogue import Model
from .class_output import ClassOutput, class_output
from .description import check_weights, declared_size, describe
from .tiling import Tiling, chosen, reach_of

Size = Tuple[int, int]
Layers = Union[Sequence[str], Callable[[Any], Sequence[str]]]


@dataclass(frozen=True)
class OpenNet:
    """A net that is ready, and what was found out on the way.

    `about` is what the engine says of itself. `model` is the one that was asked for, `net` may be
    one that was made of it to take `any_size`; `names` leads from the model's own layers to those
    of `net`. `layers` are in `net`, and `end` is the one that runs last. `holds`: bytes that it
    holds after passes at the largest size that was asked for so far. `tile`: the (height, width) of
    the tiles by which the picture must be dreamt on; None where it is taken as a whole. `gpu`: the
    number of the GPU that it computes on.
    """

    caffe: Any
    about: Dict[str, Any]
    net: Any
    model: Model
    description: Any
    names: Dict[str, str]
    layers: Tuple[str, ...]
    any_size: bool
    holds: int = 0
    tile: Optional[Size] = None
    gpu: Optional[int] = None

    @property
    def end(self) -> str:
        """The layer where a forward pass ends."""
        order = [layer.name for layer in self.description.layer]
        return max(self.layers, key=order.index)

    @property
    def output(self) -> ClassOutput:
        """Where its classes are. Raises TargetError for a net that has none."""
        return class_output(self.description, len(labels.classes(self.model)))

    @property
    def size(self) -> Size:
        """The (height, width) that the deploy net declares."""
        return declared_size(self.description)[1:]


def open(
    model: Union[str, Path, Model] = settings.DEFAULT_MODEL,
    engine: Any = settings.DEFAULT_ENGINE,
    *,
    layers: Optional[Layers] = None,
    sizes: Optional[Sequence[Size]] = None,
    guide_sizes: Sequence[Size] = (),
    batch: int = 1,
    backward: bool = True,
    any_size: Optional[bool] = None,
    beside: int = 0,
    gpu: Optional[int] = None,
    before: Optional[OpenNet] = None,
    tiling: Optional[Tiling] = None,
) -> OpenNet:
    """Open a model's net after checking all that is to be done with it.

    Args:
        model: a name under models/, a folder, or a Model.
        engine: "auto", "caffe", "compat", or a pycaffe module.
        layers: names of the layers that are wanted, or a function that gives them from the
            description.
        sizes: (height, width) of each octave, largest first; None for the one that the net
            declares.
        guide_sizes: (height, width) of each guide picture.
        batch: pictures in one pass.
        backward: whether passes run backward too.
        any_size: whether InnerProducts become Convolutions; None: where one of the sizes needs it.
        beside: bytes that the caller will keep for each pixel, beside the net.
        gpu: number of a GPU to compute on.
        before: what opened this Model earlier; its net is used again where it will do.
        tiling: how tiles may be used for what does not fit as a whole; None: not at all.

    Raises:
        ModelError: the model is unknown or incomplete, or its files do not fit each other.
        EngineError: the engine or the GPU is not there.
        TargetError: a layer cannot be dreamt of.
        SizeError: a size does not suit the net, or takes more memory than is free.
    """
    asked = model if isinstance(model, Model) else catalogue.find(model)
    caffe = engines.load(engine) if isinstance(engine, str) else engine
    description = _described(asked, caffe)
    declared = declared_size(description)[1:]
    sizes = [declared] if sizes is None else list(sizes)
    every_size = [*sizes, *guide_sizes]
    wanted = list(layers(description) if callable(layers) else layers or ())
    if any_size is None:
        any_size = asked.weights.is_file() and any(
            preflight.needs_any_size(description, layer, every_size) for layer in wanted
        )
    if before is not None and (before.model is not asked or before.any_size != any_size):
        before = None
    files, names, holds = asked, {}, 0  # type: Model, Dict[str, str], int
    if before is not None:
        description, names, holds = before.description, before.names, before.holds
    elif any_size:
        check_weights(asked, description, caffe)
        files, names = made_any_size(asked, caffe)
        description = describe(files, caffe)
    wanted = [names.get(layer, layer) for layer in wanted]
    tile = None
    if wanted:
        end = max(wanted, key=[layer.name for layer in description.layer].index)
        largest = memory.Pass(end, sizes[0], batch, backward, beside)
        _check_sizes(description, end, sizes, guide_sizes, declared)
        if gpu is None or tiling and (tiling.always or tiling.most):
            weights = 0 if before or not files.weights.is_file() else files.weights.stat().st_size
            asked_of = _Asked(caffe, description, wanted, largest, guide_sizes, weights, holds)
            tile = _check_memory(asked_of, declared, tiling)
            part = largest._replace(size=tile or largest.size, beside=0)
            holds = max(holds, memory.held(description, part, engines.aborts(caffe)))
        elif tiling and tiling.tile and _is_smaller(tiling.tile, sizes[0]):
            tile = tiling.tile
    if gpu is not None:
        engines.use_gpu(caffe, gpu)
        if wanted:
            again = before is not None
            there = gpu_memory.Asked(
                caffe, description, wanted, largest, guide_sizes, again, tiling
            )
            tile = gpu_memory.tile(there, tile, declared)
    net = before.net if before else build(files, description, caffe)
    if wanted:
        _ask_engine(caffe, description, end, sizes, guide_sizes)
    about = engines.describe(caffe)
    return OpenNet(
        caffe, about, net, asked, description, names, tuple(wanted), any_size, holds, tile, gpu
    )


def load_net(
    model: Union[str, Path, Model] = settings.DEFAULT_MODEL, engine: Any = settings.DEFAULT_ENGINE
) -> Any:
    """A caffe.Classifier that is ready to dream: force_backward set, mean and channel swap as in
    the notebook's first cell.

    The net carries its NetParameter as `description`, a check of a layer and octave sizes as
    `preflight`, and {blob: number of values} as it is new as `first_counts`.

    Args:
        model: a name under models/, a folder, or a Model.
        engine: "auto", "caffe", "compat", or a pycaffe module.

    Raises:
        ModelError: the model is unknown or incomplete, or its files do not fit each other.
        EngineError: the engine is not there.
    """
    return open(model, engine).net


def read(model: Model, caffe: Any) -> Any:
    """The description of a model's net, which the engine was asked about; no net is opened.

    Raises:
        ModelError: as `describe`, or the engine refuses it.
    """
    description = _described(model, caffe)
    _try(model, description, caffe)
    return description


def _described(model: Model, caffe: Any) -> Any:
    """The description; where its shapes do not fit together, or no weights are here, as the engine
    sees it."""
    description = describe(model, caffe)
    try:
        infer(description)
        doubtful = not model.weights.is_file()
    except ShapeError:
        doubtful = True
    if doubtful:
        _try(model, description, caffe)
    return description


def _try(model: Model, description: Any, caffe: Any) -> None:
    refused = engines.refusal(caffe, [str(description)])
    if refused:
        raise _refused(model, caffe, refused[1])


def _refused(model: Model, caffe: Any, why: str) -> ModelError:
    return ModelError(f"{model.deploy}: {caffe.__name__} refuses it: {why}; correct that layer")


def _check_sizes(
    description: Any,
    end: str,
    sizes: Sequence[Size],
    guide_sizes: Sequence[Size],
    declared: Size,
) -> None:
    try:
        preflight.check_octaves(description, end, sizes)
        for guide_size in guide_sizes:
            preflight.check_guide(description, end, guide_size)
    except SizeError as e:
        e.declared = declared
        raise


class _Asked(NamedTuple):
    """What is asked of the memory: see memory.check."""

    caffe: Any
    description: Any
    layers: Sequence[str]
    largest: memory.Pass
    guide_sizes: Sequence[Size]
    weights: int
    holds: int


def _check_memory(asked: _Asked, declared: Size, tiling: Optional[Tiling]) -> Optional[Size]:
    """The (height, width) of the tiles that are needed, or None where there are none."""
    try:
        return _tile(asked, tiling)
    except SizeError as e:
        e.declared = declared
        raise


def _tile(asked: _Asked, tiling: Optional[Tiling]) -> Optional[Size]:
    caffe, description, layers, largest, guide_sizes, weights, holds = asked
    guides = sum(memory.kept(description, largest.end, size) for size in guide_sizes)
    most = tiling.most if tiling else None

    def check(one: memory.Pass) -> None:
        memory.check(description, one, caffe, weights, guides, holds, most)

    def tile(tiling: Tiling) -> Size:
        return chosen(description, layers, largest, caffe, tiling, weights + guides, holds)

    for size in guide_sizes:
        check(memory.Pass(largest.end, size, backward=False, what="guide picture"))
    if tiling and (tiling.always or tiling.tile and _is_smaller(tiling.tile, largest.size)):
        return tile(tiling)
    try:
        check(largest)
    except SizeError as whole:
        if tiling is None:
            raise
        try:
            return tile(tiling._replace(tile=None))
        except TargetError as e:
            raise SizeError(f"{whole}; {e}", size=whole.size, fits=whole.fits) from None
    return None


def _is_smaller(tile: Size, size: Size) -> bool:
    return tile[0] < size[0] or tile[1] < size[1]


def _ask_engine(
    caffe: Any, description: Any, end: str, sizes: Sequence[Size], guide_sizes: Sequence[Size]
) -> None:
    """Let the engine try the sizes at which some layer's shape cannot be worked out here."""
    every_size: List[Size] = [*sizes, *guide_sizes]
    unknown = preflight.unknown_sizes(description, end, every_size)
    if not unknown:
        return
    refused = engines.refusal(
        caffe, [str(preflight.truncated(description, end, size)) for size in unknown]
    )
    if refused:
        index = every_size.index(unknown[refused[0]])
        if index < len(sizes):
            raise preflight.octave_unsuited(sizes, index, refused[1])
        raise preflight.guide_unsuited(every_size[index], refused[1])


def build(model: Model, description: Any, caffe: Any) -> Any:
    """The net of a description that `describe` checked, with its weights; see `load_net`."""
    check_weights(model, description, caffe)
    if engines.aborts(caffe):
        refused = engines.refusal(caffe, [str(description)], str(model.weights))
        if refused:
            raise ModelError(
                f"{model.weights}: {caffe.__name__} refuses it: {refused[1]}; one of it and "
                f"{model.deploy} "
                "belongs to another net"
            )
    param = type(description)()
    param.CopyFrom(description)
    param.force_backward = True
    handle, path = tempfile.mkstemp(suffix=".prototxt")
    try:
        with os.fdopen(handle, "w") as f:
            f.write(str(param))
        net = caffe.Classifier(path, str(model.weights), **_transformer(model, description))
    except engines.errors(caffe) as e:
        message = str(e).replace(f"{path}: ", "")
        if str(model.weights) in message:
            raise ModelError(message.replace(path, str(model.deploy))) from None
        raise _refused(model, caffe, message) from None
    finally:
        os.unlink(path)
    net.description = param
    net.channel_order = model.channel_order
    net.preflight = partial(preflight.check, param)
    net.reaches = partial(reach_of, param)
    net.first_counts = {name: blob.count for name, blob in net.blobs.items()}
    if engines.aborts(caffe):
        _check_before_reshape(net)
    return net


def _transformer(model: Model, description: Any) -> Dict[str, Any]:
    """What a Classifier's Transformer is to do to a picture, as its arguments."""
    channels = declared_size(description)[0]
    mean = model.mean if len(model.mean) == channels else model.mean * channels
    transformer: Dict[str, Any] = {"mean": np.array(mean, np.float32)}
    if channels == 3:
        transformer["channel_swap"] = (2, 1, 0) if model.channel_order == "bgr" else (0, 1, 2)
    if model.scale != 1:
        transformer["input_scale"] = model.scale
    return transformer


def _check_before_reshape(net: Any) -> None:
    """Let net.reshape() raise SizeError where Caffe would end the process.

    The net holds itself by this, and so is never freed. That is as well: Caffe's MAX pooling writes
    before the start of its gradient where a value is NaN, and freeing such a net ends the process.
    """
    reshape = net.reshape

    def checked() -> None:
        shapes = {name: tuple(net.blobs[name].data.shape) for name in net.inputs}
        try:
            infer(net.description, shapes)
        except ShapeError as e:
            raise SizeError(str(e)) from None
        reshape()

    net.reshape = checked
