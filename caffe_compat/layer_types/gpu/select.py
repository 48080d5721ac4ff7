"""Slice, Crop, Tile, BatchReindex, Filter, Embed and ArgMax."""

from typing import Any, Sequence

import torch

from ..registry import Blobs, around, twin
from ..select import ArgMax, BatchReindex, Crop, Embed, Filter, Slice, Tile
from .host import brought, looking_at


def _slice_forward(layer: Slice, bottom: Blobs, top: Blobs) -> None:
    x = bottom[0].gpu_data
    for t, a, b in zip(top, layer.points, layer.points[1:]):
        t.set_gpu_data(x.narrow(layer.axis, a, b - a).clone())


def _slice_backward(
    layer: Slice, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    if propagate_down[0]:
        bottom[0].set_gpu_diff(torch.cat([t.gpu_diff for t in top], layer.axis))


twin(Slice, _slice_forward, _slice_backward)


def _crop_forward(layer: Crop, bottom: Blobs, top: Blobs) -> None:
    top[0].set_gpu_data(bottom[0].gpu_data[layer.window].clone())


def _crop_backward(layer: Crop, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if propagate_down[0]:
        dy = top[0].gpu_diff
        dx = dy.new_zeros(bottom[0].shape)
        dx[layer.window] = dy
        bottom[0].set_gpu_diff(dx)


twin(Crop, _crop_forward, _crop_backward)


def _tile_forward(layer: Tile, bottom: Blobs, top: Blobs) -> None:
    times = [1] * len(bottom[0].shape)
    times[layer.axis] = layer.tiles
    top[0].set_gpu_data(bottom[0].gpu_data.repeat(times))


def _tile_backward(layer: Tile, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if propagate_down[0]:
        outer, size, inner = around(bottom[0], layer.axis)
        copies = top[0].gpu_diff.reshape(outer, layer.tiles, size * inner)
        bottom[0].set_gpu_diff(copies.sum(1))


twin(Tile, _tile_forward, _tile_backward)


def _items(layer: BatchReindex, bottom: Blobs) -> Any:
    """The numbers of the items, which are checked on the host, as in Caffe."""
    with looking_at(bottom[1]):
        return brought(layer.numbers(bottom))


def _reindex_forward(layer: BatchReindex, bottom: Blobs, top: Blobs) -> None:
    top[0].set_gpu_data(bottom[0].gpu_data.index_select(0, _items(layer, bottom)))


def _reindex_backward(
    layer: BatchReindex, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    if propagate_down[0]:
        dx = top[0].gpu_diff.new_zeros(bottom[0].shape)
        bottom[0].set_gpu_diff(_added(dx, _items(layer, bottom), top[0].gpu_diff))


def _added(rows: Any, numbers: Any, values: Any) -> Any:
    """Add values to rows, in place; a sum has the same order each time, unlike index_add's."""
    return rows.index_put_((numbers,), values, accumulate=True)


twin(BatchReindex, _reindex_forward, _reindex_backward)


def _filter_forward(layer: Filter, bottom: Blobs, top: Blobs) -> None:
    # the selector decides the tops' shapes, so that `reshape` has read it on the host
    selected = brought(layer.selected)
    for b, t in zip(bottom, top):
        t.set_gpu_data(b.gpu_data.index_select(0, selected))


def _filter_backward(
    layer: Filter, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    for b, t, wanted in zip(bottom, top, propagate_down):
        if wanted:
            dx = t.gpu_diff.new_zeros(b.shape)
            if t.shape[0] == len(layer.selected):
                dx.index_copy_(0, brought(layer.selected), t.gpu_diff)
            b.set_gpu_diff(dx)


twin(Filter, _filter_forward, _filter_backward)


def _rows(layer: Embed, bottom: Blobs) -> Any:
    """The numbers of the weights' rows, which are checked on the host."""
    with looking_at(bottom[0]):
        return brought(layer.numbers(bottom))


def _embed_forward(layer: Embed, bottom: Blobs, top: Blobs) -> None:
    y = layer.blobs[0].gpu_data[_rows(layer, bottom)]
    top[0].set_gpu_data(y.add_(layer.blobs[1].gpu_data) if len(layer.blobs) > 1 else y)


def _embed_backward(
    layer: Embed, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    layer.add_gpu_gradients(
        lambda: _added(layer.blobs[0].mutable_gpu_diff, _rows(layer, bottom), top[0].gpu_diff),
        lambda: layer.blobs[1].add_gpu_diff(top[0].gpu_diff.reshape(-1, layer.outputs).sum(0)),
    )


twin(Embed, _embed_forward, _embed_backward)


def _argmax_forward(layer: ArgMax, bottom: Blobs, top: Blobs) -> None:
    x = bottom[0].gpu_data
    x = x.reshape(x.shape[0], -1) if layer.axis is None else x.movedim(layer.axis, -1)
    # a stable sort read from its end puts later places first
    largest, places = (
        t.narrow(-1, x.shape[-1] - layer.top_k, layer.top_k).flip(-1)
        for t in torch.sort(x, dim=-1, stable=True)
    )
    if layer.axis is not None:
        found = largest if layer.values else places.float()
        top[0].set_gpu_data(found.movedim(-1, layer.axis).contiguous())
    elif layer.values:
        top[0].set_gpu_data(torch.stack([places.float(), largest], 1))
    else:
        top[0].set_gpu_data(places.float())


twin(ArgMax, _argmax_forward, ArgMax.backward)
