"""What can be done to a gradient before a step, for nets whose own gradients are rough.

A net that shrinks its picture by depthwise or wide strides sends back checkerboards, and plain
ascent on those only washes colours. A stem with a stride sees colours more coarsely than light, and
sends back rainbow fringes. Three remedies are in use:

- `Gaussian`: a cascade of Gaussian blurs (as in the PyTorch dreams of 2020 and after);
- `Laplacian`: the gradient as a Laplacian pyramid, each level divided by its deviation, so that
  coarse shapes grow as fast as fine lines (as in TensorFlow's DeepDream tutorial by Mordvintsev);
- `Natural`: hues weaker than brightness, as they are in natural pictures (after the decorrelated
  colours of Olah et al., Feature Visualization, Distill 2017).

Gradients are arrays (..., H, W) of any float type; so are the results. They are worked on strip by
strip: with a `new` that makes arrays in files (pictures/arrays.py), a gradient may be larger than
the memory.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

import numpy as np

from ..pictures.arrays import New, fill, mean, planes

# called with a gradient; those of this module also with what makes an array, if not numpy.empty,
# and whether the gradient's own array may be spent on the result
Smoothing = Callable[..., Any]

LARGEST_DEVIATION, MOST_LEVELS, LARGEST_POWER, MOST_PARTS = 100, 16, 4, 4
SHARES = (0.5, 1.0, 2.0)  # of the cascade's deviation
FAR, NEAR, CENTRE = 1 / 16, 4 / 16, 6 / 16  # weights of a binomial blur of five pixels
# Axes of natural pictures' colours, in RGB or BGR order: brightness, blue-yellow, green-magenta.
_AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
_DEVIATIONS = np.array([1, 0.16, 0.07])  # along them, as shares of that of brightness
_PART = r"(gaussian(:[0-9.]+)?|laplacian(:[0-9]+)?|natural(:[0-9.]+)?)"
FORM = rf"({_PART}(\+{_PART})*)?"  # of the texts that `named` reads
TRUNCATE = 4.0  # deviations where a Gaussian ends; SciPy's
# Places whose colours are multiplied at once. OpenBLAS would share more among its threads, which
# then wait for the next product by asking all the time, on cores that the net's passes need.
_PLACES = 2**14
LEAST = 1e-30  # a level with a smaller deviation than this stays as it is


@dataclass(frozen=True)
class Gaussian:
    """The mean of three Gaussian blurs, of half, one and two times the deviation, in pixels.

    A symmetric filter without negative weights at any frequency: the step stays uphill.
    """

    deviation: float = 1.0

    def __call__(self, gradient: Any, new: New = np.empty, spend: bool = False) -> Any:
        from scipy.ndimage import gaussian_filter

        smooth = new(gradient.shape, gradient.dtype)
        deviations = [share * self.deviation for share in SHARES]
        margin = int(TRUNCATE * max(deviations) + 0.5)
        for at in planes(gradient.shape):
            *plane, rows = at
            around = slice(max(0, rows.start - margin), rows.stop + margin)
            own = slice(rows.start - around.start, rows.stop - around.start)
            values = gradient[(*plane, around)]
            total = np.zeros_like(values[own])
            for deviation in deviations:
                total += gaussian_filter(values, deviation, truncate=TRUNCATE)[own]
            smooth[at] = total / gradient.dtype.type(len(SHARES))
        return smooth


@dataclass(frozen=True)
class Laplacian:
    """Every level of the gradient's Laplacian pyramid, with the rest below, at the same deviation.

    levels: at most; a picture of few pixels has fewer.
    """

    levels: int = 4

    def __call__(self, gradient: Any, new: New = np.empty, spend: bool = False) -> Any:
        pyramid = split(gradient, self.levels, new, spend)
        deviations = [_deviation(level) for level in pyramid]
        return merged(pyramid, new, deviations, spend or pyramid[0] is not gradient)


@dataclass(frozen=True)
class Natural:
    """The gradient's hues, made weaker by the deviations that they have in natural pictures.

    power: of these deviations; 0 changes nothing, 2 is the gradient in fully decorrelated colours,
    which leaves little of them. A symmetric positive matrix: the step stays uphill. Gradients of
    another number of channels than three stay as they are.
    """

    power: float = 0.5

    def matrix(self) -> np.ndarray:
        """What a place's colours are multiplied by: float64 (3, 3)."""
        matrix: np.ndarray = _AXES.T * _DEVIATIONS**self.power @ _AXES
        return matrix

    def __call__(self, gradient: Any, new: New = np.empty, spend: bool = False) -> Any:
        if gradient.shape[-3] != len(_AXES):
            return gradient
        matrix = self.matrix().astype(gradient.dtype)

        def natural(values: np.ndarray) -> np.ndarray:
            flat = values.reshape(*values.shape[:-2], -1)
            made = np.empty_like(flat)
            for first in range(0, flat.shape[-1], _PLACES):
                part = (..., slice(first, first + _PLACES))
                np.matmul(matrix, flat[part], out=made[part])
            return made.reshape(values.shape)

        return fill(gradient if spend else new(gradient.shape, gradient.dtype), natural, gradient)


