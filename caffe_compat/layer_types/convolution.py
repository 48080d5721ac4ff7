"""Convolution, Deconvolution and Im2col, over any number of spatial axes.

Two of them, the usual case, go through the fast kernels.
"""

import math
from itertools import repeat
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from ..blob import Blob
from ..errors import PrototxtError, ShapeError
from ..kernels import columns, elementwise
from ..kernels import convolution as kernels
from ..kernels import weights as gradients
from ..kernels.threads import Number, by_other_means
from .registry import Blobs, Layer, Slopes, register


def spatial(
    layer: Layer, param: Any, name: str, axes: int, default: Optional[int] = None
) -> Tuple[int, ...]:
    """A setting for each spatial axis.

    It is given once, once per axis or, for two axes, as `name_h` and `name_w`.
    """
    repeated = list(getattr(param, "kernel_size" if name == "kernel" else name))
    if name != "dilation" and (param.HasField(name + "_h") or param.HasField(name + "_w")):
        if (
            repeated
            or axes != 2
            or not (param.HasField(name + "_h") and param.HasField(name + "_w"))
        ):
            raise PrototxtError(
                f'layer "{layer.name}": give either {name}_h and {name}_w (over two spatial axes), '
                f"or {name} itself"
            )
        return getattr(param, name + "_h"), getattr(param, name + "_w")
    if not repeated and default is not None:
        repeated = [default]
    if len(repeated) not in (1, axes):
        raise PrototxtError(
            f'layer "{layer.name}": {name} is given {len(repeated)} times; '
            f"give it once, or once for each of {axes} spatial axes"
        )
    return tuple(repeated * axes if len(repeated) == 1 else repeated)


class Windowed(Layer):
    """What slides a window over the axes after the channels."""

    bottoms = tops = (1, None)

    def find_windows(self, bottom: Blobs) -> None:
        """Read the window's settings, one for each spatial axis."""
        p = self.layer_param.convolution_param
        self.axis = self.canonical_axis(p.axis, bottom[0])
        axes = len(bottom[0].shape) - self.axis - 1
        self.kernel = spatial(self, p, "kernel", axes)
        self.stride = spatial(self, p, "stride", axes, 1)
        self.pad = spatial(self, p, "pad", axes, 0)
        self.dilation = spatial(self, p, "dilation", axes, 1)
        self.need_positive(kernel=self.kernel, stride=self.stride, dilation=self.dilation)
        self.channels = bottom[0].shape[self.axis]

    def extent(self) -> List[int]:
        """The window's size along each spatial axis, gaps of dilation included."""
        return [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel)]

    def check_channels(self, blob: Blob) -> None:
        """Raise ShapeError for a bottom of other channels or axes than the weights take."""
        if (
            len(blob.shape) != self.axis + 1 + len(self.kernel)
            or blob.shape[self.axis] != self.channels
        ):
            raise ShapeError(
                f'layer "{self.name}": its bottom is {blob.shape} but its weights take '
                f"{self.channels} channels at axis {self.axis} and {len(self.kernel)} spatial axes"
            )

    def windows(self, size: Sequence[int]) -> List[int]:
        """Number of windows along each spatial axis of a picture of this size."""
        extent = self.extent()
        if any(s + 2 * p < e for s, p, e in zip(size, self.pad, extent)):
            sizes, extents = ("x".join(map(str, v)) for v in (size, extent))
            raise ShapeError(
                f'layer "{self.name}": a {sizes} bottom is smaller than its {extents} kernel'
            )
        return [
            (s + 2 * p - e) // st + 1 for s, p, e, st in zip(size, self.pad, extent, self.stride)
        ]

    def items(self, array: np.ndarray) -> np.ndarray:
        """The array with all axes before the channels as one."""
        return array.reshape(math.prod(array.shape[: self.axis]), *array.shape[self.axis :])

    def _how(self, out: np.ndarray) -> Tuple[Sequence[int], ...]:
        """What im2col and col2im take of the windows, for one item's output (channels, ...)."""
        return self.kernel, out.shape[1:], self.stride, self.pad, self.dilation


@register
class Im2col(Windowed):
    """The columns of a convolution: (N, C * kernel values, output positions)."""

    type = "Im2col"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.find_windows(bottom)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for b, t in zip(bottom, top):
            self.check_channels(b)
            t.reshape(
                *b.shape[: self.axis],
                self.channels * math.prod(self.kernel),
                *self.windows(b.shape[self.axis + 1 :]),
            )

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for b, t in zip(bottom, top):
            for x, y in zip(self.items(b.data), self.items(t.data)):
                y[...] = columns.im2col(x, *self._how(y)).reshape(y.shape)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for b, t, wanted in zip(bottom, top, propagate_down):
            for dx, dy in zip(self.items(b.diff), self.items(t.diff)) if wanted else ():
                dx[...] = columns.col2im(dy, dx.shape, *self._how(dy))


