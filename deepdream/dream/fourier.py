"""Pictures as their spectrum, in decorrelated colours: Lucid's parameterisation.

Olah, Mordvintsev and Schubert, "Feature Visualization" (distill.pub, 2017), "Preconditioning and
parameterization", and Lucid's optvis/param. Ascent on a picture's spectrum, scaled by one over the
frequency, lets coarse and fine structure grow alike, where ascent on pixels begins with the finest.
A picture here is float32 RGB, 0..255, (N, 3, H, W), or (N, 1, H, W) of luminances.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from ..errors import Size

# Lucid's square root of the covariance of ImageNet's colours, by singular values; the columns are
# light, blue against orange, green against pink
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
_COLOURS /= np.sqrt(np.square(_COLOURS).sum(0)).max()
_CONTRAST = 1 / 4  # Lucid's factor before the colours are mixed
_DEVIATION = 0.01  # of a new spectrum
_TOGETHER = 2**15  # numbers that Adam moves at once; they fit into the processor's cache


@dataclass(frozen=True)
class Spectrum:
    """The map from numbers (N, C, H, W // 2 + 1, 2), real and imaginary parts, to pictures.

    Results have the float type of what is given. decay_power: of the frequency, by which numbers
    count for less, as in Lucid.
    """

    size: Size
    channels: int = 3
    decay_power: float = 1.0

    def start(self, rngs: Sequence[Any]) -> np.ndarray:
        """Numbers for nearly grey pictures, one for each generator: float32."""
        height, width = self.size
        shape = (self.channels, height, width // 2 + 1, 2)
        return np.stack([rng.normal(0, _DEVIATION, shape).astype(np.float32) for rng in rngs])

    def pictures(self, numbers: np.ndarray) -> np.ndarray:
        """The pictures of these numbers."""
        fft, scale = _transforms(), self._scale.astype(numbers.dtype)
        made = np.empty((len(numbers), self.channels, *self.size), numbers.dtype)
        for picture, own in zip(made, numbers):  # a single one fits into the processor's cache
            waves = fft.irfft2(_complex(own) * scale, self.size)
            powers = _mixed(waves, -self._colours.T)
            with np.errstate(over="ignore"):  # where it is black
                np.exp(powers, out=picture)  # in place it would be slow in NumPy 1
            picture += 1
            np.divide(255, picture, out=picture)
        return made

    def gradient(self, made: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """A gradient of the numbers, from that of their pictures: the adjoint of `pictures`.

        made: what `pictures` made of the numbers.
        """
        height, width = self.size
        fft, scale = _transforms(), self._scale_back.astype(made.dtype)
        sent = np.empty((*made.shape[:2], height, width // 2 + 1, 2), made.dtype)
        for picture, given, own in zip(made, gradient, sent):
            slope = picture * made.dtype.type(-1 / 255)
            slope += 1
            slope *= picture
            slope *= given
            np.multiply(fft.rfft2(_mixed(slope, self._colours)), scale, out=_complex(own))
        return sent

    @property
    def _colours(self) -> np.ndarray:
        return _CONTRAST * (np.ones((1, 1)) if self.channels == 1 else _COLOURS)

    @cached_property
    def _scale(self) -> np.ndarray:
        """What each frequency's numbers are multiplied by: one over a power of the frequency, and
        four waves a side as much for any power."""
        height, width = self.size
        rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
        frequency = np.maximum(np.hypot(rows, columns), 1 / max(height, width))
        scale: np.ndarray = np.sqrt(height * width) / frequency
        if self.decay_power != 1:
            scale *= (4 / max(height, width) / frequency) ** (self.decay_power - 1)
        return scale

    @cached_property
    def _scale_back(self) -> np.ndarray:
        """What each frequency of a gradient is multiplied by."""
        height, width = self.size
        # each column but the first, and the last of an even width, stands for two
        twice = np.full(width // 2 + 1, 2.0)
        twice[0] = 1
        if width % 2 == 0:
            twice[-1] = 1
        scale: np.ndarray = self._scale * (twice / (height * width))
        return scale


def _transforms() -> Any:
    """SciPy's Fourier transforms, which keep float32; NumPy's before SciPy 1.4."""
    try:
        import scipy.fft as transforms  # `from scipy` would find a function of that name in 1.3
    except ImportError:
        from numpy import fft as transforms
    return transforms


def _complex(numbers: np.ndarray) -> np.ndarray:
    """Numbers (..., 2), real and imaginary parts, as complex ones in the same memory."""
    values: np.ndarray = numbers.view(np.result_type(numbers.dtype, np.complex64))[..., 0]
    return values


def _mixed(waves: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Waves (C, H, W) with row c of a matrix as what channel c becomes."""
    flat = waves.reshape(len(waves), -1)
    mixed: np.ndarray = np.einsum("cp,cd->dp", flat, colours.astype(waves.dtype))
    return mixed.reshape(waves.shape)


@dataclass
class Adam:
    """Ascent by Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1), with the paper's constants."""

    rate: float = 0.05

    def __post_init__(self) -> None:
        self._step, self._mean, self._square = 0, np.zeros(0), np.zeros(0)

    def __call__(self, numbers: np.ndarray, gradient: np.ndarray) -> None:
        """Move numbers a step up a gradient, whose array is spent; both are contiguous."""
        if not self._step:
            self._mean, self._square = np.zeros_like(numbers), np.zeros_like(numbers)
        self._step += 1
        first, second = 1 - 0.9**self._step, 1 - 0.999**self._step
        arrays = (numbers, gradient, self._mean, self._square)
        flat = [each.reshape(-1) for each in arrays]
        for start in range(0, numbers.size, _TOGETHER):
            x, g, mean, square = (each[start : start + _TOGETHER] for each in flat)
            mean *= 0.9
            mean += 0.1 * g
            g *= g
            g *= 0.001
            square *= 0.999
            square += g
            # mean / first / (sqrt(square / second) + 1e-8)
            np.sqrt(square, out=g)
            g += 1e-8 * math.sqrt(second)
            np.divide(mean, g, out=g)
            g *= self.rate * math.sqrt(second) / first
            x += g


@dataclass(frozen=True)
class View:
    """A random look at a whole picture: shifted, scaled and turned about its middle, as Lucid does,
    so that what grows does not depend on where it is.

    shift: largest, as a share of the height and the width. scale: largest change of size, as a
    share. turn: largest, in degrees.
    """

    shift: float = 0.06
    scale: float = 0.1
    turn: float = 10.0

    def matrix(self, size: Size, rng: Any, seen: Optional[Size] = None) -> Tuple[Any, np.ndarray]:
        """A random view as (A, b) of a picture x of this size: the view is A x + b, its adjoint A'.

        Args:
            seen: the view's size, by default the picture's.

        Returns:
            (A, sparse float32 (pixels of the view, pixels), by bilinear interpolation; b, float32
                (pixels of the view,), mid-grey where it looks beyond the border).
        """
        from scipy.sparse import csr_matrix

        seen = seen or size
        angle = np.deg2rad(rng.uniform(-self.turn, self.turn))
        factor, down, right = self._place(size, seen, rng)
        rows, columns = (np.arange(n) - (n - 1) / 2 for n in seen)
        along, across = factor * np.cos(angle), factor * np.sin(angle)
        y = (along * rows + (size[0] - 1) / 2 + down)[:, None] - across * columns
        x = (across * rows + (size[1] - 1) / 2 + right)[:, None] + along * columns
        # every pixel has four neighbours; those beyond the border weigh nothing
        weights, places = np.empty((*seen, 4), np.float32), np.empty((*seen, 4), np.int32)
        total = np.zeros(seen)
        beside = _neighbours(x, size[1])
        for i, (row, share) in enumerate(_neighbours(y, size[0])):
            row *= size[1]
            for j, (column, other) in enumerate(beside):
                weight = share * other
                weights[..., 2 * i + j] = weight
                places[..., 2 * i + j] = row + column
                total += weight
        starts = np.arange(0, weights.size + 1, 4, dtype=np.int32)
        entries = weights.ravel(), places.ravel(), starts
        matrix = csr_matrix(entries, (total.size, size[0] * size[1]))
        return matrix, (127.5 * (1 - total.ravel())).astype(np.float32)

    def _place(self, size: Size, seen: Size, rng: Any) -> Tuple[float, float, float]:
        """(pixels of the picture for one of the view, shift down, shift to the right)."""
        factor = size[0] / seen[0] / rng.uniform(1 - self.scale, 1 + self.scale)
        down, right = rng.uniform(-self.shift, self.shift, 2) * size
        return factor, down, right


def _neighbours(at: np.ndarray, length: int) -> List[Tuple[np.ndarray, np.ndarray]]:
    """The two places between which each of these lies along a side, with the weight of each: none
    beyond the border, for which the nearest place stands."""
    before = np.floor(at)
    share = at - before
    pairs = []
    for place, weight in ((before, 1 - share), (before + 1, share)):
        weight *= (place >= 0) & (place < length)
        pairs.append((np.clip(place, 0, length - 1).astype(np.int32), weight))
    return pairs


@dataclass(frozen=True)
class CloseUp(View):
    """A random look at any part of a picture, from nearly the view's own size to the whole; `shift`
    is how far it may look beyond the border.

    closest: pixels of the picture for one of the view, at the least.
    """

    shift: float = 0.04
    closest: float = 0.9

    def _place(self, size: Size, seen: Size, rng: Any) -> Tuple[float, float, float]:
        factor = rng.uniform(self.closest, size[0] / seen[0])
        room = np.maximum(np.subtract(size, np.multiply(factor, seen)) / 2, 0)
        down, right = rng.uniform(-1, 1, 2) * (room + np.multiply(self.shift, size))
        return factor, down, right
