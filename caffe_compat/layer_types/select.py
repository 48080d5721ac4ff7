"""Layers that choose among values: Slice, Crop, Tile, BatchReindex, Filter, Embed, ArgMax."""

import math
from typing import Sequence

import numpy as np

from ..errors import PrototxtError, ShapeError
from .registry import Blobs, Layer, around, register, whole_numbers


@register
class Slice(Layer):
    """One blob cut along an axis, at slice_point or into equal parts."""

    type = "Slice"
    tops = (1, None)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p, shape = self.layer_param.slice_param, list(bottom[0].shape)
        self.axis = p.slice_dim if p.HasField("slice_dim") else p.axis
        self.axis = self.canonical_axis(self.axis, bottom[0])
        size, points = shape[self.axis], list(p.slice_point)
        if points and len(points) != len(top) - 1:
            raise PrototxtError(
                f'layer "{self.name}" has {len(top)} tops and so needs {len(top) - 1} '
                f"slice points, not {len(points)}"
            )
        if not points and size % len(top):
            raise ShapeError(
                f'layer "{self.name}": axis {self.axis} of its bottom {bottom[0].shape} '
                f"cannot be cut into {len(top)} equal parts"
            )
        self.points = [0, *(points or (size // len(top) * i for i in range(1, len(top)))), size]
        if any(a >= b for a, b in zip(self.points, self.points[1:])):
            raise PrototxtError(
                f'layer "{self.name}": slice points {points} must rise and lie within '
                f"axis {self.axis}, which has {size} places"
            )
        for t, a, b in zip(top, self.points, self.points[1:]):
            shape[self.axis] = b - a
            t.reshape(*shape)

    def _places(self, array):
        before = (slice(None),) * self.axis
        return [array[(*before, slice(a, b))] for a, b in zip(self.points, self.points[1:])]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for t, part in zip(top, self._places(bottom[0].data)):
            t.data[...] = part

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            for t, part in zip(top, self._places(bottom[0].diff)):
                part[...] = t.diff


@register
class Crop(Layer):
    """The first bottom cut down to the second one's size, from `axis` on, starting at `offset`."""

    type = "Crop"
    bottoms = (2, 2)
    no_gradient = (1,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p, (source, like) = self.layer_param.crop_param, (b.shape for b in bottom)
        axis, offset = self.canonical_axis(p.axis, bottom[0]), list(p.offset)
        if len(source) != len(like):
            raise ShapeError(
                f'layer "{self.name}": its bottoms {source} and {like} '
                "differ in their number of axes"
            )
        cropped = len(source) - axis
        if len(offset) > 1 and len(offset) != cropped:
            raise PrototxtError(
                f'layer "{self.name}" crops {cropped} axes but has {len(offset)} offsets; '
                "give one, or one for each"
            )
        starts = [0] * axis + (offset if len(offset) > 1 else (offset or [0]) * cropped)
        shape = (*source[:axis], *like[axis:])
        if any(start + size > whole for start, size, whole in zip(starts, shape, source)):
            raise ShapeError(
                f'layer "{self.name}": {shape} from {tuple(starts)} on does not lie within '
                f"its bottom {source}"
            )
        self.window = tuple(slice(start, start + size) for start, size in zip(starts, shape))
        top[0].reshape(*shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = bottom[0].data[self.window]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = 0
            bottom[0].diff[self.window] = top[0].diff


@register
class Tile(Layer):
    """`tiles` copies side by side along an axis."""

    type = "Tile"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.tile_param
        self.axis, self.tiles = self.canonical_axis(p.axis, bottom[0]), p.tiles
        self.need_positive(tiles=self.tiles)
        shape = list(bottom[0].shape)
        shape[self.axis] *= self.tiles
        top[0].reshape(*shape)

    def _copies(self, bottom, array):
        outer, size, inner = around(bottom, self.axis)
        return array.reshape(outer, self.tiles, size * inner)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data
        copies = self._copies(bottom[0], top[0].data)
        copies[...] = x.reshape(copies.shape[0], 1, copies.shape[2])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = (
                self._copies(bottom[0], top[0].diff).sum(1).reshape(bottom[0].shape)
            )


@register
class BatchReindex(Layer):
    """The items of the first bottom whose numbers the second bottom has, in that order.

    A number may come more than once.
    """

    type = "BatchReindex"
    bottoms = (2, 2)
    no_gradient = (1,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if len(bottom[1].shape) != 1:
            raise ShapeError(
                f'layer "{self.name}": its second bottom, the item numbers, must have one axis, '
                f"not {bottom[1].shape}"
            )
        top[0].reshape(bottom[1].count, *bottom[0].shape[1:])

    def numbers(self, bottom: Blobs) -> np.ndarray:
        """The numbers of the items. Raises ShapeError for one that is none's."""
        return whole_numbers(self, bottom[1].data, bottom[0].shape[0], "item")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[1].count:
            top[0].data[...] = bottom[0].data[self.numbers(bottom)]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = 0
            np.add.at(bottom[0].diff, self.numbers(bottom), top[0].diff)


@register
class Filter(Layer):
    """The items of all bottoms but the last for which the last one, the selector, is not zero."""

    type = "Filter"
    bottoms, tops = (2, None), (1, None)

    def check_counts(self, bottom: Blobs, top: Blobs) -> None:
        super().check_counts(bottom, top)
        if len(top) != len(bottom) - 1:
            raise PrototxtError(
                f'layer "{self.name}" has {len(bottom)} bottoms, the last of them the selector, '
                f"so {len(bottom) - 1} tops, not {len(top)}"
            )
        self.no_gradient = (len(bottom) - 1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.first = True  # before any values are known the tops take all items

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        items = bottom[-1].shape[0]
        if bottom[-1].count != items:
            raise ShapeError(
                f'layer "{self.name}": its selector must have one value for each item, '
                f"not the shape {bottom[-1].shape}"
            )
        if any(b.shape[0] != items for b in bottom):
            raise ShapeError(
                f'layer "{self.name}": its selector is for {items} items but its bottoms have '
                f"{[b.shape[0] for b in bottom[:-1]]}"
            )
        self.selected = np.flatnonzero(bottom[-1].data.reshape(-1))
        count = items if self.first else len(self.selected)
        self.first = False
        for b, t in zip(bottom, top):
            t.reshape(count, *b.shape[1:])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for b, t in zip(bottom, top):
            t.data[...] = b.data[self.selected]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for b, t, wanted in zip(bottom, top, propagate_down):
            if wanted:
                b.diff[...] = 0
                if len(t.diff) == len(self.selected):
                    b.diff[self.selected] = t.diff


@register
class Embed(Layer):
    """A row of the weights (input_dim, num_output) for each number in the bottom, plus a bias."""

    type = "Embed"
    no_gradient = (0,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.embed_param
        self.outputs, self.inputs = p.num_output, p.input_dim
        self.need_positive(num_output=self.outputs, input_dim=self.inputs)
        self.add_param((self.inputs, self.outputs), p.weight_filler)
        if p.bias_term:
            self.add_param((self.outputs,), p.bias_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(*bottom[0].shape, self.outputs)

    def numbers(self, bottom: Blobs) -> np.ndarray:
        """The numbers of the weights' rows. Raises ShapeError for one that is none's."""
        return whole_numbers(self, bottom[0].data, self.inputs, "row of the weights")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = self.blobs[0].data[self.numbers(bottom)]
        if len(self.blobs) > 1:
            top[0].data[...] += self.blobs[1].data

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.add_gradients(
            lambda: np.add.at(self.blobs[0].diff, self.numbers(bottom), top[0].diff),
            lambda: np.add(
                self.blobs[1].diff,
                top[0].diff.reshape(-1, self.outputs).sum(0),
                out=self.blobs[1].diff,
            ),
        )


@register
class ArgMax(Layer):
    """The places of the top_k largest values, per item or along `axis`.

    With out_max_val the values too, or with `axis` in place of the places. The gradient is zero. Of
    equal values the later one counts as the larger, as in Caffe.
    """

    type = "ArgMax"
    no_gradient = (0,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p, shape = self.layer_param.argmax_param, bottom[0].shape
        self.values, self.top_k = p.out_max_val, p.top_k
        self.axis = self.canonical_axis(p.axis, bottom[0]) if p.HasField("axis") else None
        size = math.prod(shape[1:]) if self.axis is None else shape[self.axis]
        if not 1 <= self.top_k <= size:
            raise PrototxtError(
                f'layer "{self.name}": top_k is {self.top_k} but must be from 1 to {size}, '
                "the number of values there"
            )
        if self.axis is None:
            top[0].reshape(shape[0], 1 + self.values, self.top_k, *(1,) * (len(shape) - 3))
        else:
            top[0].reshape(*shape[: self.axis], self.top_k, *shape[self.axis + 1 :])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data
        x = x.reshape(x.shape[0], -1) if self.axis is None else np.moveaxis(x, self.axis, -1)
        # a stable sort of the reversed values, read from its end, puts later places first
        places = np.argsort(x, axis=-1, kind="stable")[..., ::-1][..., : self.top_k]
        largest = np.take_along_axis(x, places, -1)
        if self.axis is not None:
            top[0].data[...] = np.moveaxis(largest if self.values else places, -1, self.axis)
        elif self.values:
            top[0].data[...] = np.stack([places, largest], 1).reshape(top[0].shape)
        else:
            top[0].data[...] = places.reshape(top[0].shape)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        pass