class Weighted(Windowed):
    """A convolution from arrays `large` to arrays `small`; Deconvolution runs it backward."""

    lean_reads = ""
    repeatable = True
    _fitted: Any = None  # the blobs' shapes after the last reshape
    _shapes: Tuple[Any, Any] = (None, None)  # the last ones, and their geometry

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.find_windows(bottom)
        p = self.layer_param.convolution_param
        self.outputs, self.group = p.num_output, p.group
        self.need_positive(num_output=self.outputs, group=self.group)
        if self.channels % self.group or self.outputs % self.group:
            raise PrototxtError(
                f'layer "{self.name}": {self.channels} channels and num_output {self.outputs} '
                f"must both be multiples of group {self.group}"
            )
        self.add_param(self.weight_shape(), p.weight_filler)
        if p.bias_term:
            self.add_param((self.outputs,), p.bias_filler)

    def weight_shape(self) -> Tuple[int, ...]:
        """The shape of the weights."""
        raise NotImplementedError

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if self.fits(bottom, top):
            return
        for b, t in zip(bottom, top):
            self.check_channels(b)
            t.reshape(*b.shape[: self.axis], self.outputs, *self.out_size(b.shape[self.axis + 1 :]))
        self._fitted = [b.shape for b in (*bottom, *top)]

    def out_size(self, size: Sequence[int]) -> List[int]:
        """The size of the output for a picture of this size, along each spatial axis."""
        raise NotImplementedError

    def fits(self, bottom: Blobs, top: Blobs) -> bool:
        return bool(self._fitted == [b.shape for b in (*bottom, *top)])

    def _weights(self):
        weights = self.as_made(0, self.blobs[0].data)
        return weights.reshape(len(weights), -1)

    def _bias(self):
        if len(self.blobs) > 1:
            return self.as_made(1, self.blobs[1].data)
        return self.blobs[0].data.reshape(-1)[:0]

    def _geometry(self, large, small):
        """For the two-dimensional kernels; None where there are more or fewer axes."""
        if len(self.kernel) != 2:
            return None
        shapes = large.shape[1:], small.shape[2:]
        if shapes != self._shapes[0]:
            geometry = kernels.geometry(
                large.shape[1] // self.group,
                large.shape[2:],
                small.shape[2:],
                self.kernel,
                self.stride,
                self.pad,
                self.dilation,
            )
            self._shapes = shapes, geometry
        return self._shapes[1]

    def convolve(
        self,
        large: np.ndarray,
        small: np.ndarray,
        bias: np.ndarray,
        slope: Optional[np.floating] = None,
    ) -> None:
        """small = weights * large + bias, on arrays (N, channels, ...).

        slope: of a ReLU to be applied to that, or None.
        """
        geometry = self._geometry(large, small)
        if geometry is not None:
            kernels.forward(large, self._weights(), bias, small, geometry, self.group, slope)
            return
        by_other_means()
        for x, y in zip(large, small):
            for cols, weights, part in self._groups(x, y):
                part[...] = weights @ columns.im2col(cols, *self._how(y))
        if bias.size:
            small += bias.reshape(-1, *(1,) * len(self.kernel))
        if slope is not None:
            np.add(np.maximum(small, 0), slope * np.minimum(small, 0), out=small)

    def convolve_back(
        self,
        small: np.ndarray,
        large: np.ndarray,
        add: bool = False,
        data: Optional[np.ndarray] = None,
        slope: Number = 0.0,
    ) -> None:
        """large = the transpose of `convolve` of small; with `add`, large += it.

        data, slope: of a ReLU that `large` then passes backward.
        """
        geometry = self._geometry(large, small)
        if geometry is not None:
            kernels.backward(small, self._weights(), large, geometry, self.group, add, data, slope)
            return
        by_other_means()
        for x, y in zip(large, small):
            for target, weights, part in self._groups(x, y):
                gradient = columns.col2im(weights.T @ part, target.shape, *self._how(y))
                target[...] = (target if add else 0) + gradient
        if data is not None:
            elementwise.relu_backward(data, large, large, slope)

    def _groups(self, large, small):
        """For one item, each group's (channels of large, weights, channels of small as rows)."""
        weights, rows = self._weights(), small.reshape(len(small), -1)
        c, o = len(large) // self.group, len(small) // self.group
        for g in range(self.group):
            yield large[g * c : g * c + c], weights[g * o : g * o + o], rows[g * o : g * o + o]

    def weight_gradient(self, large: np.ndarray, small: np.ndarray) -> None:
        """Add the weights' gradient to their diff."""
        dw = self.as_made(0, self.blobs[0].diff)
        dw = dw.reshape(len(dw), -1)
        geometry = self._geometry(large, small)
        if geometry is not None:
            gradients.convolved(large, small, dw, geometry, self.group)
            return
        for x, y in zip(large, small):
            for g, (cols, _, part) in enumerate(self._groups(x, y)):
                o = len(part)
                dw[g * o : g * o + o] += part @ columns.im2col(cols, *self._how(y)).T

    def bias_gradient(self, top: Blobs) -> None:
        """Add the bias's gradient to its diff."""
        for t in top:
            dy = self.items(t.diff)
            self.blobs[1].diff[...] += dy.sum(tuple(i for i in range(dy.ndim) if i != 1))


