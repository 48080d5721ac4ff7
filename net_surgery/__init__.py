"""Operations on Caffe nets and their weights, on either engine's files.

>>> prototxt, caffemodel = net_surgery.convolutionize("deploy.prototxt", "net.caffemodel")
"""

from . import imports
from .convolutionize import convolutionize
from .errors import FormatError, InnerProductSizeError, ShapeError, SurgeryError
from .fold import fold
from .operation import Change, Operated, opened
from .small import average_pooling, force_backward, out_of_place
from .truncate import truncate

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
