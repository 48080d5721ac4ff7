"""Object classes that grow: flowers, leaves, shells."""

import numpy as np

from .canvas import DARK, Pen, box, capsule, disc, ellipse, green, inside, palette


def flower(p: Pen) -> None:
    rng = p.rng
    petal, inner, heart = palette(rng, 3)
    count = rng.integers(5, 9)
    edge = 0.42 + 0.52 * np.abs(np.cos(count * p.theta / 2)) ** rng.uniform(0.5, 0.9)
    p.shadow(p.r - edge)
    m = p.fill(p.r - edge, petal, 0.06, 0.45)
    p.cover(m * np.clip(1.1 - p.r * 1.3, 0, 1), inner)
    fold = np.abs(np.cos(count * p.theta / 2))
    p.cover(m * inside(0.12 - fold, 0.2) * 0.5 * inside(p.r - edge * 0.8, 0.2), petal * 1.2)
    p.cover(m * inside(fold - 0.16, 0.14) * 0.8, petal * 0.3)
    p.fill(p.r - 0.24, heart)
    dots = np.cos(p.u * 40) * np.cos(p.v * 40)
    p.cover(inside(p.r - 0.22, 0.03) * inside(-dots + 0.3, 0.3), heart * 0.4)


def daisy(p: Pen) -> None:
    rng = p.rng
    petal, heart = palette(rng, 2)
    count = rng.integers(13, 22)
    wave = np.abs(np.cos(count * p.theta / 2))
    p.shadow(p.r - 0.92)
    for turn, dim, reach in ((0.5, 0.6, 0.98), (0.0, 1.0, 0.9)):
        wave = np.abs(np.cos(count * p.theta / 2 + turn * np.pi / 2))
        edge = 0.4 + (reach - 0.4) * np.sqrt(np.clip(wave * 1.6 - 0.35, 0, 1))
        p.fill(p.r - edge, petal * dim, 0.04, 0.4)
    m = p.fill(p.r - 0.4, heart, 0.05, 0.6)
    a = (p.theta / (2 * np.pi) * 13 + np.sqrt(p.r) * 12) % 1
    b = (p.theta / (2 * np.pi) * -13 + np.sqrt(p.r) * 12) % 1
    seeds = np.hypot(a - 0.5, b - 0.5)
    p.cover(m * inside(seeds - 0.33, 0.15) * 0.85, heart * 0.3)