def _nothing(blob: Blob, add: bool = False, slope: Optional[float] = None) -> None:
    """Give a blob a gradient of zero, or add that to it, and let it pass a ReLU of this slope."""
    if not add:
        elementwise.clear(blob.diff)
    elif slope is not None:
        elementwise.relu_backward(blob.data, blob.diff, blob.diff, slope)


@register
class Convolution(Weighted):
    """y[o] = sum over c, i, j of w[o, c, i, j] * x[c, ...] + b[o], Caffe's cross-correlation.

    Groups split the channels.
    """

    type = "Convolution"
    can_add = can_rectify = True

    def weight_shape(self) -> Tuple[int, ...]:
        return (self.outputs, self.channels // self.group, *self.kernel)

    def out_size(self, size: Sequence[int]) -> List[int]:
        return self.windows(size)

    def forward(self, bottom: Blobs, top: Blobs, relu: Optional[Any] = None) -> None:
        """relu: the ReLU layer in place on this one's top, to be run with it; or None."""
        slope = None if relu is None else relu.slope
        for b, t in zip(bottom, top):
            self.convolve(self.items(b.data), self.items(t.data), self._bias(), slope)

    def backward(
        self,
        top: Blobs,
        propagate_down: Sequence[bool],
        bottom: Blobs,
        add: bool = False,
        rectify: Optional[Slopes] = None,
    ) -> None:
        fits = self.fits(bottom, top)
        if fits:
            self.add_gradients(
                lambda: self._weight_gradient(top, bottom), lambda: self.bias_gradient(top)
            )
        for b, t, wanted, slope in zip(bottom, top, propagate_down, rectify or repeat(None)):
            if wanted and not fits:
                _nothing(b, add, slope)
            elif wanted:
                data = None if slope is None else self.items(b.data)
                self.convolve_back(self.items(t.diff), self.items(b.diff), add, data, slope or 0.0)

    def _weight_gradient(self, top, bottom):
        for b, t in zip(bottom, top):
            self.weight_gradient(self.items(b.data), self.items(t.diff))


@register
class Deconvolution(Weighted):
    """The transpose of Convolution, for upsampling; weights (C, num_output / group, ...).

    Each input value adds its weighted kernel to the output.
    """

    type = "Deconvolution"

    def weight_shape(self) -> Tuple[int, ...]:
        return (self.channels, self.outputs // self.group, *self.kernel)

    def out_size(self, size: Sequence[int]) -> List[int]:
        out = [
            (s - 1) * st + e - 2 * p
            for s, st, e, p in zip(size, self.stride, self.extent(), self.pad)
        ]
        if min(out, default=1) < 1:
            raise ShapeError(
                f'layer "{self.name}": a bottom of {"x".join(map(str, size))} '
                f"with pad {self.pad} leaves nothing"
            )
        return out

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for b, t in zip(bottom, top):
            y = self.items(t.data)
            self.convolve_back(self.items(b.data), y)
            if len(self.blobs) > 1:
                by_other_means()
                y += self._bias().reshape(-1, *(1,) * len(self.kernel))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        fits = self.fits(bottom, top)
        if fits:
            self.add_gradients(
                lambda: self._weight_gradient(top, bottom), lambda: self.bias_gradient(top)
            )
        for b, t, wanted in zip(bottom, top, propagate_down):
            if wanted and not fits:
                _nothing(b)
            elif wanted:
                self.convolve(
                    self.items(t.diff), self.items(b.diff), self.blobs[0].data.reshape(-1)[:0]
                )

    def _weight_gradient(self, top, bottom):
        for b, t in zip(bottom, top):
            self.weight_gradient(self.items(t.diff), self.items(b.data))
