"""Texture classes: each maps coordinates to a pattern, 0..1, which mixes two colours."""

from typing import Tuple

import numpy as np

from .canvas import Array, Rng, inside


def _cells(u: Array, v: Array, rng: Rng, jitter: float) -> Tuple[Array, Array, Array]:
    """Distances to the nearest and the second nearest point, and the nearest's own number, 0..1.

    There is one point in each unit square, moved at random by up to half of `jitter`.
    """
    i0, j0 = np.floor(u), np.floor(v)
    shift = rng.uniform(0, 100)
    first, second, name = np.full_like(u, 9.0), np.full_like(u, 9.0), np.zeros_like(u)
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            i, j = i0 + di, j0 + dj
            hx = np.sin(i * 127.1 + j * 311.7 + shift) * 43758.5 % 1
            hy = np.sin(i * 269.5 + j * 183.3 + shift) * 43758.5 % 1
            d = np.hypot(u - i - 0.5 - jitter * (hx - 0.5), v - j - 0.5 - jitter * (hy - 0.5))
            closer = d < first
            second = np.where(closer, first, np.minimum(second, d))
            name = np.where(closer, hx, name)
            first = np.minimum(first, d)
    return first, second, name


def bricks(u: Array, v: Array, rng: Rng) -> Array:
    y = v * 5
    row = np.floor(y)
    x = u * 2.5 + 0.5 * (row % 2)
    joint = np.minimum(np.minimum(y % 1, 1 - y % 1), 2 * np.minimum(x % 1, 1 - x % 1))
    tone = np.sin(np.floor(x) * 12.9 + row * 78.2) * 43758.5 % 1
    return (1 - inside(joint - 0.08, 0.05)) * (0.7 + 0.3 * tone)


def honeycomb(u: Array, v: Array, rng: Rng) -> Array:
    x, y = u * 4.5, v * 4.5
    h = np.sqrt(3)

    def nearest(a: Array, b: Array) -> Tuple[Array, Array]:
        return a - np.round(a), (b / h - np.round(b / h)) * h

    (ax, ay), (bx, by) = nearest(x, y), nearest(x - 0.5, y - h / 2)
    use = ax**2 + ay**2 < bx**2 + by**2
    qx, qy = np.abs(np.where(use, ax, bx)), np.abs(np.where(use, ay, by))
    edge = np.maximum(qx, qx * 0.5 + qy * h / 2)
    return inside(edge - 0.42, 0.05) * (0.55 + 0.9 * (0.5 - edge))


def zebra(u: Array, v: Array, rng: Rng) -> Array:
    bend = 2.2 * np.sin(v * 2.5 + rng.uniform(0, 6)) + 1.2 * np.sin(u * 3 + v * 4)
    return inside(np.sin(u * 15 + bend), 0.5)


def scales(u: Array, v: Array, rng: Rng) -> Array:
    best = np.zeros_like(u)
    for layer in (1, 0):
        y = v * 4.5 + layer
        row = np.floor(y)
        x = u * 4 + 0.5 * ((row - layer) % 2)
        fx, fy = x - np.floor(x) - 0.5, y - row - layer * 1.0
        r = np.hypot(fx * 1.25, fy * 0.62 if layer == 0 else (fy + 1) * 0.62 - 0.0)
        best = np.where(r < 0.62, np.clip(1.15 - 1.3 * r, 0, 1) * (r < 0.56) + 0.0, best)
    return best


def basket(u: Array, v: Array, rng: Rng) -> Array:
    x, y = u * 4, v * 4
    over = (np.floor(x) + np.floor(y)) % 2 > 0
    strand = np.where(over, np.abs(np.sin(np.pi * x)), np.abs(np.sin(np.pi * y)))
    fibres = 0.8 + 0.2 * np.sin(np.where(over, x, y) * 26)
    return strand**0.6 * fibres


def leopard(u: Array, v: Array, rng: Rng) -> Array:
    x, y = u * 3.6 + 0.25 * np.sin(v * 5), v * 3.6 + 0.25 * np.sin(u * 4)
    first, _, name = _cells(x, y, rng, 0.35)
    wobble = 0.05 * np.sin(np.arctan2(y - np.floor(y) - 0.5, x - np.floor(x) - 0.5) * 5 + name * 6)
    return 1 - inside(np.abs(first - 0.3 + wobble) - 0.1, 0.08) - 0.35 * inside(first - 0.25, 0.1)


def wood_rings(u: Array, v: Array, rng: Rng) -> Array:
    r = np.hypot(u + 0.08 * np.sin(v * 3), v * rng.uniform(0.8, 1.2) + 0.08 * np.sin(u * 4))
    rays = 0.85 + 0.15 * np.cos(np.arctan2(v, u) * 24)
    return (0.5 + 0.5 * np.sin(r * 20 + 0.8 * np.sin(r * 7))) * rays


def cobbles(u: Array, v: Array, rng: Rng) -> Array:
    first, second, name = _cells(u * 3.4, v * 3.4, rng, 0.75)
    return np.clip((second - first) * 3.2, 0, 1) ** 0.6 * (0.55 + 0.45 * name) * (1.1 - 0.5 * first)


def waves(u: Array, v: Array, rng: Rng) -> Array:
    """Seigaiha: rows of overlapping concentric arcs."""
    out = np.zeros_like(u)
    done = np.zeros(u.shape, bool)
    y = v * 4.4
    row = np.floor(y)
    for k in (2, 1, 0):
        line = row + k
        x = u * 2.2 + 0.5 * (line % 2)
        r = np.hypot(x - np.floor(x) - 0.5, (line + 0.2 - y) * 0.25)
        hit = (r < 0.5) & (not k or ~done)
        ring = 0.5 + 0.5 * np.cos(r * 2 * np.pi * 6)
        out = np.where(hit & ~done, ring, out)
        done |= hit
    return out


def fur(u: Array, v: Array, rng: Rng) -> Array:
    flow = 0.7 * np.sin(v * 2 + u) + 0.5 * np.sin(u * 3 - v * 2 + rng.uniform(0, 6))
    x = u * np.cos(flow) + v * np.sin(flow) * 0.3
    hair = np.sin(x * 46 + 4 * np.sin(v * 7 + u * 3)) + 0.6 * np.sin(x * 83 + 3 * np.sin(v * 11))
    return np.clip(0.5 + 0.33 * hair + 0.2 * np.sin(v * 4 + u * 2), 0, 1)


TEXTURES = [bricks, honeycomb, zebra, scales, basket, leopard, wood_rings, cobbles, waves, fur]
