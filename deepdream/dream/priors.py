"""Natural-image priors: what makes a picture unlike a photograph.

As functions with exact gradients, and as Yosinski's operations between steps. Pictures are a net's
input, (N, C, H, W), in grey levels minus the mean, so that zero is the mean colour. Values and
gradients are float64.
"""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

import numpy as np

ValueAndGradient = Tuple[float, np.ndarray]


@dataclass(frozen=True)
class Prior:
    """A weighted sum of priors; `+` and a factor make others."""

    terms: Tuple[Tuple[float, Any], ...]

    def __add__(self, other: "Prior") -> "Prior":
        return Prior(self.terms + other.terms) if isinstance(other, Prior) else NotImplemented

    def __mul__(self, factor: float) -> "Prior":
        return Prior(tuple((weight * float(factor), rule) for weight, rule in self.terms))

    __rmul__ = __mul__

    def value_and_gradient(self, x: np.ndarray) -> ValueAndGradient:
        """(R, dR/dx like x) at x, an array of any float type."""
        x = np.asarray(x, np.float64)
        total, gradient = 0.0, np.zeros_like(x)
        for weight, rule in self.terms:
            value, part = rule.value_and_gradient(x)
            total += weight * value
            part *= weight
            gradient += part
        return total, gradient


@dataclass(frozen=True)
class TV:
    """Sum over places of (d_x^2 + d_y^2)^(beta/2).

    Mahendran and Vedaldi, arXiv 1412.0035, section 3. The differences are to the places to the
    right and below; at the border there is none. Unless beta is 2, `smooth`, in squared grey
    levels, is added before the power is taken: below 2 the gradient is not smooth where both
    differences are zero.
    """

    beta: float = 2.0
    smooth: float = 1e-6

    def value_and_gradient(self, x: np.ndarray) -> ValueAndGradient:
        gradient = np.empty(x.shape)  # and first of all the sums of squares
        planes = [each.reshape(-1, *x.shape[-2:]) for each in (x, gradient)]
        for plane, squares in zip(*planes):  # a single one fits into the processor's cache
            dx, dy = _differences(plane)
            np.multiply(dx, dx, out=squares)
            dy *= dy
            squares += dy
            if self.beta != 2:
                squares += self.smooth
        value = np.sum(gradient if self.beta == 2 else gradient ** (self.beta / 2))
        for plane, part in zip(*planes):
            dx, dy = _differences(plane)
            factor: Any = 2.0 if self.beta == 2 else self.beta * part ** (self.beta / 2 - 1)
            dx *= factor
            dy *= factor
            # the adjoint of the differences
            np.negative(dx, out=part)
            part -= dy
            part[:, 1:] += dx[:, :-1]
            part[1:] += dy[:-1]
        return float(value), gradient


def _differences(plane: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Of a plane's places to those to the right, and to those below."""
    dx, dy = np.zeros_like(plane), np.zeros_like(plane)
    np.subtract(plane[:, 1:], plane[:, :-1], out=dx[:, :-1])
    np.subtract(plane[1:], plane[:-1], out=dy[:-1])
    return dx, dy


@dataclass(frozen=True)
class AlphaNorm:
    """Sum of |x|^alpha (Mahendran and Vedaldi: alpha 6; Simonyan et al.: alpha 2)."""

    alpha: float = 6.0

    def value_and_gradient(self, x: np.ndarray) -> ValueAndGradient:
        size = np.abs(x)
        power = size ** (self.alpha - 1)
        return float(np.sum(power * size)), self.alpha * np.sign(x) * power


def tv(beta: float = 2.0) -> Prior:
    """Total variation to the power beta: 1 keeps edges, 2 blurs them."""
    return Prior(((1.0, TV(beta)),))


def alpha_norm(alpha: float = 6.0) -> Prior:
    """Keeps values from growing: the larger alpha is, the more the largest values alone count."""
    return Prior(((1.0, AlphaNorm(alpha)),))


def l2_norm() -> Prior:
    """The sum of squares (Simonyan's)."""
    return alpha_norm(2.0)


def blurred(x: np.ndarray, deviation: float) -> np.ndarray:
    """Pictures (N, C, H, W) after a Gaussian blur; its standard deviation is in pixels."""
    from scipy.ndimage import gaussian_filter

    values: np.ndarray = gaussian_filter(x, (0, 0, deviation, deviation))
    return values


@dataclass(frozen=True)
class Yosinski:
    """What Yosinski et al. (arXiv 1506.06579, section 3) do to a picture between steps of ascent.

    decay: share by which all values shrink at every step. blur: standard deviation of a Gaussian,
    in pixels, at every `every`-th step. small_norm: percentage of the places, those whose colours
    have the smallest norm, that are set to zero. small_contribution: likewise those whose gradient
    times value is the smallest. None leaves an operation out.
    """

    decay: float = 0.0
    blur: float = 0.0
    every: int = 1
    small_norm: Optional[float] = None
    small_contribution: Optional[float] = None

    def __call__(self, x: np.ndarray, gradient: np.ndarray, step: int) -> None:
        """Change x (N, C, H, W) in place after a step, counted from 1, in the paper's order."""
        if self.decay:
            x *= x.dtype.type(1 - self.decay)
        if self.blur and self.every and step % self.every == 0:
            x[...] = blurred(x, self.blur)
        if self.small_norm:
            _zero_smallest(x, np.sqrt(np.square(x).sum(1)), self.small_norm)
        if self.small_contribution:
            _zero_smallest(x, np.abs((x * gradient).sum(1)), self.small_contribution)


def _zero_smallest(x: np.ndarray, sizes: np.ndarray, percentage: float) -> None:
    for picture, size in zip(x, sizes):
        picture[:, size < np.percentile(size, percentage)] = 0


# the paper's four settings, its table of hand-picked combinations
YOSINSKI: Dict[str, Yosinski] = {
    "yosinski-a": Yosinski(decay=0, blur=0.5, every=4, small_norm=50),
    "yosinski-b": Yosinski(decay=0.3, blur=0, every=0, small_norm=20),
    "yosinski-c": Yosinski(decay=1e-4, blur=1.0, every=4),
    "yosinski-d": Yosinski(decay=0, blur=0.5, every=4, small_contribution=90),
}
