"""One labelled picture: background, object or texture, occlusion, light, camera noise."""

from typing import Any, Callable, Tuple

import numpy as np

from . import creatures, plants, things
from .canvas import Array, Pen, Rng, box, colour, ellipse, inside, palette, smooth_noise
from .textures import TEXTURES

OBJECTS = creatures.OBJECTS + plants.OBJECTS + things.OBJECTS
NAMES = [f.__name__ for f in OBJECTS] + [f.__name__ for f in TEXTURES]

# RGB directions along which the colours of photographs vary, each with its deviation:
# brightness, blue to yellow, green to magenta
DEVIATIONS = np.array([[0.36], [0.09], [0.045]])
DIRECTIONS = np.array([[0.577, 0.577, 0.577], [0.707, 0.0, -0.707], [0.408, -0.816, 0.408]])
COLOUR_AXES = DIRECTIONS * DEVIATIONS


def grid(size: int) -> Tuple[Array, Array]:
    """x (right) and y (down) of each pixel, each float32 (size, size), -1..1."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, axis)
    return x, y


def turned(x: Array, y: Array, angle: float) -> Tuple[Array, Array]:
    """The coordinates (x, y) in axes that are turned by `angle`, in radians."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return c * x + s * y, c * y - s * x


def background(rng: Rng, size: int) -> Array:
    """float32 (3, size, size), 0..1: the statistics of photographs without their objects.

    Coloured 1/f noise, under overlapping leaves and, at times, a horizon.
    """
    x, y = grid(size)
    field = smooth_noise(rng, size, rng.uniform(1.15, 1.9), 3)
    pixels = colour(rng)[:, None, None]
    pixels = pixels + np.tensordot(COLOUR_AXES.T * rng.uniform(0.35, 1.1), field, 1)
    if rng.random() < 0.3:
        ground = inside(rng.uniform(-0.3, 0.6) - y + 0.15 * field[0], 0.05)
        pixels += (np.clip(colour(rng)[:, None, None] + 0.12 * field[1], 0, 1) - pixels) * ground
    if rng.random() < 0.5:
        dead_leaves(rng, pixels, x, y, int(rng.integers(3, 14)), field)
    return np.clip(pixels, 0, 1).astype(np.float32)


def dead_leaves(rng: Rng, pixels: Array, x: Array, y: Array, count: int, field: Array) -> None:
    """Paint ellipses and bars of power-law sizes over each other: the dead-leaves model."""
    for _ in range(count):
        a = 0.07 / np.sqrt(rng.uniform(0.01, 1))
        b = a * rng.uniform(0.3, 1)
        t, (cx, cy) = rng.uniform(0, np.pi), rng.uniform(-1, 1, 2).tolist()
        u, v = turned(x - cx, y - cy, t)
        d = ellipse(u, v, 0, 0, a, b) if rng.random() < 0.6 else box(u, v, 0, 0, a, b)
        pixels += (colour(rng)[:, None, None] * (1 + 0.2 * field[:1]) - pixels) * inside(d, 0.03)


def placed(
    rng: Rng, x: Array, y: Array, smallest: float, largest: float, offset: float
) -> Tuple[Array, Array]:
    """Object coordinates at a random position, size, angle, shear, bend and side."""
    size = rng.uniform(smallest, largest)
    angle = rng.normal() * 0.35 if rng.random() < 0.85 else rng.uniform(-np.pi, np.pi)
    cx, cy = rng.uniform(-offset, offset, 2).tolist()
    u, v = turned((x - cx) / size, (y - cy) / size, angle)
    if rng.random() < 0.5:
        u = -u
    sheared = u + rng.normal() * 0.12 * v + 0.05 * np.sin(v * 3 + rng.uniform(0, 6))
    return sheared, v * rng.uniform(0.88, 1.14)


def draw_texture(
    rng: Rng, pixels: Array, x: Array, y: Array, pattern: Callable[[Array, Array, Rng], Array]
) -> None:
    """Paint a texture in two colours, over the whole picture or an ellipse of it."""
    u, v = placed(rng, x, y, 0.55, 1.4, 1.0)
    mix = pattern(u, v, rng).astype(np.float32)
    a, b = palette(rng, 2)
    paint = b[:, None, None] + (a - b)[:, None, None] * mix
    paint *= 1 + 0.15 * smooth_noise(rng, len(x), 1.6, 1)
    if rng.random() < 0.6:
        mask = np.ones((), np.float32)
    else:
        mask = inside(ellipse(x, y, *rng.uniform(-0.25, 0.25, 2), *rng.uniform(0.6, 1.1, 2)), 0.1)
    pixels += (paint - pixels) * mask


def draw_objects(rng: Rng, pixels: Array, x: Array, y: Array, draw: Callable[[Pen], None]) -> None:
    """Draw one large object, or some small ones, all in one light."""
    tilt = rng.uniform(-np.pi, 0)
    light = np.cos(tilt), np.sin(tilt)
    alone = rng.random() < 0.65
    for _ in range(1 if alone else rng.integers(2, 5)):
        u, v = placed(rng, x, y, 0.55, 0.95, 0.18) if alone else placed(rng, x, y, 0.28, 0.5, 0.6)
        draw(Pen(pixels, u, v, rng, light))


def picture(rng: Rng, label: int, size: int = 96, **options: Any) -> Array:
    """uint8 RGB (3, size, size): a picture of a class. `options` go to its drawing function."""
    x, y = grid(size)
    pixels = background(rng, size)
    if label < len(OBJECTS):
        draw_objects(rng, pixels, x, y, lambda pen: OBJECTS[label](pen, **options))
    else:
        draw_texture(rng, pixels, x, y, TEXTURES[label - len(OBJECTS)])
    if rng.random() < 0.25:
        dead_leaves(rng, pixels, x, y, 1 + (rng.random() < 0.3), smooth_noise(rng, size, 1.5, 3))
    pixels *= rng.uniform(0.75, 1.15) * (1 + rng.normal(0, 0.04, (3, 1, 1)))
    veil = 0.05 * smooth_noise(rng, size, 1.4, 1)
    pixels += veil + rng.uniform(0.01, 0.04) * rng.standard_normal(pixels.shape)
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def batch(seed: int, count: int, size: int = 96) -> Tuple[Array, Array]:
    """Pictures and labels from one seed: uint8 RGB (count, 3, size, size) and int64 (count,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(NAMES), count)
    return np.stack([picture(rng, label, size) for label in labels]), labels
