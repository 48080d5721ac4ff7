"""Convolution, and what it shares with its transpose: kernel, stride, pad and dilation from the prototxt."""

from ..errors import PrototxtError, ShapeError
from ..kernels import convolution as kernel
from .registry import Layer, register


def spatial_pair(layer, param, name, default, one="{}_size"):
    """(height, width) of a setting that is given as `name_h`/`name_w`, or once, or once per axis."""
    repeated = getattr(param, one.format(name) if name == "kernel" else name)
    by_axis = param.HasField(name + "_h"), param.HasField(name + "_w")
    if any(by_axis):
        if len(repeated) or not all(by_axis):
            raise PrototxtError(f'layer "{layer.name}": give either {name}_h and {name}_w, or {name} itself')
        return getattr(param, name + "_h"), getattr(param, name + "_w")
    if len(repeated) > 2 or (default is None and not repeated):
        raise PrototxtError(f'layer "{layer.name}": {name} is given {len(repeated)} times; give it once, or for height and width')
    values = list(repeated) or [default]
    return values[0], values[-1]


@register
class Convolution(Layer):
    """y[o] = sum over c, i, j of w[o, c, i, j] * x[c, ...] + b[o], Caffe's cross-correlation; groups split the channels."""

    type = "Convolution"
    bottoms = tops = (1, None)

    def setup(self, bottom, top):
        p = self.layer_param.convolution_param
        if p.axis != 1 or len(bottom[0].shape) != 4:
            raise PrototxtError(
                f'layer "{self.name}": only 2-D convolution (a bottom of 4 axes, axis 1) is there; got {bottom[0].shape}, axis {p.axis}'
            )
        self.kernel = spatial_pair(self, p, "kernel", None)
        self.stride, self.pad = spatial_pair(self, p, "stride", 1), spatial_pair(self, p, "pad", 0)
        dilation = list(p.dilation) or [1]
        self.dilation = dilation[0], dilation[-1]
        self.outputs, self.group, channels = p.num_output, p.group, bottom[0].shape[1]
        if min(*self.kernel, *self.stride, *self.dilation, self.outputs, self.group) < 1:
            raise PrototxtError(f'layer "{self.name}": kernel, stride, dilation, num_output and group must be at least 1')
        if channels % self.group or self.outputs % self.group:
            raise PrototxtError(
                f'layer "{self.name}": {channels} channels and num_output {self.outputs} must both be multiples of group {self.group}'
            )
        self.channels = channels
        self.add_param((self.outputs, channels // self.group, *self.kernel), p.weight_filler)
        if p.bias_term:
            self.add_param((self.outputs,), p.bias_filler)

    def reshape(self, bottom, top):
        for b, t in zip(bottom, top):
            n, channels, *size = b.shape
            if channels != self.channels:
                raise ShapeError(f'layer "{self.name}": its bottom has {channels} channels but its weights take {self.channels}')
            extent = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel)]
            if any(s + 2 * p < e for s, p, e in zip(size, self.pad, extent)):
                raise ShapeError(f'layer "{self.name}": a {size[0]}x{size[1]} bottom is smaller than its {extent[0]}x{extent[1]} kernel')
            out = [(s + 2 * p - e) // st + 1 for s, p, e, st in zip(size, self.pad, extent, self.stride)]
            t.reshape(n, self.outputs, *out)

    def _geometry(self, bottom, top):
        size, out = bottom.shape[2:], top.shape[2:]
        return kernel.geometry(self.channels // self.group, size, out, self.kernel, self.stride, self.pad, self.dilation)

    def _weights(self):
        return self.blobs[0].data.reshape(self.outputs, -1)

    def forward(self, bottom, top, relu=None):
        """relu: the ReLU layer behind this one, in place on its top, to be run along with it; or None."""
        slope = None if relu is None else relu.slope
        bias = self.blobs[1].data if len(self.blobs) > 1 else self.blobs[0].data.reshape(-1)[:0]
        for b, t in zip(bottom, top):
            kernel.forward(b.data, self._weights(), bias, t.data, self._geometry(b, t), self.group, slope)

    def backward(self, top, propagate_down, bottom):
        self.add_gradients(lambda: self._weight_gradient(top, bottom), lambda: self._bias_gradient(top, bottom))
        for b, t, wanted in zip(bottom, top, propagate_down):
            if wanted:
                kernel.backward(t.diff, self._weights(), b.diff, self._geometry(b, t), self.group)

    def _weight_gradient(self, top, bottom):
        dw = self.blobs[0].diff.reshape(self.outputs, -1)
        for b, t in zip(bottom, top):
            kernel.weight_gradient(b.data, t.diff, dw, self._geometry(b, t), self.group)

    def _bias_gradient(self, top, bottom):
        for t in top:
            self.blobs[1].diff[...] += t.diff.sum((0, 2, 3))