@dataclass(frozen=True)
class Chain:
    """Several smoothings, one after the other."""

    parts: Tuple[Smoothing, ...]

    def __call__(self, gradient: Any, new: New = np.empty, spend: bool = False) -> Any:
        given = gradient
        for part in self.parts:
            gradient = part(gradient, new, spend or gradient is not given)
        return gradient


def smoothed(smoothing: Smoothing, gradient: Any, new: New = np.empty) -> Any:
    """What a smoothing, of this module or not, makes of a gradient that nobody needs any more."""
    if isinstance(smoothing, (Gaussian, Laplacian, Natural, Chain)):
        return smoothing(gradient, new, spend=True)
    return smoothing(gradient)


def split(values: Any, levels: int, new: New = np.empty, spend: bool = False) -> List[Any]:
    """A Laplacian pyramid (Burt and Adelson, 1983), finest level first; the last is the rest.

    Each level has half the height and width of the one before, rounded up; there are fewer levels
    where less than two pixels would be left. spend: whether the first may be in place of `values`.
    """
    pyramid = []
    for _ in range(levels):
        if min(values.shape[-2:]) < 4:
            break
        coarse = _halved(values, new)
        level = values if spend else new(values.shape, values.dtype)
        for at in planes(values.shape):
            level[at] = values[at] - _enlarged(coarse, at, values.shape)
        pyramid.append(level)
        values, spend = coarse, True
    return [*pyramid, values]


def merged(
    pyramid: Sequence[Any],
    new: New = np.empty,
    deviations: Optional[Sequence[float]] = None,
    spend: bool = False,
) -> Any:
    """What `split` took apart. deviations: by which each level is divided, where that is wanted.
    spend: whether the result may be in place of the levels."""
    by = [1.0] * len(pyramid) if deviations is None else deviations

    def level(number: int, at: Any) -> np.ndarray:
        values, deviation = pyramid[number][at], by[number]
        return values if deviation == 1 else np.asarray(values / values.dtype.type(deviation))

    values = None
    for number in reversed(range(len(pyramid))):
        shape, dtype = pyramid[number].shape, pyramid[number].dtype
        finer = pyramid[number] if spend else new(shape, dtype)
        for at in planes(shape):
            below = 0 if values is None else _enlarged(values, at, shape)
            finer[at] = level(number, at) + below
        values = finer
    return values


# Both ways of the pyramid are a binomial blur of five pixels, mirrored at the border, which keeps
# odd and even apart: scipy.ndimage.convolve1d, axis by axis, to the bit. Of its places only those
# are worked out that are kept, and of its sums only what is not zero. Without SciPy, whose import
# takes longer than a step of a small dream.


