"""DeepDream as of 2015, on pycaffe's API: Google's notebook as a package.

>>> net = deepdream.load_net("motif_googlenet")
>>> picture = deepdream.deepdream(net, deepdream.load_image("photo.jpg"))
"""

from . import priors
from .ascent import make_step
from .errors import (
    DreamError,
    EngineError,
    ImageError,
    ModelError,
    NotFiniteError,
    OutputError,
    RecipeError,
    RecordingError,
    SizeError,
    TargetError,
    ZeroGradientError,
)
from .image import deprocess, preprocess
from .image import load as load_image
from .image import save as save_image
from .matching import match
from .model import load_net
from .objectives import Objective, channel, guide, l2, neuron, objective_guide, objective_L2, score
from .octaves import Progress, deepdream, guide_features
from .passes import backward as partial_backward
from .sequence import zoom
from .version import __version__

__all__ = [
    "DreamError", "EngineError", "ImageError", "ModelError", "NotFiniteError", "Objective", "OutputError", "Progress", "RecipeError",
    "RecordingError", "SizeError", "TargetError", "ZeroGradientError", "__version__", "channel", "deepdream", "deprocess",
    "guide", "guide_features", "l2", "load_image", "load_net", "make_step", "match", "neuron", "objective_L2", "objective_guide", "partial_backward",
    "preprocess", "priors", "save_image", "score", "zoom",
]  # fmt: skip
