"""Layers that only rearrange blobs: Split, Concat, Flatten."""

import math

import numpy as np

from ..errors import ShapeError
from ..kernels import threads
from .registry import Layer, around, register


@register
class Split(Layer):
    """One blob for several readers: the tops share its data, their diffs add up."""

    type = "Split"
    tops = (1, None)

    def reshape(self, bottom, top):
        for t in top:
            t.reshape_like(bottom[0])
            t.share_data(bottom[0])

    def forward(self, bottom, top):
        pass  # the data are shared

    def backward(self, top, propagate_down, bottom):
        if not propagate_down[0]:
            return

        def add(dx, first, *more):
            np.copyto(dx, first)
            for dy in more:
                dx += dy

        flat = [b.diff.reshape(-1) for b in (bottom[0], *top)]
        threads.elementwise(add, flat[0].size, *flat)


@register
class Concat(Layer):
    """The bottoms side by side along one axis."""

    type = "Concat"
    bottoms = (1, None)

    def reshape(self, bottom, top):
        p = self.layer_param.concat_param
        self.axis = p.concat_dim if p.HasField("concat_dim") else self.canonical_axis(p.axis, bottom[0])
        shape = list(bottom[0].shape)
        for b in bottom[1:]:
            if [*b.shape[: self.axis], *b.shape[self.axis + 1 :]] != [*shape[: self.axis], *shape[self.axis + 1 :]]:
                raise ShapeError(f'layer "{self.name}": bottoms {bottom[0].shape} and {b.shape} differ outside axis {self.axis}')
        shape[self.axis] = sum(b.shape[self.axis] for b in bottom)
        top[0].reshape(*shape)

    def _parts(self, bottom, whole):
        """Pairs of views: a piece of each bottom's outer index, and its place in the whole array."""
        outer, total, inner = around(bottom[0], self.axis)
        total = sum(b.shape[self.axis] for b in bottom)
        whole = whole.reshape(outer, total * inner)
        start = 0
        for b in bottom:
            width = b.shape[self.axis] * inner
            yield b, whole[:, start : start + width]
            start += width

    def forward(self, bottom, top):
        _copy((place, b.data.reshape(place.shape)) for b, place in self._parts(bottom, top[0].data))

    def backward(self, top, propagate_down, bottom):
        wanted = dict(zip(map(id, bottom), propagate_down))
        _copy((b.diff.reshape(p.shape), p) for b, p in self._parts(bottom, top[0].diff) if wanted[id(b)])


def _copy(pairs):
    for target, source in pairs:
        for row in range(len(target)):
            threads.elementwise(np.copyto, target.shape[1], target[row], source[row])


@register
class Flatten(Layer):
    """The axes from `axis` to `end_axis` become one; memory is shared."""

    type = "Flatten"

    def reshape(self, bottom, top):
        p = self.layer_param.flatten_param
        first, last = self.canonical_axis(p.axis, bottom[0]), self.canonical_axis(p.end_axis, bottom[0])
        shape = bottom[0].shape
        top[0].reshape(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])

    def forward(self, bottom, top):
        top[0].share_data(bottom[0])

    def backward(self, top, propagate_down, bottom):
        bottom[0].share_diff(top[0])