def _halved(values: Any, new: New) -> Any:
    """Every second place of the blur of an array (..., H, W)."""
    *outer, height, width = values.shape
    coarse = new((*outer, -(-height // 2), -(-width // 2)), values.dtype)
    for at in planes(coarse.shape):
        *plane, rows = at
        around = slice(max(0, 2 * rows.start - 2), min(height, 2 * rows.stop + 1))
        first = rows.start - around.start // 2
        blurred = _blurred_apart(_blurred_apart(values[(*plane, around)], 1), 0)
        coarse[at] = blurred[first : first + rows.stop - rows.start]
    return coarse


def _enlarged(coarse: Any, at: Tuple[Any, ...], shape: Sequence[int]) -> np.ndarray:
    """The strip `at` of an array (..., H, W) at twice its size, which is `shape`: the blur of its
    places, four times as large, with zeros between them."""
    *plane, rows = at
    first, last = max(0, (rows.start - 2) // 2 * 2), min(shape[-2], rows.stop + 2)
    near = coarse[(*plane, slice(first // 2, -(-last // 2)))]
    wide = _blurred_between(_blurred_between(near, 1, shape[-1]), 0, last - first)
    wide *= 4
    return np.asarray(wide[rows.start - first : rows.stop - first])


def _blurred_apart(values: np.ndarray, axis: int) -> np.ndarray:
    """Every second place of the blur of (H, W) along an axis."""
    length = values.shape[axis]
    count = -(-length // 2)
    even = _every_second(values, axis, range(-2, 2 * count + 1, 2))
    odd = _every_second(values, axis, range(-1, 2 * count, 2))
    first, here, last = (_along(axis, slice(place, place + count)) for place in range(3))
    total = even[here] * CENTRE
    pair = even[first] + even[last]
    pair *= FAR
    total += pair
    np.add(odd[first], odd[here], out=pair)
    pair *= NEAR
    total += pair
    return np.asarray(total.astype(values.dtype))


def _blurred_between(values: np.ndarray, axis: int, length: int) -> np.ndarray:
    """The blur along an axis of (H, W) with a zero after each of its places; `length` in all."""
    count = values.shape[axis]
    ends = [_along(axis, mirrored(place, length) // 2) for place in (-2, 2 * count)]
    shape = list(values.shape)
    shape[axis] = count + 2
    wide = np.empty(shape)
    first, here, last = (_along(axis, slice(place, place + count)) for place in range(3))
    wide[here] = values
    wide[_along(axis, 0)], wide[_along(axis, -1)] = (values[end] for end in ends)
    shape[axis] = length
    blurred = np.empty(shape, values.dtype)
    even = wide[here] * CENTRE
    pair = wide[first] + wide[last]
    pair *= FAR
    even += pair
    blurred[_along(axis, slice(0, None, 2))] = even
    np.add(wide[here], wide[last], out=pair)
    pair *= NEAR
    blurred[_along(axis, slice(1, None, 2))] = pair[_along(axis, slice(length // 2))]
    return blurred


def _every_second(values: np.ndarray, axis: int, places: range) -> np.ndarray:
    """These places, by steps of two, of (H, W) along an axis, as float64; of which the first, and
    one or none at the end, lie beyond it."""
    length = values.shape[axis]
    shape = list(values.shape)
    shape[axis] = len(places)
    chosen = np.empty(shape)
    inside = values[_along(axis, slice(places[1], None, 2))]
    count = inside.shape[axis]
    chosen[_along(axis, slice(1, 1 + count))] = inside
    for number in (0, *range(1 + count, len(places))):
        chosen[_along(axis, number)] = values[_along(axis, mirrored(places[number], length))]
    return chosen


def mirrored(place: int, length: int) -> int:
    """The place within a length that one beyond it mirrors."""
    period = max(1, 2 * (length - 1))
    return min(place % period, -place % period)


def _along(axis: int, part: Union[int, slice]) -> Tuple[Union[int, slice], ...]:
    """The index of a part along an axis of (H, W)."""
    return (slice(None),) * axis + (part,)


def _deviation(level: Any) -> float:
    """The root of the mean square, or 1 where that is as good as zero."""
    deviation = math.sqrt(mean(level, lambda values: np.square(values, dtype=np.float64)))
    return deviation if deviation > LEAST else 1.0


def named(text: str) -> Optional[Smoothing]:
    """The smoothing that a text stands for, or None for "".

    It is "gaussian", "gaussian:DEVIATION", "laplacian", "laplacian:LEVELS", "natural",
    "natural:POWER", or several of them joined by "+", which follow each other.

    Raises:
        ValueError: it stands for none; its message says what can be written.
    """
    if not text:
        return None
    words = text.split("+") if re.fullmatch(FORM, text) else []
    parts = [_part(word) for word in words[: MOST_PARTS + 1]]
    known = tuple(part for part in parts if part is not None)
    if not 0 < len(known) == len(parts) <= MOST_PARTS:
        raise ValueError(
            f"smoothing {text[:40]!r} is unknown; write gaussian, gaussian:DEVIATION of at most "
            f"{LARGEST_DEVIATION} pixels, laplacian, laplacian:LEVELS of at most {MOST_LEVELS}, "
            f"natural, natural:POWER of at most {LARGEST_POWER}, or up to {MOST_PARTS} of them "
            "joined by +"
        )
    return known[0] if len(known) == 1 else Chain(known)


def _part(text: str) -> Optional[Smoothing]:
    """One smoothing, or None for a text that stands for none."""
    kind, colon, number = text.partition(":")
    try:
        if kind == "gaussian":
            deviation = float(number) if colon else Gaussian.deviation
            return Gaussian(deviation) if 0 < deviation <= LARGEST_DEVIATION else None
        if kind == "laplacian":
            levels = int(number) if colon else Laplacian.levels
            return Laplacian(levels) if 1 <= levels <= MOST_LEVELS else None
        if kind == "natural":
            power = float(number) if colon else Natural.power
            return Natural(power) if 0 < power <= LARGEST_POWER else None
    except ValueError:
        pass
    return None
