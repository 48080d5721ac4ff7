"""What each place of a layer depends on: its receptive field, worked out from the description.

A layer that slides a window composes (Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks", Distill 2019): with kernel k, stride s, padding p and dilation d
over a bottom of stride S that reaches from a to b, its places reach from a - p S to
b + (d (k - 1) - p) S, and have the stride s S. A layer of several bottoms reaches as far as any.
"""

from typing import Any, Dict, List, Sequence, Tuple, Union

from netfile.shapes import infer, window
from netfile.shapes.structure import NEURONS

from ..errors import Size, TargetError
from ..pictures.tiling import Axis, Reach
from .description import input_name, input_shape

_Sides = Tuple[Tuple[int, int, int], Tuple[int, int, int]]  # (stride, first, last) down and across
# a layer's name and why it sees the whole picture, of what lies above it
_Seen = Union[_Sides, str]
_WHOLE = {"InnerProduct", "MVN", "Pooling", "Reduction", "SPP", "Softmax"}
_EACH_PLACE = NEURONS | {"Split", "PReLU"}  # what looks at one place, in one blob
_ONE = (1, 1)


def reaches(description: Any, blobs: Sequence[str], size: Size) -> Dict[str, Reach]:
    """{blob: what its places depend on} in a picture of this (height, width).

    Raises:
        TargetError: a layer below one of the blobs looks at more than a window of the picture.
        ShapeError: the size does not suit the net.
    """
    seen: Dict[str, _Seen] = {input_name(description): ((1, 0, 0), (1, 0, 0))}
    last = max((i for i, layer in enumerate(description.layer) if _makes(layer, blobs)), default=-1)
    layers = description.layer[: last + 1]
    for layer in layers:
        if layer.type != "Input":
            tops = _of_tops(
                layer,
                [
                    seen.get(blob, _beyond(layer, "has an input of its own"))
                    for blob in layer.bottom
                ],
            )
            seen.update(zip(layer.top, tops))
    end = layers[-1].name if last >= 0 else None
    shapes = infer(description, input_shape(description, size), end)
    found = {}
    for blob in blobs:
        sides, shape = seen.get(blob, f'there is no blob "{blob}"'), shapes.get(blob)
        if isinstance(sides, str) or shape is None or len(shape) != 4:
            why = sides if isinstance(sides, str) else f'"{blob}" has no places'
            raise TargetError(f"no tiles can be used: {why}", layer=blob)
        down, across = (Axis(*side, places) for side, places in zip(sides, shape[2:]))
        found[blob] = Reach(down, across)
    return found


def _makes(layer: Any, blobs: Sequence[str]) -> bool:
    return any(top in blobs for top in layer.top)


def _beyond(layer: Any, why: str = "") -> str:
    if not why:
        is_whole = layer.type in _WHOLE
        why = "looks at the whole picture" if is_whole else "is not made of places that tiles share"
    return f'layer "{layer.name}" ({layer.type}) {why}'


def _of_tops(layer: Any, bottoms: List[_Seen]) -> List[_Seen]:
    """What a layer's tops see."""
    refused = [seen for seen in bottoms if isinstance(seen, str)]
    if refused:
        return [refused[0]] * len(layer.top)
    sides = [seen for seen in bottoms if not isinstance(seen, str)]
    if layer.type in ("Convolution", "Pooling"):
        return _windowed(layer, sides)
    if not _is_local(layer) or not sides:
        return [_beyond(layer)] * len(layer.top)
    if layer.type == "LRN" and layer.lrn_param.norm_region == layer.lrn_param.WITHIN_CHANNEL:
        n = layer.lrn_param.local_size
        return [_slid(sides[0], (n, n), _ONE, ((n - 1) // 2,) * 2, _ONE)]
    if any(one[0] != other[0] for a in sides for one, other in zip(a, sides[0])):
        return [_beyond(layer, "joins blobs of unlike strides")] * len(layer.top)
    down, across = (
        (side[0][0], min(one[1] for one in side), max(one[2] for one in side))
        for side in zip(*sides)
    )
    return [(down, across)] * len(layer.top)


def _windowed(layer: Any, bottoms: List[_Sides]) -> List[_Seen]:
    p = layer.pooling_param if layer.type == "Pooling" else layer.convolution_param
    if layer.type == "Pooling" and p.global_pooling:
        return [_beyond(layer)] * len(layer.top)
    if layer.type == "Convolution" and p.axis != 1:
        return [_beyond(layer)] * len(layer.top)
    tops: List[_Seen] = [_slid(one, *window(p)) for one in bottoms]
    if layer.type == "Pooling":
        # a second top holds places of the bottom, which are others in a tile
        tops += [_beyond(layer, "gives the places of what it pools")] * (len(layer.top) - 1)
    return tops


def _slid(bottom: _Sides, kernel: Any, stride: Any, pad: Any, dilation: Any) -> _Sides:
    sides = [
        (step * s, first - p * step, last + (d * (k - 1) - p) * step)
        for (step, first, last), k, s, p, d in zip(bottom, kernel, stride, pad, dilation)
    ]
    return sides[0], sides[1]


def _is_local(layer: Any) -> bool:
    """Whether a layer without a window of its own makes each place of the same place below, for
    pictures of any size."""
    kind = layer.type
    if kind == "BatchNorm":
        p = layer.batch_norm_param
        return bool(p.use_global_stats) or not p.HasField("use_global_stats")
    if kind in ("Concat", "Slice", "Softmax"):
        p = {"Concat": layer.concat_param, "Slice": layer.slice_param}.get(
            kind, layer.softmax_param
        )
        old = {"Concat": "concat_dim", "Slice": "slice_dim"}.get(kind, "")
        axis = getattr(p, old) if old and p.HasField(old) else p.axis
        return bool(axis in (1, -3))
    if kind in ("Scale", "Bias"):
        # a vector for the channels, or another blob of as many places
        p = layer.scale_param if kind == "Scale" else layer.bias_param
        return len(layer.bottom) > 1 or (p.axis in (1, -3) and p.num_axes == 1)
    return kind in _EACH_PLACE or kind in ("Eltwise", "LRN")
