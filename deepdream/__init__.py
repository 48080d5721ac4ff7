"""DeepDream as of 2015, on pycaffe's API: Google's notebook as a package.

>>> net = deepdream.load_net("motif_googlenet")
>>> picture = deepdream.deepdream(net, deepdream.load_image("photo.jpg"))
"""

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
from .model import load_net
from .objectives import objective_guide, objective_L2
from .octaves import Progress, deepdream, guide_features
from .sequence import zoom
from .version import __version__

__all__ = [
    "DreamError", "EngineError", "ImageError", "ModelError", "NotFiniteError", "OutputError", "Progress", "RecipeError", "RecordingError", "SizeError", "TargetError",
    "ZeroGradientError", "deepdream", "deprocess", "guide_features", "load_image", "load_net", "make_step",
    "__version__", "objective_L2", "objective_guide", "preprocess", "save_image", "zoom",
]  # fmt: skip
