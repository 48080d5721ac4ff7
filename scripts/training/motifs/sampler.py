"""One labelled picture: background, object or texture, occlusion, light, camera noise."""

import numpy as np

from . import creatures, plants, things
from .canvas import Pen, colour, ellipse, inside, palette, smooth_noise
from .textures import TEXTURES

OBJECTS = creatures.OBJECTS + plants.OBJECTS + things.OBJECTS
NAMES = [f.__name__ for f in OBJECTS] + [f.__name__ for f in TEXTURES]

# RGB directions of natural pictures' colour variance: brightness, blue-yellow, green-magenta, each with its deviation.
COLOUR_AXES = np.array(
    [[0.577, 0.577, 0.577], [0.707, 0.0, -0.707], [0.408, -0.816, 0.408]]
) * np.array([[0.36], [0.09], [0.045]])


def grid(size):
    """x (right) and y (down) of each pixel, float32 (size, size), -1..1."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    return np.meshgrid(axis, axis)


def turned(x, y, angle):
    """The coordinates (x, y) in axes turned by `angle` (radians)."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return c * x + s * y, c * y - s * x


def background(rng, size):
    """Coloured 1/f noise under overlapping leaves and, at times, a horizon: photographs' statistics without their objects."""
    x, y = grid(size)
    field = smooth_noise(rng, size, rng.uniform(1.15, 1.9), 3)
    pixels = colour(rng)[:, None, None] + np.tensordot(
        COLOUR_AXES.T * rng.uniform(0.35, 1.1), field, 1
    )
    if rng.random() < 0.3:
        ground = inside(rng.uniform(-0.3, 0.6) - y + 0.15 * field[0], 0.05)
        pixels += (np.clip(colour(rng)[:, None, None] + 0.12 * field[1], 0, 1) - pixels) * ground
    if rng.random() < 0.5:
        dead_leaves(rng, pixels, x, y, rng.integers(3, 14), field)
    return np.clip(pixels, 0, 1).astype(np.float32)


def dead_leaves(rng, pixels, x, y, count, field):
    """Paint `count` random discs and bars of power-law sizes over each other (the dead-leaves model of natural pictures)."""
    for _ in range(count):
        a = 0.07 / np.sqrt(rng.uniform(0.01, 1))
        b = a * rng.uniform(0.3, 1)
        t, (cx, cy) = rng.uniform(0, np.pi), rng.uniform(-1, 1, 2).tolist()
        u, v = turned(x - cx, y - cy, t)
        d = (
            ellipse(u, v, 0, 0, a, b)
            if rng.random() < 0.6
            else np.maximum(np.abs(u) - a, np.abs(v) - b)
        )
        pixels += (colour(rng)[:, None, None] * (1 + 0.2 * field[:1]) - pixels) * inside(d, 0.03)


def placed(rng, x, y, smallest, largest, offset):
    """Object coordinates at a random position, size, angle, shear, bend and side."""
    size = rng.uniform(smallest, largest)
    angle = rng.normal() * 0.35 if rng.random() < 0.85 else rng.uniform(-np.pi, np.pi)
    cx, cy = rng.uniform(-offset, offset, 2).tolist()
    u, v = turned((x - cx) / size, (y - cy) / size, angle)
    if rng.random() < 0.5:
        u = -u
    return u + rng.normal() * 0.12 * v + 0.05 * np.sin(v * 3 + rng.uniform(0, 6)), v * rng.uniform(
        0.88, 1.14
    )


def draw_texture(rng, pixels, x, y, pattern):
    u, v = placed(rng, x, y, 0.55, 1.4, 1.0)
    mix = pattern(u, v, rng).astype(np.float32)
    a, b = palette(rng, 2)
    paint = b[:, None, None] + (a - b)[:, None, None] * mix
    paint *= 1 + 0.15 * smooth_noise(rng, len(x), 1.6, 1)
    if rng.random() < 0.6:
        mask = np.float32(1)
    else:
        mask = inside(ellipse(x, y, *rng.uniform(-0.25, 0.25, 2), *rng.uniform(0.6, 1.1, 2)), 0.1)
    pixels += (paint - pixels) * mask


def draw_objects(rng, pixels, x, y, draw):
    tilt = rng.uniform(-np.pi, 0)
    light = np.cos(tilt), np.sin(tilt)
    alone = rng.random() < 0.65
    for _ in range(1 if alone else rng.integers(2, 5)):
        u, v = placed(rng, x, y, 0.55, 0.95, 0.18) if alone else placed(rng, x, y, 0.28, 0.5, 0.6)
        draw(Pen(pixels, u, v, rng, light))


def picture(rng, label, size=96, **options):
    """One picture of class `label`: uint8 RGB (3, size, size). `options` go to the class's drawing function."""
    x, y = grid(size)
    pixels = background(rng, size)
    if label < len(OBJECTS):
        draw_objects(rng, pixels, x, y, lambda pen: OBJECTS[label](pen, **options))
    else:
        draw_texture(rng, pixels, x, y, TEXTURES[label - len(OBJECTS)])
    if rng.random() < 0.25:
        dead_leaves(rng, pixels, x, y, 1 + (rng.random() < 0.3), smooth_noise(rng, size, 1.5, 3))
    pixels *= rng.uniform(0.75, 1.15) * (1 + rng.normal(0, 0.04, (3, 1, 1)))
    pixels += 0.05 * smooth_noise(rng, size, 1.4, 1) + rng.uniform(
        0.01, 0.04
    ) * rng.standard_normal(pixels.shape)
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def batch(seed, count, size=96):
    """`count` labelled pictures from one seed: uint8 (count, 3, size, size) and int64 (count,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(NAMES), count)
    return np.stack([picture(rng, label, size) for label in labels]), labels
