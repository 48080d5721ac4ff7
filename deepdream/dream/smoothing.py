"""What can be done to a gradient before a step, for nets whose own gradients are rough.

A net that shrinks its picture by depthwise or wide strides sends back checkerboards, and plain
ascent on those only washes colours. A stem with a stride sees colours more coarsely than light, and
sends back rainbow fringes. Three remedies are in use:

- `Gaussian`: a cascade of Gaussian blurs (as in the PyTorch dreams of 2020 and after);
- `Laplacian`: the gradient as a Laplacian pyramid, each level divided by its deviation, so that
  coarse shapes grow as fast as fine lines (as in TensorFlow's DeepDream tutorial by Mordvintsev);
- `Natural`: hues weaker than brightness, as they are in natural pictures (after the decorrelated
  colours of Olah et al., Feature Visualization, Distill 2017).

Gradients are arrays (..., H, W) of any float type; so are the results.
"""

import re
from dataclasses import dataclass
from typing import Callable, List, Optional, Tuple

import numpy as np

Smoothing = Callable[[np.ndarray], np.ndarray]

LARGEST_DEVIATION, MOST_LEVELS, LARGEST_POWER, MOST_PARTS = 100, 16, 4, 4
_SHARES = (0.5, 1.0, 2.0)  # of the cascade's deviation
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16
# Axes of natural pictures' colours, in RGB or BGR order: brightness, blue-yellow, green-magenta.
_AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
_DEVIATIONS = np.array([1, 0.16, 0.07])  # along them, as shares of that of brightness
_PART = r"(gaussian(:[0-9.]+)?|laplacian(:[0-9]+)?|natural(:[0-9.]+)?)"
FORM = rf"({_PART}(\+{_PART})*)?"  # of the texts that `named` reads
_LEAST = 1e-30  # a level with a smaller deviation than this stays as it is


@dataclass(frozen=True)
class Gaussian:
    """The mean of three Gaussian blurs, of half, one and two times the deviation, in pixels.

    A symmetric filter without negative weights at any frequency: the step stays uphill.
    """

    deviation: float = 1.0

    def __call__(self, gradient: np.ndarray) -> np.ndarray:
        from scipy.ndimage import gaussian_filter

        total = np.zeros_like(gradient)
        for share in _SHARES:
            deviation = share * self.deviation
            axes = (0,) * (gradient.ndim - 2) + (deviation, deviation)
            total += gaussian_filter(gradient, axes)
        return np.asarray(total / gradient.dtype.type(len(_SHARES)))


@dataclass(frozen=True)
class Laplacian:
    """Every level of the gradient's Laplacian pyramid, with the rest below, at the same deviation.

    levels: at most; a picture of few pixels has fewer.
    """

    levels: int = 4

    def __call__(self, gradient: np.ndarray) -> np.ndarray:
        return merged([_normalised(level) for level in split(gradient, self.levels)])


@dataclass(frozen=True)
class Natural:
    """The gradient's hues, made weaker by the deviations that they have in natural pictures.

    power: of these deviations; 0 changes nothing, 2 is the gradient in fully decorrelated colours,
    which leaves little of them. A symmetric positive matrix: the step stays uphill. Gradients of
    another number of channels than three stay as they are.
    """

    power: float = 0.5

    def __call__(self, gradient: np.ndarray) -> np.ndarray:
        if gradient.shape[-3] != len(_AXES):
            return gradient
        matrix = (_AXES.T * _DEVIATIONS**self.power @ _AXES).astype(gradient.dtype)
        flat = gradient.reshape(*gradient.shape[:-2], -1)
        return np.asarray(np.matmul(matrix, flat).reshape(gradient.shape))


@dataclass(frozen=True)
class Chain:
    """Several smoothings, one after the other."""

    parts: Tuple[Smoothing, ...]

    def __call__(self, gradient: np.ndarray) -> np.ndarray:
        for part in self.parts:
            gradient = part(gradient)
        return gradient


def split(values: np.ndarray, levels: int) -> List[np.ndarray]:
    """A Laplacian pyramid (Burt and Adelson, 1983), finest level first; the last is the rest.

    Each level has half the height and width of the one before, rounded up; there are fewer levels
    where less than two pixels would be left.
    """
    pyramid = []
    for _ in range(levels):
        if min(values.shape[-2:]) < 4:
            break
        coarse = _filtered(values)[..., ::2, ::2]
        pyramid.append(values - _enlarged(coarse, values.shape))
        values = coarse
    return [*pyramid, values]


def merged(pyramid: List[np.ndarray]) -> np.ndarray:
    """What `split` took apart."""
    values = pyramid[-1]
    for level in pyramid[-2::-1]:
        values = level + _enlarged(values, level.shape)
    return values


def _filtered(values: np.ndarray) -> np.ndarray:
    """A binomial blur of five pixels; mirrored at the border, which keeps odd and even apart."""
    from scipy.ndimage import convolve1d

    across = convolve1d(values, _BINOMIAL, axis=-1, mode="mirror")
    result: np.ndarray = convolve1d(across, _BINOMIAL, axis=-2, mode="mirror")
    return result


def _enlarged(coarse: np.ndarray, shape: Tuple[int, ...]) -> np.ndarray:
    wide = np.zeros(shape, coarse.dtype)
    wide[..., ::2, ::2] = coarse
    wide = _filtered(wide)
    wide *= 4
    return wide


def _normalised(level: np.ndarray) -> np.ndarray:
    deviation = np.sqrt(np.mean(np.square(level, dtype=np.float64)))
    return np.asarray(level / level.dtype.type(deviation)) if deviation > _LEAST else level


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
