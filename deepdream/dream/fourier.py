"""Pictures as their spectrum, in decorrelated colours: Lucid's parameterisation.

Olah, Mordvintsev and Schubert, "Feature Visualization" (distill.pub, 2017), "Preconditioning and
parameterization", and Lucid's optvis/param. Ascent on a picture's spectrum, scaled by one over the
frequency, lets coarse and fine structure grow alike, where ascent on pixels begins with the finest.
A picture here is float32 RGB, 0..255, (N, 3, H, W), or (N, 1, H, W) of luminances.
"""

from dataclasses import dataclass
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from ..errors import Size

# Lucid's square root of the covariance of ImageNet's colours, by singular values; the columns are
# light, blue against orange, green against pink
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
_COLOURS /= np.sqrt(np.square(_COLOURS).sum(0)).max()
_CONTRAST = 1 / 4  # Lucid's factor before the colours are mixed
_DEVIATION = 0.01  # of a new spectrum


@dataclass(frozen=True)
class Spectrum:
    """The map from numbers (N, C, H, W // 2 + 1, 2), real and imaginary parts, to pictures.

    decay_power: of the frequency, by which numbers count for less, as in Lucid.
    """

    size: Size
    channels: int = 3
    decay_power: float = 1.0

    def start(self, rngs: Sequence[Any]) -> np.ndarray:
        """Numbers for nearly grey pictures, one for each generator: float64."""
        height, width = self.size
        shape = (self.channels, height, width // 2 + 1, 2)
        return np.stack([rng.normal(0, _DEVIATION, shape) for rng in rngs])

    def pictures(self, numbers: np.ndarray) -> np.ndarray:
        """The pictures of these numbers."""
        light = 255 * self._shares(numbers)
        return np.asarray(light, np.float32)

    def gradient(self, numbers: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """A gradient of the numbers, from that of the pictures: the adjoint of `pictures`."""
        shares = self._shares(numbers)
        waves = _mixed(gradient * 255 * shares * (1 - shares), _COLOURS) * _CONTRAST
        height, width = self.size
        # each column but the first, and the last of an even width, stands for two
        twice = np.full(width // 2 + 1, 2.0)
        twice[0] = 1
        if width % 2 == 0:
            twice[-1] = 1
        sent = np.fft.rfft2(waves) * (twice / (height * width)) * self._scale()
        return np.stack([sent.real, sent.imag], -1)

    def _shares(self, numbers: np.ndarray) -> np.ndarray:
        """The pictures as shares of full light, float64 (N, C, H, W)."""
        from scipy.special import expit

        spectrum = (numbers[..., 0] + 1j * numbers[..., 1]) * self._scale()
        waves = np.fft.irfft2(spectrum, self.size) * _CONTRAST
        shares: np.ndarray = expit(_mixed(waves, _COLOURS.T))
        return shares

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


def _mixed(waves: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Waves (N, C, H, W) with row c of a matrix as what channel c becomes; one channel as it is."""
    if waves.shape[1] == 1:
        return waves
    mixed: np.ndarray = np.einsum("nchw,cd->ndhw", waves, colours)
    return mixed


@dataclass
class Adam:
    """Ascent by Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1), with the paper's constants."""

    rate: float = 0.05

    def __post_init__(self) -> None:
        self._step, self._mean, self._square = 0, np.zeros(()), np.zeros(())

    def __call__(self, numbers: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The numbers after a step up this gradient."""
        self._step += 1
        self._mean = 0.9 * self._mean + 0.1 * gradient
        self._square = 0.999 * self._square + 0.001 * np.square(gradient)
        mean = self._mean / (1 - 0.9**self._step)
        square = self._square / (1 - 0.999**self._step)
        result: np.ndarray = numbers + self.rate * mean / (np.sqrt(square) + 1e-8)
        return result


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
            (A, sparse (pixels of the view, pixels), by bilinear interpolation; b, (pixels of the
                view,), mid-grey where it looks beyond the border).
        """
        from scipy.sparse import csr_matrix

        height, width = size
        seen = seen or size
        angle = np.deg2rad(rng.uniform(-self.turn, self.turn))
        factor, down, right = self._place(size, seen, rng)
        rows, columns = np.mgrid[: seen[0], : seen[1]]
        rows, columns = rows - (seen[0] - 1) / 2, columns - (seen[1] - 1) / 2
        y = factor * (np.cos(angle) * rows - np.sin(angle) * columns) + (height - 1) / 2 + down
        x = factor * (np.sin(angle) * rows + np.cos(angle) * columns) + (width - 1) / 2 + right
        top, left = np.floor(y).astype(int), np.floor(x).astype(int)
        here = np.arange(seen[0] * seen[1]).reshape(seen)
        entries = []
        for below in (0, 1):
            for beside in (0, 1):
                row, column = top + below, left + beside
                weight = (1 - np.abs(y - row)) * (1 - np.abs(x - column))
                inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
                places = row * width + column
                entries.append((weight[inside], here[inside], places[inside]))
        weights, to, of = (np.concatenate(part) for part in zip(*entries))
        matrix = csr_matrix((weights, (to, of)), (here.size, height * width))
        return matrix, 127.5 * (1 - np.asarray(matrix.sum(1)).ravel())

    def _place(self, size: Size, seen: Size, rng: Any) -> Tuple[float, float, float]:
        """(pixels of the picture for one of the view, shift down, shift to the right)."""
        factor = size[0] / seen[0] / rng.uniform(1 - self.scale, 1 + self.scale)
        down, right = rng.uniform(-self.shift, self.shift, 2) * size
        return factor, down, right


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
