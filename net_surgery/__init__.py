"""Operations on Caffe nets and their weights, on either engine's files.

>>> prototxt, caffemodel = net_surgery.convolutionize("deploy.prototxt", "net.caffemodel")
"""

import importlib
from typing import TYPE_CHECKING, Any

from .convolutionize import convolutionize
from .errors import FormatError, InnerProductSizeError, ShapeError, SurgeryError
from .fold import fold
from .operation import Change, Operated, opened
from .small import average_pooling, force_backward, out_of_place
from .truncate import truncate

if TYPE_CHECKING:
    from . import imports

__all__ = [
    "Change",
    "FormatError",
    "InnerProductSizeError",
    "Operated",
    "ShapeError",
    "SurgeryError",
    "average_pooling",
    "convolutionize",
    "fold",
    "force_backward",
    "imports",
    "opened",
    "out_of_place",
    "truncate",
]


def __getattr__(name: str) -> Any:
    if name == "imports":  # loaded when first asked for: a dream does without it
        return importlib.import_module(".imports", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
