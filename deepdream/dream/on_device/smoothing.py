"""Smoothings of tensors: the twins of ../smoothing.py, in float32."""

from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

from ..smoothing import (
    CENTRE,
    FAR,
    LEAST,
    NEAR,
    SHARES,
    TRUNCATE,
    Chain,
    Gaussian,
    Laplacian,
    Natural,
    Smoothing,
    mirrored,
)

_STRIP = 64  # places that are summed by one product, at least
_MOST_KEPT = 32
_brought: Dict[Tuple[Any, ...], Any] = {}


def has_twin(smoothing: Smoothing) -> bool:
    """Whether a smoothing can be had of tensors."""
    if type(smoothing) is Chain:
        return all(map(has_twin, smoothing.parts))
    return type(smoothing) in _TWINS


def smoothed(smoothing: Any, g: Any) -> Any:
    """What a smoothing that has a twin makes of a tensor (C, H, W)."""
    return _TWINS[type(smoothing)](smoothing, g)


def _chain(chain: Chain, g: Any) -> Any:
    for part in chain.parts:
        g = smoothed(part, g)
    return g


def _gaussian(gaussian: Gaussian, g: Any) -> Any:
    total = g.new_zeros(g.shape)
    for share in SHARES:
        rows = _blurred(g.transpose(-1, -2), share * gaussian.deviation)
        total += _blurred(rows.transpose(-1, -2), share * gaussian.deviation)
    return total / len(SHARES)


def _blurred(x: Any, deviation: float) -> Any:
    """scipy.ndimage.gaussian_filter1d along the last axis, mirrored at its ends, these included.

    Strip by strip, each a product of its surroundings with the same matrix.
    """
    radius = int(TRUNCATE * deviation + 0.5)
    length, strip = x.shape[-1], max(_STRIP, 2 * radius + 1)
    matrix = _kept(x, (deviation, strip), lambda: _matrix(deviation, radius, strip))
    places = _kept(x, (length, radius), lambda: _mirrored(length, radius, strip)).long()
    around = x[..., places].unfold(-1, strip + 2 * radius, strip)
    return (around @ matrix).flatten(-2)[..., :length]


def _matrix(deviation: float, radius: int, strip: int) -> np.ndarray:
    """What a strip's surroundings are multiplied by."""
    weights = np.exp(-0.5 / deviation**2 * np.arange(-radius, radius + 1) ** 2)
    matrix = np.zeros((strip + 2 * radius, strip), np.float32)
    for column in range(strip):
        matrix[column : column + len(weights), column] = weights / weights.sum()
    return matrix


def _mirrored(length: int, radius: int, strip: int) -> np.ndarray:
    """The places of an axis with what lies beyond both ends, as many as whole strips take."""
    places = np.arange(-radius, -(-length // strip) * strip + radius) % (2 * length)
    return np.minimum(places, 2 * length - 1 - places)


def _kept(like: Any, key: Tuple[Any, ...], made: Callable[[], np.ndarray]) -> Any:
    """An array on the tensor's device, brought there once."""
    place = (like.device, *key)
    if place not in _brought:
        if len(_brought) >= _MOST_KEPT:
            _brought.clear()
        _brought[place] = like.new_tensor(made())
    return _brought[place]


def _natural(natural: Natural, g: Any) -> Any:
    matrix = natural.matrix()
    if g.shape[-3] != len(matrix):
        return g
    found = g.new_empty(g.shape)
    for into, (first, second, third) in zip(found, matrix.tolist()):
        into[:] = g[0] * first + g[1] * second + g[2] * third
    return found


def _laplacian(laplacian: Laplacian, g: Any) -> Any:
    pyramid: List[Any] = []
    for _ in range(laplacian.levels):
        if min(g.shape[-2:]) < 4:
            break
        coarse = _halved(_halved(g).transpose(-1, -2)).transpose(-1, -2)
        pyramid.append(g - _enlarged(coarse, g.shape))
        g = coarse
    values = _levelled(g)
    for level in reversed(pyramid):
        values = _levelled(level) + _enlarged(values, level.shape)
    return values


def _levelled(level: Any) -> Any:
    """A level divided by its deviation, unless that is as good as zero."""
    largest = level.abs().max()  # whose square may be no float32
    deviation = (level / largest).square().mean().sqrt() * largest
    return level.where(deviation <= LEAST, level / deviation).where(largest > 0, level)


def _halved(x: Any) -> Any:
    """Every second place of the binomial blur along the last axis."""
    length = x.shape[-1]
    count = -(-length // 2)
    ends = [mirrored(place, length) for place in (-2, -1, length, length + 1)]
    around = x.new_empty((*x.shape[:-1], length + 4))
    around[..., 2:-2] = x
    around[..., 0], around[..., 1] = x[..., ends[0]], x[..., ends[1]]
    around[..., -2], around[..., -1] = x[..., ends[2]], x[..., ends[3]]
    even, odd = around[..., 0::2], around[..., 1::2]
    total = even[..., 1 : count + 1] * CENTRE
    total += (even[..., :count] + even[..., 2 : count + 2]) * FAR
    total += (odd[..., :count] + odd[..., 1 : count + 1]) * NEAR
    return total


def _enlarged(coarse: Any, shape: Sequence[int]) -> Any:
    """An array at about twice its size, which is `shape`: the blur of its places, four times as
    large, with zeros between them."""
    wide = _between(coarse, shape[-1])
    return _between(wide.transpose(-1, -2), shape[-2]).transpose(-1, -2)


def _between(x: Any, length: int) -> Any:
    """The blur along the last axis of places with a zero after each, twice as large."""
    count = x.shape[-1]
    first, last = (mirrored(place, length) // 2 for place in (-2, 2 * count))
    around = x.new_empty((*x.shape[:-1], count + 2))
    around[..., 1:-1] = x
    around[..., 0], around[..., -1] = x[..., first], x[..., last]
    even = around[..., 1:-1] * (2 * CENTRE) + (around[..., :-2] + around[..., 2:]) * (2 * FAR)
    odd = (around[..., 1:-1] + around[..., 2:]) * (2 * NEAR)
    blurred = x.new_empty((*x.shape[:-1], length))
    blurred[..., 0::2] = even
    blurred[..., 1::2] = odd[..., : length // 2]
    return blurred


_TWINS: Any = {Chain: _chain, Gaussian: _gaussian, Laplacian: _laplacian, Natural: _natural}
