"""DeepDream as of 2015, on pycaffe's API: Google's notebook as a package.

>>> net = deepdream.load_net("motif_googlenet")
>>> picture = deepdream.deepdream(net, deepdream.load_image("photo.jpg"))
"""

from .dream import priors
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
)
from .dream.octaves import Progress, deepdream, guide_features
from .dream.passes import backward as partial_backward
from .dream.preprocess import deprocess, preprocess
from .dream.step import make_step
from .dream.zoom import zoom
from .errors import (
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
    SizeError,
    TargetError,
    ZeroGradientError,
)
from .nets import load_net
from .pictures import load as load_image
from .pictures import save as save_image
from .version import __version__

__all__ = [
    "DownloadError", "DreamError", "EngineError", "ImageError", "MissingExtraError", "ModelError",
    "NotFiniteError", "Objective", "OutputError", "Progress", "RecipeError", "RecordingError",
    "SizeError", "TargetError", "ZeroGradientError", "__version__", "channel", "deepdream",
    "deprocess", "guide", "guide_features", "l2", "load_image", "load_net", "make_step", "match",
    "neuron", "objective_L2", "objective_guide", "partial_backward", "preprocess", "priors",
    "save_image", "score", "zoom",
]  # fmt: skip
