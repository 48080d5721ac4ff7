"""What can be wrong with an operation, said in one line: the layer, both values, the remedy."""


class SurgeryError(Exception):
    """Base of everything that this package raises on purpose; its text is for the person at the keyboard."""


class FormatError(SurgeryError):
    """A prototxt or caffemodel cannot be read or written."""


class ShapeError(SurgeryError):
    """A layer cannot take an input of this shape."""


class InnerProductSizeError(ShapeError):
    """An InnerProduct's weights are made for an input of another size; convolutionize is the cure."""
