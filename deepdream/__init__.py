"""DeepDream as of 2015, on pycaffe's API: Google's notebook as a package.

>>> net = deepdream.load_net("creature_googlenet")
>>> picture = deepdream.deepdream(net, deepdream.load_image("photo.jpg"))
"""

import importlib
from typing import TYPE_CHECKING, Any, List

from .errors import (
    DeviceFailedError,
    DownloadError,
    DreamError,
    EngineError,
    ImageError,
    MissingExtraError,
    ModelError,
    NotFiniteError,
    OutputError,
    RecipeError,
    RecordingError,
    ShortOfMemoryError,
    SizeError,
    TargetError,
    UnfinishedError,
    ZeroGradientError,
)
from .version import __version__

if TYPE_CHECKING:
    from .dream import priors, smoothing
    from .dream.matching import match
    from .dream.objectives import (
        Objective,
        channel,
        guide,
        l2,
        neuron,
        objective_guide,
        objective_L2,
        score,
        strongest,
    )
    from .dream.octaves import Progress, StopDream, deepdream, guide_features
    from .dream.passes import backward as partial_backward
    from .dream.preprocess import deprocess, preprocess
    from .dream.step import make_step
    from .dream.zoom import zoom
    from .nets import load_net
    from .notebooks.live import Controls, live
    from .pictures import load as load_image
    from .pictures import save as save_image

__all__ = [
    "Controls", "DeviceFailedError", "DownloadError", "DreamError", "EngineError", "ImageError",
    "MissingExtraError", "ModelError", "NotFiniteError", "Objective", "OutputError", "Progress",
    "RecipeError", "RecordingError", "ShortOfMemoryError", "SizeError", "StopDream", "TargetError",
    "UnfinishedError", "ZeroGradientError", "__version__", "channel", "deepdream", "deprocess",
    "guide", "guide_features", "l2", "live", "load_image", "load_net", "make_step", "match",
    "neuron", "objective_L2", "objective_guide", "partial_backward", "preprocess", "priors",
    "save_image", "score", "smoothing", "strongest", "zoom",
]  # fmt: skip
# loaded when first asked for, so that the command line starts at once: where each name is
_HOMES = {
    "priors": ("dream.priors", ""),
    "smoothing": ("dream.smoothing", ""),
    "match": ("dream.matching", "match"),
    "Objective": ("dream.objectives", "Objective"),
    "channel": ("dream.objectives", "channel"),
    "guide": ("dream.objectives", "guide"),
    "l2": ("dream.objectives", "l2"),
    "neuron": ("dream.objectives", "neuron"),
    "objective_guide": ("dream.objectives", "objective_guide"),
    "objective_L2": ("dream.objectives", "objective_L2"),
    "score": ("dream.objectives", "score"),
    "strongest": ("dream.objectives", "strongest"),
    "Progress": ("dream.octaves", "Progress"),
    "StopDream": ("dream.octaves", "StopDream"),
    "deepdream": ("dream.octaves", "deepdream"),
    "guide_features": ("dream.octaves", "guide_features"),
    "partial_backward": ("dream.passes", "backward"),
    "deprocess": ("dream.preprocess", "deprocess"),
    "preprocess": ("dream.preprocess", "preprocess"),
    "make_step": ("dream.step", "make_step"),
    "zoom": ("dream.zoom", "zoom"),
    "load_net": ("nets", "load_net"),
    "Controls": ("notebooks.live", "Controls"),
    "live": ("notebooks.live", "live"),
    "load_image": ("pictures", "load"),
    "save_image": ("pictures", "save"),
}
_ROOMS = ("dream", "nets", "notebooks", "pictures", "request", "studies")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        home, its_name = _HOMES[name]
        value = importlib.import_module(f"{__name__}.{home}")
        value = getattr(value, its_name) if its_name else value
    elif name in _ROOMS:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
