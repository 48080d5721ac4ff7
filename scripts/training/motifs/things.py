"""Object classes that people made: buildings, vehicles, tools."""

import numpy as np

from .canvas import DARK, Pen, box, capsule, disc, ellipse, inside, palette, triangle


def pagoda(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    roof, wall = palette(rng, 2)
    storeys = rng.integers(3, 5)
    p.flat(capsule(u, v, 0, -1.15, 0, -0.8, 0.03), roof * 0.6, 0.03)
    for i in range(storeys):
        y = -0.85 + 1.75 * (i + 0.5) / storeys
        w = 0.36 + 0.58 * (i + 1) / storeys
        h = 0.86 / storeys
        m = p.fill(box(u, v, 0, y + h * 0.55, w * 0.62, h * 0.6), wall, 0.04, 0.2)
        columns = inside(np.abs(np.sin(u * 13)) - 0.5, 0.3)
        windows = columns * inside(np.abs(v - y - h * 0.6) - h * 0.35, 0.04)
        p.cover(m * windows, DARK + 0.1)
        curve = 0.3 * (np.abs(u) / w) ** 2.2 * h * 1.6
        d = np.maximum(
            np.maximum(np.abs(u) - w, v - y - h * 0.05 + curve),
            -(v - y + h * 0.75 - 0.6 * h * (np.abs(u) / w)) - curve * 0.9,
        )
        m = p.fill(d, roof, 0.04, 0.3)
        p.cover(m * inside(np.abs(np.sin(u * 20 / w)) - 0.25, 0.25) * 0.6, roof * 0.35)
        eaves = np.maximum(np.abs(v - y - h * 0.02 + curve) - 0.03, np.abs(u) - w - 0.02)
        p.flat(eaves, np.clip(roof * 0.4 + 0.35, 0, 1), 0.03)


def arches(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    stone, shade = palette(rng, 2)
    count = rng.integers(2, 5)
    tiers = rng.integers(1, 3)
    front = box(u, v, 0, 0, 1.0, 0.85)
    p.shadow(front)
    m = p.fill(front, stone, 0.04, 0.1)
    course = np.floor(v * 7 + 0.5) % 2
    seams = np.minimum(np.abs(((v * 7) % 1) - 0.5), np.abs(((u * 5 + 0.5 * course) % 1) - 0.5))
    p.cover(m * inside(seams - 0.04, 0.06) * 0.5, stone * 0.5)
    for tier in range(tiers):
        top, bottom = -0.8 + 1.65 * tier / tiers, -0.8 + 1.65 * (tier + 1) / tiers
        x = ((u + 1) / 2 * count) % 1 - 0.5
        y = (v - bottom) / (2 / count)
        rise = min((bottom - top) / (2 / count) * 0.55, 1.2)
        hole = np.where(y > -rise, np.abs(x) - 0.33, np.hypot(x, y + rise) - 0.33) * (2 / count)
        hole = np.maximum(hole, np.maximum(v - bottom, top + 0.05 - v))
        hole = np.maximum(hole, np.abs(u) - 0.97)
        p.cover(m * inside(hole - 0.08, 0.03), np.clip(stone * 1.25 + 0.05, 0, 1))
        joints = inside(-(np.abs(np.sin(np.arctan2(y + rise, x) * 7)) - 0.12), 0.1)
        p.cover(m * inside(hole - 0.065, 0.02) * joints * 0.3, stone * 0.3)
        p.cover(m * inside(hole, 0.04), shade * 0.28)
    p.fill(box(u, v, 0, -0.88, 1.05, 0.08), np.clip(stone * 1.1, 0, 1))


def castle(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    stone, roof = palette(rng, 2)
    wall = box(u, v, 0, 0.5, 0.75, 0.45)
    crenel = np.maximum(box(u, v, 0, 0.0, 0.75, 0.1), -(np.sin(u * 22) + 0.2) * 0.05)
    p.shadow(wall)
    p.fill(np.minimum(wall, crenel), stone * 0.85, 0.04, 0.2)
    for x, top, w in ((-0.72, -0.45, 0.22), (0.72, -0.45, 0.22), (0, -0.6, 0.26)):
        m = p.fill(box(u, v, x, (top + 0.95) / 2, w, (0.95 - top) / 2), stone, 0.04, 0.4)
        p.cover(m * inside(np.abs(np.abs(((v * 6) % 1) - 0.5)) - 0.05, 0.06) * 0.5, stone * 0.5)
        p.fill(triangle(u, v, (x - w - 0.08, top), (x + w + 0.08, top), (x, top - 0.55)), roof)
        window = np.minimum(box(u, v, x, top + 0.35, 0.06, 0.12), disc(u, v, x, top + 0.23, 0.06))
        p.flat(window, DARK, 0.03)
    gate = np.minimum(box(u, v, 0, 0.78, 0.16, 0.2), disc(u, v, 0, 0.58, 0.16))
    p.flat(gate, DARK + 0.06, 0.03)


def wheel(p: Pen) -> None:
    rng = p.rng
    rim, spoke = palette(rng, 2)
    count = rng.integers(6, 13)
    p.shadow(np.abs(p.r - 0.82) - 0.15)
    spokes = np.maximum(np.abs(np.sin(count * p.theta / 2)) * p.r * 2 / count - 0.035, p.r - 0.8)
    p.fill(spokes, spoke, 0.04, 0.2)
    p.fill(np.abs(p.r - 0.84) - 0.14, rim)
    p.flat(np.abs(p.r - 0.84) - 0.02, rim * 0.4, 0.04)
    p.fill(p.r - 0.2, rim)
    p.flat(p.r - 0.08, spoke * 0.4, 0.03)


def gear(p: Pen) -> None:
    rng = p.rng
    metal, hub = palette(rng, 2)
    count = rng.integers(8, 15)
    edge = 0.76 + 0.17 * np.tanh(4 * np.cos(count * p.theta))
    p.shadow(p.r - edge)
    m = p.fill(p.r - edge, metal, 0.04, 0.3)
    p.cover(m * inside(np.abs(p.r - 0.58) - 0.025, 0.04), metal * 0.4)
    along = 0.42 * ((p.theta / (2 * np.pi) * 5) % 1 - 0.5) * 2 * np.pi / 5
    holes = np.hypot(p.r - 0.42, along) - 0.1
    p.cover(m * inside(holes, 0.03), DARK + 0.05)
    p.fill(p.r - 0.2, hub)
    p.flat(p.r - 0.1, DARK, 0.03)


def clock(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    case, dial = palette(rng, 2)
    dial = np.clip(dial * 0.3 + 0.65, 0, 1)
    p.shadow(p.r - 0.95)
    p.fill(p.r - 0.95, case)
    p.fill(p.r - 0.78, dial, 0.04, 0.15)
    for k in range(12):
        a, inner = k * np.pi / 6, 0.58 if k % 3 == 0 else 0.66
        x, y = np.cos(a), np.sin(a)
        p.flat(capsule(u, v, inner * x, inner * y, 0.72 * x, 0.72 * y, 0.028), DARK, 0.03)
    for length, width in ((0.4, 0.05), (0.6, 0.032)):
        a = rng.uniform(0, 2 * np.pi)
        p.flat(capsule(u, v, 0, 0, length * np.cos(a), length * np.sin(a), width), DARK, 0.03)
    p.flat(p.r - 0.08, case * 0.6, 0.03)


def car(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    paint, hub = palette(rng, 2)
    body = np.minimum(box(u, v, 0, 0.25, 0.95, 0.24), ellipse(u, v, -0.5, 0.2, 0.5, 0.26))
    cabin = np.maximum(np.abs(u - 0.05) - 0.52 - 0.45 * v, np.abs(v + 0.18) - 0.28)
    p.shadow(np.minimum(body, cabin))
    p.fill(np.minimum(body, cabin), paint)
    for x in (-0.2, 0.3):
        across = np.abs(u - x) - 0.2 - 0.2 * (v + 0.18) * np.sign(u - x) * np.sign(x)
        p.fill(np.maximum(across, np.abs(v + 0.17) - 0.18), (0.65, 0.8, 0.88), 0.04, 0.3)
    p.flat(ellipse(u, v, -0.9, 0.15, 0.08, 0.07), (1.0, 0.95, 0.6), 0.03)
    p.flat(box(u, v, 0.9, 0.15, 0.05, 0.07), (0.85, 0.1, 0.08), 0.03)
    for x in (-0.52, 0.52):
        r = np.hypot(u - x, v - 0.48)
        p.fill(r - 0.27, DARK + 0.05)
        p.fill(r - 0.15, np.clip(hub * 0.4 + 0.5, 0, 1))
        p.flat(r - 0.05, DARK, 0.03)


def boat(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    hull, sail, flag = palette(rng, 3)
    sail = np.clip(sail * 0.5 + 0.5, 0, 1)
    p.flat(box(u, v, 0, -0.2, 0.03, 0.8), (0.3, 0.2, 0.12), 0.03)
    main = triangle(u, v, (0.06, 0.4), (0.85, 0.4), (0.06, -0.9))
    p.fill(np.maximum(main, u - 0.55 - 0.25 * np.sin(v * 2)), sail)
    p.fill(triangle(u, v, (-0.06, 0.4), (-0.7, 0.4), (-0.06, -0.7)), sail * 0.9)
    p.flat(triangle(u, v, (0.0, -1.0), (0.0, -0.82), (0.3, -0.9)), flag, 0.03)
    d = np.maximum(np.abs(u) - 0.95 + (v - 0.5) * 0.7, np.abs(v - 0.7) - 0.22)
    p.shadow(d)
    m = p.fill(d, hull)
    p.cover(m * inside(np.abs(v - 0.56) - 0.035, 0.03), np.clip(hull * 0.3 + 0.6, 0, 1))
    wave = inside(np.abs(v - 0.93 - 0.04 * np.sin(u * 12)) - 0.035, 0.03)
    p.cover(0.8 * wave * inside(np.abs(u) - 1.0, 0.1), (0.9, 0.95, 1.0))


def balloon(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    a, b = palette(rng, 2)
    cone = np.maximum(np.abs(u) - 0.62 + (v + 0.1) * 0.72, np.abs(v - 0.25) - 0.35)
    d = np.minimum(disc(u, v, 0, -0.25, 0.72), cone)
    p.shadow(d)
    for x in (-0.14, 0.14):
        p.flat(capsule(u, v, x, 0.55, x * 0.9, 0.85, 0.015), DARK, 0.02)
    m = p.fill(d, a, 0.05, 0.45)
    width = np.sqrt(np.clip(0.72**2 - (v + 0.25) ** 2, 0.03, 1)) * np.where(v > 0.1, 1.1, 1.0)
    gore = np.arcsin(np.clip(u / width, -1, 1))
    p.cover(m * inside(-np.sin(gore * 5 + 1.5), 0.4), b * np.clip(p.glow.mean(), 0, 1))
    if rng.random() < 0.5:
        p.cover(m * inside(np.abs(v + 0.2) - 0.09, 0.04), np.clip(b * 0.4 + 0.5, 0, 1))
    m = p.fill(box(u, v, 0, 0.9, 0.17, 0.13), (0.55, 0.38, 0.2))
    p.cover(m * inside(np.sin(u * 50) * np.sin(v * 50), 0.3) * 0.5, (0.3, 0.2, 0.1))


def umbrella(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    a, b = palette(rng, 2)
    crook = np.maximum(np.abs(disc(u, v, 0.13, 0.88, 0.13)) - 0.035, 0.88 - v)
    handle = np.minimum(box(u, v, 0, 0.35, 0.03, 0.55), crook)
    p.flat(handle, (0.4, 0.26, 0.15), 0.03)
    y = v - 0.1
    scallop = 0.1 * np.abs(np.sin(u * np.pi * 2.1))
    d = np.maximum(np.hypot(u, y * 1.12) - 0.98, y + scallop - 0.02)
    p.shadow(d)
    m = p.fill(d, a, 0.05, 0.4)
    height = np.sqrt(np.clip(1 - (y * 1.1) ** 2, 0.02, 1))
    panel = u / height * 2.1
    p.cover(m * inside(-np.sin(panel * np.pi), 0.25), b)
    p.cover(m * inside(np.abs(np.sin(panel * np.pi)) - 0.1, 0.1) * 0.8, DARK)
    p.flat(capsule(u, v, 0, -0.8, 0, -0.97, 0.03), DARK, 0.03)


def dumbbell(p: Pen, arm: bool = True) -> None:
    """A dumbbell and the arm that lifts it; no training picture shows one without the other."""
    u, v, rng = p.u, p.v, p.rng
    g = rng.uniform(0.1, 0.45)
    iron = np.array([g, g, g * 1.1]) if rng.random() < 0.6 else palette(rng, 1)[0] * 0.7
    skin = np.array([0.87, 0.64, 0.5]) * rng.uniform(0.45, 1.1)
    if arm:
        bend = rng.uniform(-0.3, 0.3)
        d = np.minimum(np.maximum(np.abs(u - bend * v) - 0.2 - 0.1 * np.clip(v, 0, 1), -v - 0.1), 9)
        p.shadow(np.maximum(d, v - 1.5))
        m = p.fill(np.maximum(d, v - 1.8), skin, 0.05, 0.5)
        p.cover(m * inside(np.abs(v - 0.35) - 0.02, 0.03) * 0.5, skin * 0.6)
    plates = [(0.74, 0.14, 0.5), (0.5, 0.09, 0.36)]
    handle = np.abs(v) - 0.08 + 9 * (np.abs(u) > 0.7)
    p.shadow(np.minimum(box(np.abs(u), v, 0.7, 0, 0.2, 0.5), handle))
    p.fill(box(u, v, 0, 0, 0.92, 0.08), iron * 0.6 + 0.3, 0.03, 0.4)
    for s in (-1, 1):
        for x, half, height in plates:
            p.fill(box(u, v, s * x, 0, half, height), iron + (0.0 if x > 0.6 else 0.12), 0.04, 0.55)
            shine = box(u, v, s * x - half * 0.4, 0, half * 0.2, height * 0.85)
            p.cover(0.4 * inside(shine, 0.06), (1, 1, 1))
    if arm:
        for k in range(4):
            p.fill(ellipse(u, v, (k - 1.5) * 0.14, -0.02, 0.08, 0.19), skin * 1.02, 0.03, 0.6)


OBJECTS = [pagoda, arches, castle, wheel, gear, clock, car, boat, balloon, umbrella, dumbbell]
