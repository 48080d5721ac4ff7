"""What is raised where a real Caffe's CHECK ends the process: both values, and the remedy."""

from netfile.errors import NetError, PrototxtError, ShapeError, WeightsError

__all__ = [
    "CaffeError",
    "InputArrayError",
    "LayerNameError",
    "LayerNumberError",
    "MissingFileError",
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


class LayerNumberError(CaffeError, IndexError):
    """The net has no layer of this number."""


class ModeError(CaffeError, RuntimeError):
    """A mode or device that this engine does not have."""


class MissingFileError(FileNotFoundError, RuntimeError):
    """There is no such file. pycaffe raises a RuntimeError for it."""


class InputArrayError(CaffeError, ValueError, RuntimeError):
    """An array does not suit a MemoryData layer. pycaffe raises a RuntimeError for it."""
