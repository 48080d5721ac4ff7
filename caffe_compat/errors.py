"""The exception tree: where real Caffe's CHECKs abort the process, these say the same with both values and the remedy."""


class CaffeError(Exception):
    """Base of everything that this engine raises on purpose."""


class PrototxtError(CaffeError, ValueError):
    """A net's description is not valid: syntax, an unknown bottom, a missing parameter."""


class UnknownLayerTypeError(PrototxtError):
    """The description names a layer type that is not registered."""


class WeightsError(CaffeError, ValueError):
    """A caffemodel cannot be read, or does not fit the net."""


class ShapeError(CaffeError, ValueError):
    """Blobs do not fit a layer, or each other."""


class LayerNameError(CaffeError, ValueError):
    """`start` or `end` is not the name of a layer of the net."""


class ModeError(CaffeError, RuntimeError):
    """A mode or device that this engine does not have."""