def leaf(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    blade, vein = palette(rng, 2)
    if rng.random() < 0.6:
        blade = green(blade)
    width = rng.uniform(0.4, 0.62) * np.clip(1 - u**2, 0, 1) * (1 + 0.3 * u)
    jag = 0.04 * np.sin(u * 34)
    d = np.maximum(np.abs(v) - width - jag * (width > 0.1), np.abs(u) - 0.98)
    p.shadow(d)
    p.flat(capsule(u, v, 0.9, 0, 1.25, 0.06, 0.035), vein * 0.7, 0.03)
    m = p.fill(d, blade)
    p.cover(m * inside(np.abs(np.sin((u + np.abs(v) * 0.9) * 9)) - 0.16, 0.15), vein)
    p.cover(m * inside(np.abs(v) - 0.03, 0.03), vein * 0.8)


def feather(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    vane, bars, spot = palette(rng, 3)
    bent = v + 0.15 * u**2
    width = 0.36 * np.sqrt(np.clip(1 - u**2, 0, 1)) * (1 - 0.25 * u)
    notch = 0.05 * (np.sin(u * 23) > 0.75)
    d = np.abs(bent) - width + notch
    p.shadow(d)
    m = p.fill(d, vane, 0.05, 0.2)
    p.cover(m * (0.5 + 0.5 * np.sin((u + np.abs(bent) * 0.9) * 42)) * 0.5, vane * 0.45)
    stripes = np.abs(np.sin((u + np.abs(bent) * 0.8) * rng.uniform(4, 7)))
    p.cover(m * inside(stripes - 0.4, 0.3) * 0.8, bars)
    eye = np.hypot(u + 0.6, bent * 1.1)
    p.cover(m * inside(eye - 0.27, 0.04), spot)
    p.cover(m * inside(eye - 0.17, 0.04), bars * 0.4)
    p.cover(m * inside(eye - 0.08, 0.03), (0.95, 0.95, 0.9))
    p.flat(np.maximum(np.abs(bent) - 0.025, np.abs(u - 0.1) - 1.05), (0.93, 0.9, 0.82), 0.03)


def mushroom(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    cap, spots = palette(rng, 2)
    stem = np.maximum(np.abs(u) - 0.2 - 0.1 * v, np.abs(v - 0.45) - 0.5)
    dome = np.maximum(ellipse(u, v, 0, 0, 0.95, 0.85), v - 0.06)
    p.shadow(np.minimum(stem, dome))
    m = p.fill(stem, (0.93, 0.9, 0.8), 0.05, 0.5)
    p.cover(m * inside(box(u, v, 0, 0.22, 0.33, 0.06), 0.05), (0.8, 0.76, 0.65))
    gills = p.fill(ellipse(u, v, 0, 0.06, 0.9, 0.14), (0.85, 0.8, 0.68), 0.04)
    p.cover(gills * inside(np.abs(np.sin(u * 26)) - 0.4, 0.3), (0.5, 0.42, 0.33))
    m = p.fill(dome, cap, 0.05, 0.45)
    for _ in range(8):
        x, y = rng.uniform(-0.75, 0.75), rng.uniform(-0.72, -0.06)
        p.cover(m * inside(ellipse(u, v, x, y, 0.14, 0.1), 0.05), np.clip(spots * 0.3 + 0.7, 0, 1))


def tree(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    leaves, bark = palette(rng, 2)
    if rng.random() < 0.6:
        leaves, bark = green(leaves), np.array([0.35, 0.24, 0.15])
    stem = np.abs(u + 0.03 * np.sin(v * 8)) - 0.1 - 0.12 * np.clip(v - 0.5, 0, 1)
    trunk = np.maximum(stem, np.abs(v - 0.5) - 0.5)
    for start, x, y in ((0.35, -0.42, -0.1), (0.3, 0.42, -0.15)):
        trunk = np.minimum(trunk, capsule(u, v, 0, start, x, y, 0.05))
    p.fill(trunk, bark)
    for _ in range(16):
        a, d = rng.uniform(0, 2 * np.pi), 0.55 * np.sqrt(rng.random())
        x, y, r = 1.2 * d * np.cos(a), -0.4 + 0.8 * d * np.sin(a), rng.uniform(0.2, 0.32)
        edge = r + 0.03 * np.sin(8 * np.arctan2(v - y, u - x))
        m = p.fill(disc(u, v, x, y, edge), leaves * rng.uniform(0.55, 1.1), 0.04, 0.6)
        dapples = np.cos(u * 36 + x * 9) * np.cos(v * 36)
        p.cover(m * inside(dapples - 0.1, 0.4) * 0.35, leaves * 0.35)


def spiral_shell(p: Pen) -> None:
    rng = p.rng
    base, band = palette(rng, 2)
    growth = rng.uniform(2.6, 4.0)
    x, y = p.u - 0.12, p.v - 0.08
    r, th = np.hypot(x, y) + 1e-6, np.arctan2(y, x)
    turns = (np.log(r) * growth - th) / (2 * np.pi)
    d = r - 0.62 * np.exp((th + np.pi) / growth * 0.42)
    p.shadow(d)
    m = p.fill(d, base, 0.05, 0.4)
    frac = turns % 1
    across = np.sin(np.pi * frac)
    p.cover(m * (1 - across) * 0.75, base * 0.25)
    ribs = inside(np.abs(np.sin(th * 9 + frac * 1.5)) - 0.3, 0.3)
    p.cover(m * ribs * across * 0.8, band)
    p.cover(m * inside(np.minimum(frac, 1 - frac) - 0.03, 0.05), DARK)
    p.cover(0.5 * m * inside(np.abs(frac - 0.35) - 0.06, 0.08), (1, 1, 1))


def scallop(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    base, band = palette(rng, 2)
    y = v - 0.75
    r, th = np.hypot(u, y) + 1e-6, np.arctan2(-y, u) - np.pi / 2
    ribs = rng.integers(9, 14)
    wave = np.cos(th * ribs * 1.6)
    d = np.maximum(r - 1.5 - 0.05 * wave, np.abs(th) - 0.95) * 0.8
    p.shadow(d)
    p.fill(box(u, v, 0, 0.7, 0.34, 0.12), base * 0.8)
    m = p.fill(d, base, 0.05, 0.2)
    p.cover(m * np.clip(0.5 - 0.5 * wave, 0, 1) ** 2 * 0.8, base * 0.3)
    p.cover(m * inside(np.abs(np.sin(r * rng.uniform(6, 9))) - 0.4, 0.3) * 0.6, band)


def starfish(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    skin, dots = palette(rng, 2)
    sector = np.abs((p.theta / (2 * np.pi) * 5) % 1 - 0.5) * (2 * np.pi / 5)
    x, y = p.r * np.cos(sector), p.r * np.sin(sector)
    d = np.maximum(y - 0.24 + 0.2 * x, x - 0.98) * 0.9
    p.shadow(d)
    m = p.fill(d, skin, 0.06, 0.6)
    bumps = np.hypot((x * 9) % 1 - 0.5, y * 8)
    p.cover(m * inside(bumps - 0.3, 0.12), np.clip(dots * 0.5 + 0.5, 0, 1))
    rims = np.hypot((x * 8) % 1 - 0.5, (y - 0.13 + 0.12 * x) * 9)
    p.cover(m * inside(rims - 0.26, 0.12) * 0.8, dots * 0.5)
    p.cover(m * inside(np.hypot(u, v) - 0.1, 0.04), np.clip(dots * 0.5 + 0.4, 0, 1))


OBJECTS = [flower, daisy, leaf, feather, mushroom, tree, spiral_shell, scallop, starfish]
