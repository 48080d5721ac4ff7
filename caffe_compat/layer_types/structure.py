"""Layers that only rearrange blobs: Split, Concat, Flatten, Reshape."""

import itertools
import math
from typing import Optional, Sequence, Tuple

import numpy as np

from ..errors import PrototxtError, ShapeError
from ..kernels import elementwise, parts
from .registry import Blobs, Layer, Slopes, around, register


@register
class Split(Layer):
    """One blob for several readers: the tops share its data, their diffs add up."""

    type = "Split"
    lean_reads = ""
    repeatable = True
    tops = (1, None)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for t in top:
            t.reshape_like(bottom[0])
            t.share_data(bottom[0])

    def fits(self, bottom: Blobs, top: Blobs) -> bool:
        return all(t.shape == bottom[0].shape for t in top)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        pass  # the data are shared

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dx = bottom[0].diff
        if not self.fits(bottom, top):  # no forward pass has reached them
            elementwise.clear(dx)
            return
        elementwise.copy(dx, top[0].diff)
        for t in top[1:]:
            elementwise.add(dx, t.diff)


@register
class Concat(Layer):
    """The bottoms side by side along one axis."""

    type = "Concat"
    lean_reads = ""
    repeatable = True
    bottoms = (1, None)
    can_rectify = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.concat_param
        self.axis = (
            p.concat_dim if p.HasField("concat_dim") else self.canonical_axis(p.axis, bottom[0])
        )
        shape = list(bottom[0].shape)
        for b in bottom[1:]:
            if _but(b.shape, self.axis) != _but(bottom[0].shape, self.axis):
                raise ShapeError(
                    f'layer "{self.name}": bottoms {bottom[0].shape} and {b.shape} differ outside '
                    f"axis {self.axis}"
                )
        shape[self.axis] = sum(b.shape[self.axis] for b in bottom)
        top[0].reshape(*shape)
        self.inside = [False] * len(bottom)
        if self.views and math.prod(shape[: self.axis]) == 1:
            starts = itertools.accumulate((b.count for b in bottom), initial=0)
            self.inside = [b.live_in(top[0], start) for b, start in zip(bottom, starts)]

    def _places(self, bottom, whole):
        """For each bottom, its place in the whole array: a view (outer, values per outer index)."""
        outer, _, inner = around(bottom[0], self.axis)
        whole = whole.reshape(outer, -1)
        start = 0
        for b in bottom:
            width = b.shape[self.axis] * inner
            yield whole[:, start : start + width]
            start += width

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for b, place, inside in zip(bottom, self._places(bottom, top[0].data), self.inside):
            if not inside:
                _copy(place, b.data.reshape(place.shape))

    def backward(
        self,
        top: Blobs,
        propagate_down: Sequence[bool],
        bottom: Blobs,
        rectify: Optional[Slopes] = None,
    ) -> None:
        outer, _, inner = around(bottom[0], self.axis)
        copied = [
            self._part(b, slope) if wanted else None
            for b, wanted, slope in zip(bottom, propagate_down, rectify or itertools.repeat(None))
        ]
        widths = [b.shape[self.axis] * inner for b in bottom]
        parts.copy_out(top[0].diff.reshape(outer, -1), copied, widths)

    @staticmethod
    def _part(blob, slope):
        """A bottom's diff, where the gradient has passed a ReLU of this slope, or none."""
        if slope is None:
            return parts.Part(blob.diff)
        return parts.Part(blob.diff, blob.data, slope)


def _but(shape: Tuple[int, ...], axis: int) -> Tuple[int, ...]:
    """A shape without one of its axes."""
    return (*shape[:axis], *shape[axis + 1 :])


def _copy(target: np.ndarray, source: np.ndarray) -> None:
    for to, of in zip(target, source):
        elementwise.copy(to, of)


@register
class Flatten(Layer):
    """The axes from `axis` to `end_axis` become one.

    As in Caffe, a forward pass gives the bottom's data to the top, and a backward pass the top's
    diff to the bottom.
    """

    type = "Flatten"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.flatten_param
        first = self.canonical_axis(p.axis, bottom[0])
        last = self.canonical_axis(p.end_axis, bottom[0])
        shape = bottom[0].shape
        if last < first:
            raise PrototxtError(
                f'layer "{self.name}": end_axis {p.end_axis} is before axis {p.axis} '
                f"of its bottom {shape}"
            )
        top[0].reshape(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].share_data(bottom[0])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        bottom[0].share_diff(top[0])


@register
class Reshape(Layer):
    """The same values in another shape. A 0 keeps the bottom's dimension, a -1 takes what is left.

    As in Caffe, the top has the bottom's memory from its reshape on, and a pass does nothing. So a
    Flatten behind a Reshape, which replaces the top's diff, cuts off the gradient.
    """

    type = "Reshape"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p, shape = self.layer_param.reshape_param, bottom[0].shape
        first = p.axis if p.axis >= 0 else p.axis + len(shape) + 1
        last = len(shape) if p.num_axes == -1 else first + p.num_axes
        if not 0 <= first <= last <= len(shape):
            raise ShapeError(
                f'layer "{self.name}": axis {p.axis} and num_axes {p.num_axes} do not lie within '
                f"its bottom {shape}"
            )
        dims = list(p.shape.dim)
        if dims.count(-1) > 1 or any(
            d == 0 and first + i >= len(shape) for i, d in enumerate(dims)
        ):
            raise ShapeError(
                f'layer "{self.name}": cannot make {dims} of its bottom {shape}: '
                "one -1 at most, and no 0 after the last axis"
            )
        dims = [shape[first + i] if d == 0 else d for i, d in enumerate(dims)]
        known = math.prod(d for d in (*shape[:first], *dims, *shape[last:]) if d != -1)
        if -1 in dims and known and bottom[0].count % known == 0:
            dims[dims.index(-1)] = bottom[0].count // known
        made = math.prod((*shape[:first], *dims, *shape[last:]))
        if made != bottom[0].count or min(dims, default=0) < 0:
            raise ShapeError(
                f'layer "{self.name}": its bottom {shape} has {bottom[0].count} values, '
                f"which do not make {list(p.shape.dim)}"
            )
        top[0].reshape(*shape[:first], *dims, *shape[last:])
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        pass

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        pass
