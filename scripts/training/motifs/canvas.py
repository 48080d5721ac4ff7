"""Drawing tools: shapes are signed distances (negative inside) over an object's own coordinates.

Pixels are float32 RGB, shape (3, n, n), 0..1. An object's own coordinates, u to the right and v
down, span about -1..1.
"""

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

Array = np.ndarray
Rng = np.random.Generator
DARK = np.array([0.05, 0.04, 0.05])


def smooth_noise(rng: Rng, size: int, beta: float, channels: int) -> Array:
    """float32 (channels, size, size): Gaussian noise with a 1/f^beta amplitude spectrum.

    Each channel has zero mean and unit variance. Photographs have a beta near 1 (Field, 1987: power
    falls as 1/f^2).
    """
    f2 = np.fft.fftfreq(size)[:, None] ** 2 + np.fft.rfftfreq(size)[None] ** 2
    f2[0, 0] = 1
    shape = (channels, *f2.shape)
    spectrum = rng.standard_normal(shape, np.float32) + 1j * rng.standard_normal(shape, np.float32)
    x = np.fft.irfft2(spectrum / f2 ** (beta / 2), s=(size, size)).astype(np.float32)
    x -= x.mean((1, 2), keepdims=True)
    return x / (x.std((1, 2), keepdims=True) + 1e-6)


def inside(d: Any, soft: float) -> Array:
    """Coverage 0..1 of the region d < 0, whose edge is `soft` wide."""
    t = np.clip(np.asarray(d, np.float32) * np.float32(2.0 / soft), -12, 12)
    return 1 / (1 + np.exp(t))


def ellipse(u: Array, v: Array, cx: float, cy: float, a: float, b: float) -> Array:
    return (np.sqrt(((u - cx) / a) ** 2 + ((v - cy) / b) ** 2) - 1) * min(a, b)


def disc(u: Array, v: Array, cx: float, cy: float, r: Any) -> Array:
    return np.hypot(u - cx, v - cy) - r


def box(u: Array, v: Array, cx: float, cy: float, a: float, b: float) -> Array:
    return np.maximum(np.abs(u - cx) - a, np.abs(v - cy) - b)


def capsule(u: Array, v: Array, x0: float, y0: float, x1: float, y1: float, r: float) -> Array:
    """A line from (x0, y0) to (x1, y1), r thick on each side, with round ends."""
    dx, dy = x1 - x0, y1 - y0
    t = np.clip(((u - x0) * dx + (v - y0) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
    return np.hypot(u - x0 - t * dx, v - y0 - t * dy) - r


def triangle(u: Array, v: Array, *corners: Tuple[float, float]) -> Array:
    """The triangle with these three (x, y) corners, in either order."""
    (ax, ay), (bx, by), (cx, cy) = corners
    turn = 1.0 if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0 else -1.0
    d: Optional[Array] = None
    for (px, py), (qx, qy) in (((ax, ay), (bx, by)), ((bx, by), (cx, cy)), ((cx, cy), (ax, ay))):
        length = np.hypot(qx - px, qy - py) + 1e-9
        edge = turn * ((u - px) * (qy - py) - (v - py) * (qx - px)) / length
        d = edge if d is None else np.maximum(d, edge)
    assert d is not None
    return d


def colour(rng: Rng) -> Array:
    """A random RGB colour; half of them muted as in photographs, half saturated."""
    c = rng.uniform(0.05, 1, 3)
    if rng.random() < 0.5:
        c = c.mean() + (c - c.mean()) * rng.uniform(0.2, 0.8) + np.array([0.06, 0.01, -0.07])
    return np.clip(c, 0.03, 0.98)


def palette(rng: Rng, count: int) -> List[Array]:
    """`count` colours, each pair clearly apart."""
    while True:
        chosen = [colour(rng) for _ in range(count)]
        gaps = [np.abs(a - b).sum() for i, a in enumerate(chosen) for b in chosen[:i]]
        if not gaps or min(gaps) > 0.5:
            return chosen


def coat(
    rng: Rng, natural: Sequence[float], darkest: float, lightest: float, share: float
) -> Array:
    """In `share` of the pictures the natural colour, lighter or darker; in the others any."""
    if rng.random() < share:
        return np.array(natural) * rng.uniform(darkest, lightest)
    return palette(rng, 1)[0]


def green(paint: Array) -> Array:
    """A colour turned towards green."""
    return np.clip(paint * np.array([0.6, 1.0, 0.4]), 0, 1)


class Pen:
    """Draws one object: on these pixels, in its own coordinates, light and random numbers.

    All objects of one picture share the light's direction, as in a photograph.
    """

    def __init__(
        self, pixels: Array, u: Array, v: Array, rng: Rng, light: Tuple[float, float]
    ) -> None:
        self.pixels, self.rng = pixels, rng
        self.u, self.v = u.astype(np.float32), v.astype(np.float32)
        self.r, self.theta = np.hypot(self.u, self.v) + 1e-6, np.arctan2(self.v, self.u)
        self.glow = (1.0 + 0.28 * (self.u * light[0] + self.v * light[1])).astype(np.float32)

    def cover(self, mask: Array, paint: Any) -> None:
        """Blend `paint` (an RGB triple, or float (3, n, n)) over the pixels where mask is 1."""
        paint = np.asarray(paint, np.float32)
        if paint.ndim == 1:
            paint = paint[:, None, None]
        self.pixels += (paint - self.pixels) * mask.astype(np.float32)

    def fill(self, d: Array, paint: Any, soft: float = 0.05, rim: float = 0.35) -> Array:
        """Paint the shape d < 0, lit from one side, darker towards its rim. Returns its mask."""
        mask = inside(d, soft)
        depth = np.clip(np.asarray(d, np.float32), -2, 0)
        shade = self.glow * (1 - rim * np.exp(depth * 9))
        self.cover(mask, np.asarray(paint, np.float32)[:, None, None] * shade)
        return mask

    def flat(self, d: Array, paint: Any, soft: float = 0.04) -> Array:
        """Paint the shape d < 0 in one colour. Returns its mask."""
        mask = inside(d, soft)
        self.cover(mask, paint)
        return mask

    def shadow(self, d: Array) -> None:
        """A soft dark halo around a shape, which sets it off from the background."""
        self.cover(0.45 * inside(d - 0.08, 0.22), (0.04, 0.04, 0.05))

    def eye(
        self, x: float, y: float, r: float, iris: Any = (0.35, 0.2, 0.08), white: bool = True
    ) -> None:
        """A small round eye at (x, y), with a glint."""
        if white:
            self.flat(disc(self.u, self.v, x, y, r), (0.96, 0.95, 0.9), 0.03)
        self.flat(disc(self.u, self.v, x, y, r * 0.68), iris, 0.03)
        self.flat(disc(self.u, self.v, x, y, r * 0.42), (0.02, 0.02, 0.03), 0.02)
        self.flat(disc(self.u, self.v, x - r * 0.25, y - r * 0.3, r * 0.2), (1, 1, 1), 0.02)
