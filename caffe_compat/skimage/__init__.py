"""The part of scikit-image that programs reach through caffe.io, on NumPy, SciPy and Pillow.

`caffe.io` reads and resizes pictures by it. `caffe.io.skimage` is the installed scikit-image, or
this where there is none. It computes as scikit-image 0.11 to 0.14 did, the versions of Caffe's time
(2015 to 2018): float64, borders of zeros, and no smoothing before a picture is made smaller. Since
0.15, scikit-image smooths and mirrors by default.
"""

from typing import Any

from . import color, io, transform, util
from .util import img_as_float, img_as_float32, img_as_float64, img_as_ubyte

__all__ = [
    "color", "img_as_float", "img_as_float32", "img_as_float64", "img_as_ubyte", "io", "transform",
    "util",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise util.missing(__name__, name)
