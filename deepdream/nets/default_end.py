"""The layer that a dream takes by default."""

from typing import Any, List

from netfile.errors import ShapeError
from netfile.shapes import infer

from ..settings import DEFAULT_ENGINE, DREAM
from . import engine as engines
from . import opening
from .catalogue import Model
from .description import declared_size
from .preflight import targets

# Where GoogLeNet's inception_4c to 4e lie: at 1/16 of the picture's height (1/17.5 in AlexNet's
# heirs, which do not pad), and not at the end.
_STRIDE, _EARLY = 18, 0.9
_JOINING = ("Concat", "Eltwise")


def default_end(model: Model, engine: Any = DEFAULT_ENGINE) -> str:
    """The layer that a dream of a model takes where a person names none: the one in its readme, or
    one that suits its net.

    Args:
        model: the model.
        engine: "auto", "caffe", "compat", or a pycaffe module, whose messages are used.

    Raises:
        ModelError: its readme names none, and its net cannot be read.
        EngineError: the engine is not there.
    """
    if model.end:
        return model.end
    caffe = engines.load(engine) if isinstance(engine, str) else engine
    return suitable_end(opening.read(model, caffe))


def default_map(model: Model, engine: Any = DEFAULT_ENGINE) -> str:
    """Like `default_end`, but never a vector, such as the scores of classes: the layer for what
    compares places of a map, a guide or matching."""
    end = default_end(model, engine)
    net = opening.read(model, engines.load(engine) if isinstance(engine, str) else engine)
    try:
        shape = infer(net, end=end).get(end)
    except ShapeError:
        return end
    return end if shape is None or len(shape) == 4 else suitable_end(net)


def suitable_end(net: Any) -> str:
    """The notebook's layer, where a net has it. Otherwise the last that can be dreamt of whose map
    has at least 1/18 of the picture's height and that is none of the last layers; one that joins
    branches before others.

    net: a NetParameter that `description.describe` checked.
    """
    names = targets(net)
    if DREAM.end in names:
        return DREAM.end
    height = declared_size(net)[1]
    try:
        shapes = infer(net)
    except ShapeError:
        shapes = {}
    heights = {name: shape[2] for name, shape in shapes.items() if shape and len(shape) == 4}
    maps: List[Any] = [x for x in net.layer if x.name in heights and x.name in names]
    early = maps[: max(1, int(len(maps) * _EARLY))]
    large = [x for x in early if heights[x.name] * _STRIDE >= height]
    joined = [x for x in large if x.type in _JOINING]
    found = joined or large or maps
    return str(found[-1].name) if found else DREAM.end
