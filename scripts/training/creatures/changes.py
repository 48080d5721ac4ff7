"""What a dream changes: how many pixels, and the picture's spectrum.

The power of natural pictures falls with about the square of the frequency (Field, "Relations
between the statistics of natural images and the response properties of cortical cells", 1987), a
slope of -2 in a log-log plot. Noise at the finest octave flattens it, blur makes it steeper.
Rainbow fringes are colour where natural pictures have next to none: at the highest frequencies.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepdream import pictures

from .commands import deepdream

LEVELS = 8.0  # grey levels; a smaller change is hard to see
LOWEST = 4  # cycles per picture's shorter side; below, a single object decides
HIGHEST = 0.5  # cycles per pixel, the most that a pixel grid holds
FINE = 0.25  # cycles per pixel, from which on a frequency is a high one
BINS = 16
# BT.601
LUMINANCE = np.array([0.299, 0.587, 0.114])
BLUE, RED = 1.772, 1.402


@dataclass(frozen=True)
class Look:
    """Of one picture, or the mean of several: its spectrum's slope, and its fringes (`fringes`)."""

    slope: float
    fringes: float

    @classmethod
    def of(cls, shown: list[np.ndarray]) -> "Look":
        """Of RGB pictures (H, W, 3)."""
        slopes = [slope(p @ LUMINANCE) for p in shown]
        return cls(float(np.mean(slopes)), float(np.mean([fringes(p) for p in shown])))


def changed_share(before: np.ndarray, after: np.ndarray) -> float:
    """The share of pixels whose luminance changes by more than LEVELS; both RGB (H, W, 3)."""
    if before.shape != after.shape:
        raise ValueError(f"pictures of {before.shape} and {after.shape} cannot be compared")
    change = (np.asarray(after, np.float64) - before) @ LUMINANCE
    return float((np.abs(change) > LEVELS).mean())


def slope(plane: np.ndarray) -> float:
    """The exponent of frequency in the radially averaged power of (H, W), by least squares on
    logarithms; each of BINS rings, equally wide in octaves, counts alike."""
    power, frequency = _power(plane), _frequency(plane.shape)
    edges = np.geomspace(LOWEST / min(plane.shape), HIGHEST, BINS + 1)
    ring = np.digitize(frequency, edges) - 1
    points = []
    for i in range(BINS):
        inside = ring == i
        if inside.any():
            points.append((np.log(frequency[inside]).mean(), np.log(power[inside].mean())))
    across, up = np.array(points).T
    return float(np.polyfit(across, up, 1)[0])


def fringes(picture: np.ndarray) -> float:
    """The power of colour (Cb and Cr) at frequencies above FINE, as a multiple of the luminance's
    there; of RGB (H, W, 3)."""
    rgb = np.asarray(picture, np.float64)
    light = rgb @ LUMINANCE
    colours = (rgb[..., 2] - light) / BLUE, (rgb[..., 0] - light) / RED
    fine = _frequency(light.shape) > FINE
    return float(sum(_power(c)[fine].sum() for c in colours) / _power(light)[fine].sum())


def _power(plane: np.ndarray) -> np.ndarray:
    """The power spectrum of (H, W) under a Hann window, which hides the borders' jumps."""
    height, width = plane.shape
    window = np.hanning(height)[:, None] * np.hanning(width)
    mean = (plane * window).sum() / window.sum()
    power: np.ndarray = np.abs(np.fft.fft2((plane - mean) * window)) ** 2
    return power


def _frequency(shape: tuple[int, ...]) -> np.ndarray:
    """Of each value of a spectrum, in cycles per pixel; (H, W)."""
    rows, columns = (np.fft.fftfreq(n) for n in shape)
    found: np.ndarray = np.hypot(rows[:, None], columns)
    found[0, 0] = np.finfo(float).tiny  # its logarithm is never used
    return found


def dreams(model: str, photographs: list[Path], folder: Path, engine: str) -> list[np.ndarray]:
    """The photographs as `deepdream dream` makes them with the model's defaults: RGB float32."""
    found = []
    folder.mkdir(parents=True, exist_ok=True)
    for photograph in photographs:
        out = folder / f"{photograph.stem}.png"
        deepdream(
            "dream", str(photograph), "--model", model, "--seed", "0", "--engine", engine,
            "-o", str(out), "--overwrite",
        )  # fmt: skip
        found.append(pictures.load(out))
    return found
