"""Convolution, Deconvolution and Im2col, over any number of spatial axes; two of them, the usual case, by the fast kernels."""

import math

import numpy as np

from ..errors import PrototxtError, ShapeError
from ..kernels import columns
from ..kernels import convolution as kernels
from .registry import Layer, register


def spatial(layer, param, name, axes, default=None):
    """A setting for each spatial axis; it is given once, once per axis or, for two axes, as `name_h` and `name_w`."""
    repeated = list(getattr(param, "kernel_size" if name == "kernel" else name))
    if name != "dilation" and (param.HasField(name + "_h") or param.HasField(name + "_w")):
        if (
            repeated
            or axes != 2
            or not (param.HasField(name + "_h") and param.HasField(name + "_w"))
        ):
            raise PrototxtError(
                f'layer "{layer.name}": give either {name}_h and {name}_w (over two spatial axes), or {name} itself'
            )
        return getattr(param, name + "_h"), getattr(param, name + "_w")
    if not repeated and default is not None:
        repeated = [default]
    if len(repeated) not in (1, axes):
        raise PrototxtError(
            f'layer "{layer.name}": {name} is given {len(repeated)} times; give it once, or once for each of {axes} spatial axes'
        )
    return tuple(repeated * axes if len(repeated) == 1 else repeated)


class Windowed(Layer):
    """What slides a window over the axes behind the channels."""

    bottoms = tops = (1, None)

    def find_windows(self, bottom):
        p = self.layer_param.convolution_param
        self.axis = self.canonical_axis(p.axis, bottom[0])
        axes = len(bottom[0].shape) - self.axis - 1
        self.kernel = spatial(self, p, "kernel", axes)
        self.stride, self.pad = (
            spatial(self, p, "stride", axes, 1),
            spatial(self, p, "pad", axes, 0),
        )
        self.dilation = spatial(self, p, "dilation", axes, 1)
        if min((*self.kernel, *self.stride, *self.dilation), default=1) < 1:
            raise PrototxtError(
                f'layer "{self.name}": kernel {self.kernel}, stride {self.stride} and dilation {self.dilation} must be at least 1'
            )
        self.channels = bottom[0].shape[self.axis]

    def extent(self):
        return [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel)]

    def check_channels(self, blob):
        if (
            len(blob.shape) != self.axis + 1 + len(self.kernel)
            or blob.shape[self.axis] != self.channels
        ):
            raise ShapeError(
                f'layer "{self.name}": its bottom is {blob.shape} but its weights take {self.channels} channels at axis {self.axis} '
                f"and {len(self.kernel)} spatial axes"
            )

    def windows(self, size):
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

    def items(self, array):
        """The array with all axes in front of the channels as one."""
        return array.reshape(math.prod(array.shape[: self.axis]), *array.shape[self.axis :])


@register
class Im2col(Windowed):
    """The columns of a convolution: (N, C * kernel values, output positions)."""

    type = "Im2col"

    def setup(self, bottom, top):
        self.find_windows(bottom)

    def reshape(self, bottom, top):
        for b, t in zip(bottom, top):
            self.check_channels(b)
            t.reshape(
                *b.shape[: self.axis],
                self.channels * math.prod(self.kernel),
                *self.windows(b.shape[self.axis + 1 :]),
            )

    def _how(self, top):
        return self.kernel, top.shape[self.axis + 1 :], self.stride, self.pad, self.dilation

    def forward(self, bottom, top):
        for b, t in zip(bottom, top):
            for x, y in zip(self.items(b.data), self.items(t.data)):
                y[...] = columns.im2col(x, *self._how(t)).reshape(y.shape)

    def backward(self, top, propagate_down, bottom):
        for b, t, wanted in zip(bottom, top, propagate_down):
            for dx, dy in zip(self.items(b.diff), self.items(t.diff)) if wanted else ():
                dx[...] = columns.col2im(dy, dx.shape, *self._how(t))


