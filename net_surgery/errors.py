"""What can be wrong with an operation, in one line: the layer, both values, the remedy."""

from netfile.errors import FormatError, InnerProductSizeError, NetError, ShapeError

__all__ = ["FormatError", "InnerProductSizeError", "ShapeError", "SurgeryError"]

SurgeryError = NetError
