"""Scale and Bias: a blob times, or plus, values that are repeated over the other axes."""

import math
from typing import Any, Callable, List, Sequence, Tuple

import numpy as np

from ..blob import Blob
from ..errors import ShapeError
from ..proto import caffe_pb2
from .registry import Blobs, Layer, register


class Broadcast(Layer):
    """The second operand is a parameter, or the second bottom.

    Its axes are those of the first bottom from `axis` on.
    """

    bottoms = (1, 2)
    in_place = True
    lean_reads = "x"

    def place(self, bottom: Blobs, param: Any) -> Tuple[int, ...]:
        """Find the axes; returns the shape of the parameter, if there is one."""
        axis = (
            0
            if param.num_axes == 0 and len(bottom) == 1
            else self.canonical_axis(param.axis, bottom[0])
        )
        if len(bottom) > 1:
            axes = len(bottom[1].shape)
        else:
            axes = len(bottom[0].shape) - axis if param.num_axes == -1 else param.num_axes
        if axis + axes > len(bottom[0].shape):
            raise ShapeError(
                f'layer "{self.name}": {axes} axes from axis {axis} on, '
                f"but its bottom has the shape {bottom[0].shape}"
            )
        self.first, self.axes = axis, axes
        return bottom[0].shape[axis : axis + axes]

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        wanted = bottom[0].shape[self.first : self.first + self.axes]
        shape = self.values(bottom).shape
        if wanted != shape:
            raise ShapeError(
                f'layer "{self.name}": its values have the shape {shape}, '
                f"but its bottom {bottom[0].shape} has {wanted} there"
            )
        top[0].reshape_like(bottom[0])

    def values(self, bottom: Blobs) -> Blob:
        """The second operand."""
        return bottom[1] if len(bottom) > 1 else self.blobs[0]

    def add_to(self, blob: Blob, gradient: np.ndarray) -> None:
        """Add a gradient (outer, values, inner) to that of a parameter."""
        blob.diff[...] += gradient.sum((0, 2)).reshape(blob.shape)

    def parts(self, array: np.ndarray) -> np.ndarray:
        """An array like the first bottom as (outer, values, inner)."""
        outer = math.prod(array.shape[: self.first])
        return array.reshape(outer, math.prod(array.shape[self.first : self.first + self.axes]), -1)


@register
class Scale(Broadcast):
    """y = x * scale, + bias with `bias_term`."""

    type = "Scale"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.scale_param
        shape = self.place(bottom, p)
        if len(bottom) == 1:
            one = caffe_pb2.FillerParameter(type="constant", value=1)
            self.add_param(shape, p.filler if p.HasField("filler") else one)
        self.bias = len(self.blobs) if p.bias_term else None
        if p.bias_term:
            self.add_param(shape, p.bias_filler)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = self.parts(bottom[0].data), self.parts(top[0].data)
        self.remember(bottom, x.copy() if bottom[0] is top[0] else None)
        np.multiply(x, self.values(bottom).data.reshape(-1, 1), out=y)
        if self.bias is not None:
            y += self.blobs[self.bias].data.reshape(-1, 1)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy, x = self.parts(top[0].diff), self.parts(bottom[0].data)
        if bottom[0] is top[0]:
            # in place both are overwritten before anybody asks for a weight's gradient
            dy, x = dy.copy(), self.recall(bottom)
        gradients: List[Callable[[], object]] = []
        if len(bottom) == 1:
            gradients = [lambda: None if x is None else self.add_to(self.blobs[0], dy * x)]
        elif propagate_down[1]:
            bottom[1].diff[...] = 0
            if x is not None:
                bottom[1].diff[...] = (dy * x).sum((0, 2)).reshape(bottom[1].shape)
        if self.bias is not None:
            gradients.append(lambda: self.add_to(self.blobs[-1], dy))
        self.add_gradients(*gradients)
        if propagate_down[0]:
            scale = self.values(bottom).data.reshape(-1, 1)
            np.multiply(dy, scale, out=self.parts(bottom[0].diff))


@register
class Bias(Broadcast):
    """y = x + bias."""

    type = "Bias"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        shape = self.place(bottom, self.layer_param.bias_param)
        if len(bottom) == 1:
            self.add_param(shape, self.layer_param.bias_param.filler)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        bias = self.values(bottom).data.reshape(-1, 1)
        np.add(self.parts(bottom[0].data), bias, out=self.parts(top[0].data))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = self.parts(top[0].diff)
        if len(bottom) > 1 and propagate_down[1]:
            bottom[1].diff[...] = dy.sum((0, 2)).reshape(bottom[1].shape)
        elif len(bottom) == 1:
            if bottom[0] is top[0] and not self.blobs[0].wanted:
                dy = dy.copy()  # lower layers overwrite it before anybody asks for the gradient
            self.add_gradients(lambda: self.add_to(self.blobs[0], dy))
        if propagate_down[0] and bottom[0] is not top[0]:
            bottom[0].diff[...] = top[0].diff
