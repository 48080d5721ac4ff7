"""What is raised where a real Caffe's CHECK ends the process: both values, and the remedy."""

from netfile.errors import NetError, PrototxtError, ShapeError, WeightsError

__all__ = [
    "CaffeError",
    "LayerNameError",
    "ModeError",
    "PrototxtError",
    "ShapeError",
    "UnknownLayerTypeError",
    "WeightsError",
]

CaffeError = NetError


class UnknownLayerTypeError(PrototxtError):
    """The description names a layer type that is not registered."""


class LayerNameError(CaffeError, ValueError):
    """`start` or `end` is not the name of a layer of the net."""


class ModeError(CaffeError, RuntimeError):
    """A mode or device that this engine does not have."""
