"""Operations on Caffe nets and their weights, on either engine's files: InnerProduct into Convolution, and others.

>>> prototxt, caffemodel = net_surgery.convolutionize("deploy.prototxt", "net.caffemodel")
"""

from .convolutionize import convolutionize
from .errors import FormatError, ShapeError, SurgeryError
from .operation import Change, Operated, opened

__all__ = ["Change", "FormatError", "Operated", "ShapeError", "SurgeryError", "convolutionize", "opened"]
