"""Pictures, values and masks at other sizes; the only place that resizes.

`zoomed` and `zoomed_by` are the notebook's own: linear, as SciPy makes them, on float arrays.
`zoomed_into` is the same strip by strip, for arrays in files too. `bicubic` is Pillow's on 8-bit
pictures.
"""

from typing import Any, NamedTuple, Sequence, Tuple

import numpy as np
from PIL import Image

from .arrays import planes
from .files import as_image

Size = Tuple[int, int]
# Pillow's numbers, because the names moved between its releases
_BILINEAR, _BICUBIC, _BOX = 2, 3, 4


def zoomed_by(values: np.ndarray, factor: float) -> np.ndarray:
    """(..., H, W) with its last two axes scaled by `factor`, linearly (notebook cell 4)."""
    return _linear(values, (factor, factor))


def zoomed(values: np.ndarray, size: Size) -> np.ndarray:
    """(..., H, W) at another (height, width), linearly (notebook cell 4)."""
    height, width = values.shape[-2:]
    if (height, width) == tuple(size):
        return values
    return _linear(values, (1.0 * size[0] / height, 1.0 * size[1] / width))


def _linear(values: np.ndarray, factors: Tuple[float, float]) -> np.ndarray:
    """What scipy.ndimage.zoom makes of it, whose import takes longer than a step of a dream."""
    size = [int(round(n * factor)) for n, factor in zip(values.shape[-2:], factors)]
    if values.dtype == np.float32 and 0 not in size:
        return np.asarray(zoomed_into(np.empty((*values.shape[:-2], *size), np.float32), values))
    from scipy import ndimage

    return np.asarray(ndimage.zoom(values, (*(1,) * (values.ndim - 2), *factors), order=1))


class _Places(NamedTuple):
    """Where the places of an enlarged or smaller side lie: between `first` and `following`, with
    the weights of both, float64; `beyond`: by rounding, behind the last place."""

    first: np.ndarray
    following: np.ndarray
    weight: np.ndarray
    other: np.ndarray
    beyond: np.ndarray


def zoomed_into(into: Any, values: Any) -> Any:
    """Fill `into`, float32 (..., H, W), with the values of another size.

    SciPy's sums (NI_ZoomShift) in SciPy's order, so that the result is the same to the bit: in
    float64, each value times the weight of its row, then that of its column. Returns `into`.
    """
    down, across = (_places(*lengths) for lengths in zip(values.shape[-2:], into.shape[-2:]))
    for at in planes(into.shape):
        *plane, rows = at
        part = _Places(*(each[rows] for each in down))
        top, bottom = int(part.first.min()), int(part.following.max()) + 1
        near = np.asarray(values[(*plane, slice(top, bottom))], np.float64)
        upper = near[part.first - top] * part.weight[:, None]
        lower = near[part.following - top] * part.other[:, None]
        total = upper[:, across.first] * across.weight
        total += upper[:, across.following] * across.other
        total += lower[:, across.first] * across.weight
        total += lower[:, across.following] * across.other
        total[part.beyond] = 0
        total[:, across.beyond] = 0
        into[at] = total
    return into


def _places(length: int, wanted: int) -> _Places:
    step = (length - 1) / (wanted - 1) if wanted > 1 else 1.0
    at = np.arange(wanted) * step
    first = np.floor(at)
    weight = 1 - (at - first)
    number = first.astype(np.int64)
    following = np.minimum(number + 1, length - 1)
    return _Places(np.minimum(number, length - 1), following, weight, 1 - weight, at > length - 1)


def bicubic(picture: Any, size: Size) -> Any:
    """An RGB picture (H, W, 3), in a file or not, at another (height, width): float32 of 8-bit
    values."""
    if picture.shape[:2] == tuple(size):
        return picture
    image = as_image(picture).resize((size[1], size[0]), _BICUBIC)
    return np.asarray(image, np.float32)


def at_most(picture: Any, longest: int) -> Any:
    """An RGB picture (H, W, 3), in a file or not, whose longest side has at most so many pixels; 0
    for any. It keeps its shape, and is never enlarged."""
    size = size_at_most(picture.shape[:2], longest)
    return bicubic(picture, size)


def size_at_most(size: Sequence[int], longest: int) -> Size:
    """The (height, width) that `at_most` makes of a picture of this one."""
    height, width = size
    if not 0 < longest < max(height, width):
        return height, width
    share = longest / max(height, width)
    return max(1, round(height * share)), max(1, round(width * share))


def averaged(mask: np.ndarray, size: Size) -> np.ndarray:
    """A mask (H, W) at another (height, width): averaged where it shrinks, linear where it
    grows."""
    down, across = (_BOX if n <= old else _BILINEAR for n, old in zip(size, mask.shape))
    image = Image.fromarray(np.ascontiguousarray(mask, np.float32))
    image = image.resize((mask.shape[1], size[0]), down)
    return np.asarray(image.resize((size[1], size[0]), across), np.float32)
