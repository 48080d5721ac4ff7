"""What can be wrong with an operation, in one line: the layer, both values, the remedy."""

from netfile.errors import (
    FormatError,
    InnerProductSizeError,
    NetError,
    ShapeError,
    WeightsError,
)

__all__ = [
    "FormatError", "InnerProductSizeError", "OpenSizeError", "ShapeError", "SurgeryError",
]  # fmt: skip

SurgeryError = NetError


class OpenSizeError(WeightsError):
    """A graph does not say how large its pictures are, and no size was given."""