class Weighted(Windowed):
    """A convolution from the blobs `large` to the blobs `small`; Deconvolution runs it backward."""

    def setup(self, bottom, top):
        self.find_windows(bottom)
        p = self.layer_param.convolution_param
        self.outputs, self.group = p.num_output, p.group
        if min(self.outputs, self.group) < 1:
            raise PrototxtError(
                f'layer "{self.name}": num_output {self.outputs} and group {self.group} must be at least 1'
            )
        if self.channels % self.group or self.outputs % self.group:
            raise PrototxtError(
                f'layer "{self.name}": {self.channels} channels and num_output {self.outputs} must both be multiples of group {self.group}'
            )
        self.add_param(self.weight_shape(), p.weight_filler)
        if p.bias_term:
            self.add_param((self.outputs,), p.bias_filler)

    def weight_shape(self):
        raise NotImplementedError

    def reshape(self, bottom, top):
        for b, t in zip(bottom, top):
            self.check_channels(b)
            t.reshape(*b.shape[: self.axis], self.outputs, *self.out_size(b.shape[self.axis + 1 :]))

    def out_size(self, size):
        raise NotImplementedError

    def _weights(self):
        return self.blobs[0].data.reshape(len(self.blobs[0].data), -1)

    def _bias(self):
        return self.blobs[1].data if len(self.blobs) > 1 else self.blobs[0].data.reshape(-1)[:0]

    def _geometry(self, large, small):
        """For the two-dimensional kernels; None where there are more or fewer axes."""
        if len(self.kernel) != 2:
            return None
        return kernels.geometry(
            large.shape[1] // self.group,
            large.shape[2:],
            small.shape[2:],
            self.kernel,
            self.stride,
            self.pad,
            self.dilation,
        )

    def convolve(self, large, small, bias, slope=None):
        """small = weights * large + bias, on arrays (N, channels, ...); with a slope, a ReLU on top of it."""
        geometry = self._geometry(large, small)
        if geometry is not None:
            kernels.forward(large, self._weights(), bias, small, geometry, self.group, slope)
            return
        for x, y in zip(large, small):
            for cols, weights, part in self._groups(x, y):
                part[...] = weights @ columns.im2col(
                    cols, self.kernel, y.shape[1:], self.stride, self.pad, self.dilation
                )
        if bias.size:
            small += bias.reshape(-1, *(1,) * len(self.kernel))
        if slope is not None:
            np.add(np.maximum(small, 0), slope * np.minimum(small, 0), out=small)

    def convolve_back(self, small, large, add=False):
        """large = the transpose of `convolve` of small; with `add`, large += it."""
        geometry = self._geometry(large, small)
        if geometry is not None:
            kernels.backward(small, self._weights(), large, geometry, self.group, add)
            return
        for x, y in zip(large, small):
            for target, weights, part in self._groups(x, y):
                target[...] = (target if add else 0) + columns.col2im(
                    weights.T @ part,
                    target.shape,
                    self.kernel,
                    y.shape[1:],
                    self.stride,
                    self.pad,
                    self.dilation,
                )

    def _groups(self, large, small):
        """For one item, each group's (channels of large, weights, channels of small as rows)."""
        weights, rows = self._weights(), small.reshape(len(small), -1)
        c, o = len(large) // self.group, len(small) // self.group
        for g in range(self.group):
            yield large[g * c : g * c + c], weights[g * o : g * o + o], rows[g * o : g * o + o]

    def weight_gradient(self, large, small):
        dw = self.blobs[0].diff.reshape(len(self.blobs[0].data), -1)
        geometry = self._geometry(large, small)
        if geometry is not None:
            kernels.weight_gradient(large, small, dw, geometry, self.group)
            return
        for x, y in zip(large, small):
            for g, (cols, _, part) in enumerate(self._groups(x, y)):
                o = len(part)
                dw[g * o : g * o + o] += (
                    part
                    @ columns.im2col(
                        cols, self.kernel, y.shape[1:], self.stride, self.pad, self.dilation
                    ).T
                )

    def bias_gradient(self, top):
        for t in top:
            dy = self.items(t.diff)
            self.blobs[1].diff[...] += dy.sum(tuple(i for i in range(dy.ndim) if i != 1))


@register
class Convolution(Weighted):
    """y[o] = sum over c, i, j of w[o, c, i, j] * x[c, ...] + b[o], Caffe's cross-correlation; groups split the channels."""

    type = "Convolution"
    can_add = True

    def weight_shape(self):
        return (self.outputs, self.channels // self.group, *self.kernel)

    def out_size(self, size):
        return self.windows(size)

    def forward(self, bottom, top, relu=None):
        """relu: the ReLU layer behind this one, in place on its top, to be run along with it; or None."""
        slope = None if relu is None else relu.slope
        for b, t in zip(bottom, top):
            self.convolve(self.items(b.data), self.items(t.data), self._bias(), slope)

    def backward(self, top, propagate_down, bottom, add=False):
        self.add_gradients(
            lambda: self._weight_gradient(top, bottom), lambda: self.bias_gradient(top)
        )
        for b, t, wanted in zip(bottom, top, propagate_down):
            if wanted:
                self.convolve_back(self.items(t.diff), self.items(b.diff), add)

    def _weight_gradient(self, top, bottom):
        for b, t in zip(bottom, top):
            self.weight_gradient(self.items(b.data), self.items(t.diff))


@register
class Deconvolution(Weighted):
    """The transpose of Convolution: each input value adds its weighted kernel to the output, for upsampling. Weights (C, num_output / group, ...)."""

    type = "Deconvolution"

    def weight_shape(self):
        return (self.channels, self.outputs // self.group, *self.kernel)

    def out_size(self, size):
        out = [
            (s - 1) * st + e - 2 * p
            for s, st, e, p in zip(size, self.stride, self.extent(), self.pad)
        ]
        if min(out, default=1) < 1:
            raise ShapeError(
                f'layer "{self.name}": a bottom of {"x".join(map(str, size))} with pad {self.pad} leaves nothing'
            )
        return out

    def forward(self, bottom, top):
        for b, t in zip(bottom, top):
            y = self.items(t.data)
            self.convolve_back(self.items(b.data), y)
            if len(self.blobs) > 1:
                y += self._bias().reshape(-1, *(1,) * len(self.kernel))

    def backward(self, top, propagate_down, bottom):
        self.add_gradients(
            lambda: self._weight_gradient(top, bottom), lambda: self.bias_gradient(top)
        )
        for b, t, wanted in zip(bottom, top, propagate_down):
            if wanted:
                self.convolve(
                    self.items(t.diff), self.items(b.diff), self.blobs[0].data.reshape(-1)[:0]
                )

    def _weight_gradient(self, top, bottom):
        for b, t in zip(bottom, top):
            self.weight_gradient(self.items(t.diff), self.items(b.data))
