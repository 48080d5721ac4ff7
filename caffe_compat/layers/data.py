"""Layers that only hold data."""

from ..errors import PrototxtError
from .registry import Layer, register


@register
class Input(Layer):
    """A net's input: its tops are written by the caller."""

    type = "Input"
    bottoms = (0, 0)
    tops = (1, None)

    def setup(self, bottom, top):
        shapes = self.layer_param.input_param.shape
        if len(shapes) not in (0, 1, len(top)):
            raise PrototxtError(f'layer "{self.name}" has {len(top)} tops but {len(shapes)} shapes; give one shape, or one for each top')
        for i, blob in enumerate(top):
            if shapes:
                blob.reshape(*shapes[i if len(shapes) > 1 else 0].dim)

    def reshape(self, bottom, top):
        """The tops keep the shape that the caller gave them."""

    def forward(self, bottom, top):
        pass

    def backward(self, top, propagate_down, bottom):
        pass
