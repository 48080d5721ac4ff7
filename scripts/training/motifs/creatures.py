"""Object classes that look at you: each function draws one animal or face with a Pen."""

import numpy as np

from .canvas import DARK, Pen, capsule, coat, disc, ellipse, inside, palette, triangle


def eye(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    skin, iris, fibre = palette(rng, 3)
    h = rng.uniform(0.4, 0.65)
    radius = (1 + h * h) / (2 * h)
    lids = np.maximum(disc(u, v, 0, radius - h, radius), disc(u, v, 0, h - radius, radius))
    p.fill(lids - 0.16, skin * 0.7, 0.08)
    for k in range(-4, 5):
        root = -h * (1 - (k * 0.19) ** 2)
        p.flat(capsule(u, v, k * 0.19, root, k * 0.25, -h - 0.16, 0.018), DARK, 0.03)
    p.flat(lids - 0.045, DARK, 0.05)
    ball = p.fill(lids, (0.96, 0.94, 0.9), 0.04, rim=0.5)
    size = rng.uniform(0.36, 0.5)
    p.cover(ball * inside(p.r - size, 0.03), iris)
    rays = 0.5 + 0.5 * np.cos(p.theta * rng.integers(14, 30))
    p.cover(ball * inside(p.r - size, 0.03) * rays * 0.6, fibre)
    p.cover(ball * inside(np.abs(p.r - size) - 0.03, 0.03), iris * 0.25)
    p.cover(ball * inside(p.r - size * rng.uniform(0.4, 0.55), 0.03), (0.02, 0.02, 0.03))
    p.flat(disc(u, v, -0.14, -0.15, 0.085), (1, 1, 1), 0.03)


def face(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    skin = coat(rng, (0.87, 0.66, 0.53), 0.4, 1.1, 0.6)
    hair, iris = palette(rng, 2)
    p.shadow(ellipse(u, v, 0, 0, 0.76, 0.98))
    p.fill(ellipse(u, v, 0, -0.12, 0.8, 0.92), hair)
    p.fill(ellipse(u, v, 0, 0.08, 0.66, 0.86), skin)
    smile = rng.uniform(-0.12, 0.2)
    for s in (-1, 1):
        p.flat(ellipse(u, v, s * 0.28, -0.12, 0.19, 0.11), (0.96, 0.95, 0.92), 0.04)
        p.flat(disc(u, v, s * 0.28, -0.12, 0.1), iris * 0.6, 0.03)
        p.flat(disc(u, v, s * 0.28, -0.12, 0.055), DARK, 0.02)
        p.flat(capsule(u, v, s * 0.12, -0.3, s * 0.44, -0.34, 0.04), hair * 0.5, 0.04)
    p.flat(triangle(u, v, (0.0, -0.1), (-0.13, 0.3), (0.13, 0.3)), skin * 0.72, 0.08)
    thickness = 0.07 * np.sqrt(np.clip(1 - (u / 0.34) ** 2, 0, 1))
    lip = np.abs(v - 0.55 + smile * (u * 2) ** 2) - thickness
    p.flat(np.maximum(lip, np.abs(u) - 0.32), (0.68, 0.13, 0.14), 0.04)


def dog(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    fur = coat(rng, (0.75, 0.55, 0.35), 0.3, 1.25, 0.7)
    ear = np.clip(fur * rng.uniform(0.35, 0.7), 0, 1)
    p.shadow(ellipse(u, v, 0, 0, 0.8, 0.85))
    p.fill(ellipse(u, v, 0, -0.1, 0.62, 0.75), np.clip(fur, 0, 0.97))
    droop = rng.uniform(0.0, 0.25)
    for s in (-1, 1):
        p.fill(ellipse(u * s + v * 0.25, v, 0.72, -0.05 + droop, 0.24, 0.62), ear)
    blaze = np.clip(fur * 1.5 + 0.15, 0, 0.97)
    p.fill(ellipse(u, v, 0, -0.45, 0.12, 0.4), blaze, 0.08, 0.1)
    if rng.random() < 0.6:
        p.fill(ellipse(u, v, 0, 0.78, 0.13, 0.24), (0.86, 0.35, 0.4))
    p.fill(ellipse(u, v, 0, 0.38, 0.4, 0.36), blaze)
    p.flat(np.abs(np.abs(u) - 0.16 + (v - 0.42) * 0.3) + np.abs(v - 0.55) * 0.3 - 0.05, DARK, 0.04)
    p.flat(capsule(u, v, 0, 0.25, 0, 0.5, 0.02), DARK, 0.03)
    p.fill(ellipse(u, v, 0, 0.2, 0.19, 0.13), DARK, 0.04)
    p.flat(ellipse(u, v, -0.05, 0.15, 0.05, 0.03), (0.7, 0.7, 0.72), 0.03)
    for s in (-1, 1):
        p.flat(disc(u, v, s * 0.28, -0.2, 0.15), ear * 0.6, 0.06)
        p.eye(s * 0.28, -0.2, 0.12)


def cat(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    fur, stripe, iris = palette(rng, 3)
    p.shadow(disc(u, v, 0, 0.1, 0.75))
    for s in (-1, 1):
        p.fill(triangle(u * s, v, (0.12, -0.45), (0.78, -0.15), (0.66, -1.0)), fur)
        p.fill(triangle(u * s, v, (0.3, -0.45), (0.64, -0.3), (0.6, -0.8)), (0.85, 0.5, 0.5))
    head = p.fill(ellipse(u, v, 0, 0.12, 0.8, 0.72), fur)
    bands = inside(np.abs(np.sin(u * 13)) - 0.4, 0.3) * inside(v + 0.25, 0.15)
    cheeks = inside(np.abs(np.sin(v * 14 + np.abs(u) * 5)) - 0.4, 0.3)
    cheeks = cheeks * inside(0.52 - np.abs(u), 0.1)
    p.cover(head * np.maximum(bands, cheeks) * 0.85, stripe)
    for s in (-1, 1):
        p.flat(ellipse(u, v, s * 0.33, 0.0, 0.2, 0.17), iris, 0.03)
        p.flat(ellipse(u, v, s * 0.33, 0.0, 0.055, 0.16), DARK, 0.03)
        p.flat(disc(u, v, s * 0.33 - 0.05, -0.06, 0.035), (1, 1, 1), 0.02)
        p.fill(ellipse(u, v, s * 0.13, 0.42, 0.17, 0.13), np.clip(fur * 1.3 + 0.2, 0, 0.97))
        for k in (-1, 0, 1):
            whisker = capsule(u, v, s * 0.2, 0.42, s * 0.95, 0.4 + k * 0.16, 0.012)
            p.flat(whisker, (0.95, 0.95, 0.95), 0.03)
    p.flat(triangle(u, v, (-0.1, 0.26), (0.1, 0.26), (0, 0.38)), (0.75, 0.35, 0.38), 0.04)


def owl(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    body, chest, iris = palette(rng, 3)
    p.shadow(ellipse(u, v, 0, 0.1, 0.7, 0.9))
    for s in (-1, 1):
        p.fill(triangle(u * s, v, (0.1, -0.7), (0.55, -0.55), (0.55, -1.02)), body)
    p.fill(ellipse(u, v, 0, 0.15, 0.68, 0.86), body)
    m = p.fill(ellipse(u, v, 0, 0.5, 0.46, 0.5), chest)
    row = np.floor(v * 7)
    x = u * 6 + 0.5 * (row % 2)
    tips = np.hypot((x - np.floor(x) - 0.5) * 1.1, v * 7 - row)
    p.cover(m * inside(np.abs(tips - 0.6) - 0.14, 0.1) * inside(-v + 0.12, 0.06), body * 0.5)
    amber = np.clip(iris * 0.3 + np.array([0.7, 0.5, 0]), 0, 1)
    for s in (-1, 1):
        p.fill(disc(u, v, s * 0.31, -0.35, 0.33), np.clip(chest * 0.7 + 0.25, 0, 0.97))
        rays = inside(np.abs(np.sin(9 * np.arctan2(v + 0.35, u - s * 0.31))) - 0.35, 0.3)
        ring = inside(np.abs(np.hypot(u - s * 0.31, v + 0.35) - 0.27) - 0.06, 0.04)
        p.cover(ring * rays, body * 0.5)
        p.eye(s * 0.31, -0.35, 0.2, amber, white=False)
        p.flat(np.abs(disc(u, v, s * 0.31, -0.35, 0.18)) - 0.02, amber, 0.03)
    p.fill(triangle(u, v, (-0.09, -0.25), (0.09, -0.25), (0, 0.02)), (0.9, 0.65, 0.15))


def bird(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    body, head, beak = palette(rng, 3)
    tail = triangle(u, v, (0.45, 0.15), (1.1, -0.12 + rng.uniform(-0.2, 0.3)), (1.0, 0.5))
    p.shadow(ellipse(u, v, 0.08, 0.3, 0.72, 0.45))
    p.fill(tail, body * 0.7)
    for k in (-0.05, 0.2):
        p.flat(capsule(u, v, k + 0.1, 0.6, k, 1.0, 0.025), beak * 0.8, 0.03)
    p.fill(ellipse(u, v, 0.1, 0.3, 0.7, 0.42), body)
    p.fill(triangle(u, v, (-1.15, -0.26), (-0.7, -0.42), (-0.7, -0.14)), beak)
    p.fill(disc(u, v, -0.46, -0.28, 0.36), head)
    p.fill(ellipse(u, v, -0.3, 0.25, 0.3, 0.33), np.clip(head * 1.2, 0, 0.97), 0.15, 0.1)
    wing = p.fill(ellipse(u - 0.25 * v, v, 0.15, 0.24, 0.48, 0.27), body * 0.6)
    p.cover(wing * inside(np.abs(np.sin((u * 0.8 - v) * 11)) - 0.4, 0.3), head * 0.8)
    p.eye(-0.52, -0.34, 0.105)


def fish(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    body, stripe, fin = palette(rng, 3)
    b = ellipse(u, v, -0.15, 0, 0.72, rng.uniform(0.38, 0.52))
    tail = np.maximum(np.abs(v) - (u - 0.32) * 0.85, u - 0.95 - 0.1 * np.cos(v * 6))
    p.shadow(b)
    p.fill(np.maximum(tail, 0.38 - u), fin)
    p.fill(triangle(u, v, (-0.45, -0.3), (0.25, -0.3), (0.15, -0.78)), fin)
    p.fill(triangle(u, v, (-0.2, 0.3), (0.25, 0.3), (0.2, 0.68)), fin)
    m = p.fill(b, body)
    if rng.random() < 0.5:
        stripes = inside(np.abs(np.sin(u * rng.uniform(6, 10))) - 0.5, 0.3)
        p.cover(m * stripes * inside(-u - 0.35, 0.1), stripe)
    else:
        row = np.floor(v * 9)
        x = u * 8 + 0.5 * (row % 2)
        arcs = np.hypot(x - np.floor(x) - 0.5, (v * 9 - row - 0.5) * 0.8)
        p.cover(m * inside(np.abs(arcs - 0.45) - 0.1, 0.12) * inside(-u - 0.35, 0.1), stripe)
    p.cover(m * inside(np.abs(disc(u, v, -0.75, 0, 0.42)) - 0.025, 0.04), body * 0.4)
    p.fill(triangle(u, v, (-0.15, 0.02), (0.2, -0.08), (0.15, 0.24)), fin)
    p.eye(-0.58, -0.1, 0.12)
    p.flat(capsule(u, v, -0.86, 0.1, -0.7, 0.13, 0.02), DARK, 0.03)


def butterfly(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    wing, edge, spot = palette(rng, 3)
    x = np.abs(u)
    upper = ellipse(x - 0.35 * v, v, 0.62, -0.32, 0.46, 0.5)
    lower = ellipse(x + 0.2 * v, v, 0.5, 0.45, 0.38, 0.42)
    both = np.minimum(upper, lower)
    p.shadow(both)
    p.fill(both, edge * 0.45)
    m = p.fill(both + 0.08, wing)
    veins = np.arctan2(v, x - 0.02)
    p.cover(m * inside(np.abs(np.sin(veins * 6)) - 0.13, 0.15), edge * 0.4)
    for cx, cy, r in ((0.68, -0.42, 0.2), (0.52, 0.5, 0.16)):
        ring = np.hypot(x - cx, v - cy)
        p.flat(ring - r, DARK, 0.04)
        p.flat(ring - r * 0.75, spot, 0.04)
        p.flat(ring - r * 0.35, (0.97, 0.97, 0.97), 0.03)
    p.fill(ellipse(u, v, 0, 0.05, 0.09, 0.6), DARK + 0.1)
    for s in (-1, 1):
        p.flat(capsule(u, v, s * 0.03, -0.5, s * 0.3, -0.95, 0.018), DARK, 0.03)


def beetle(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    shell, spot = palette(rng, 2)
    for s in (-1, 1):
        for k, reach in ((-0.35, -0.6), (0.05, 0.1), (0.45, 0.75)):
            p.flat(capsule(u, v, s * 0.4, k, s * 0.92, reach, 0.045), DARK, 0.04)
        p.flat(capsule(u, v, s * 0.12, -0.75, s * 0.4, -1.0, 0.025), DARK, 0.03)
    p.shadow(ellipse(u, v, 0, 0.1, 0.62, 0.78))
    p.fill(ellipse(u, v, 0, -0.62, 0.34, 0.28), DARK + 0.06)
    m = p.fill(ellipse(u, v, 0, 0.12, 0.62, 0.74), shell)
    for cx, cy in ((0.3, -0.2), (0.36, 0.25), (0.16, 0.58)):
        dots = np.hypot(np.abs(u) - cx, v - cy) - rng.uniform(0.08, 0.15)
        p.cover(m * inside(dots, 0.04), spot * 0.35)
    p.cover(m * inside(np.abs(u) - 0.025, 0.03), DARK)
    p.cover(0.6 * inside(ellipse(u, v, -0.22, -0.22, 0.1, 0.2), 0.15), (1, 1, 1))


def snail(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    shell, band, foot = palette(rng, 3)
    body = np.minimum(
        ellipse(u, v, -0.05, 0.68, 0.95, 0.2), capsule(u, v, -0.7, 0.65, -0.78, 0.1, 0.15)
    )
    p.shadow(np.minimum(body, disc(u, v, 0.15, 0, 0.68)))
    p.fill(body, foot)
    for k in (-0.95, -0.66):
        p.flat(capsule(u, v, -0.78, 0.05, k, -0.38, 0.03), foot * 0.8, 0.03)
        p.eye(k, -0.4, 0.08)
    x, y = u - 0.17, v - 0.02
    r, th = np.hypot(x, y) + 1e-6, np.arctan2(y, x)
    m = p.fill(r - 0.66, shell)
    turns = (np.log(r) * rng.uniform(0.42, 0.62) * 2.2 - th / (2 * np.pi)) % 1
    p.cover(m * inside(np.abs(turns - 0.5) - 0.2, 0.12), band)
    p.cover(m * inside(np.minimum(turns, 1 - turns) - 0.035, 0.05), DARK)


def turtle(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    shell, seam, skin = palette(rng, 3)
    for x, y in ((-0.55, -0.62), (0.55, -0.62), (-0.55, 0.62), (0.55, 0.62)):
        slant = np.sign(x * y)
        p.fill(ellipse(u + v * slant * 0.4, v, x + y * slant * 0.4, y, 0.2, 0.28), skin)
    p.fill(ellipse(u, v, -0.85, 0, 0.24, 0.19), skin)
    p.eye(-0.92, -0.08, 0.06)
    p.eye(-0.92, 0.08, 0.06)
    p.shadow(ellipse(u, v, 0.05, 0, 0.72, 0.62))
    m = p.fill(ellipse(u, v, 0.05, 0, 0.72, 0.62), shell)
    lines = np.full_like(u, 9.0)
    for cx in (-0.35, 0.05, 0.45):
        for k in range(6):
            a = k * np.pi / 3
            b = a + np.pi / 3
            start = cx + 0.23 * np.cos(a), 0.26 * np.sin(a)
            end = cx + 0.23 * np.cos(b), 0.26 * np.sin(b)
            lines = np.minimum(lines, capsule(u, v, *start, *end, 0.025))
    for k in range(10):
        a = k * np.pi / 5
        start = 0.05 + 0.45 * np.cos(a), 0.26 * np.sin(a)
        end = 0.05 + 0.75 * np.cos(a), 0.65 * np.sin(a)
        lines = np.minimum(lines, capsule(u, v, *start, *end, 0.025))
    p.cover(m * inside(lines, 0.04), seam * 0.4)
    p.flat(np.abs(ellipse(u, v, 0.05, 0, 0.68, 0.58)) - 0.035, seam * 0.6, 0.04)


def octopus(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    skin, sucker = palette(rng, 2)
    wave = rng.uniform(0, 6)
    arms = np.full_like(u, 9.0)
    for k in range(6):
        x0 = (k - 2.5) * 0.2
        sway = 0.11 * np.sin(v * 7 + k + wave) * np.clip(v * 2, 0, 1)
        x = x0 * (1 + 1.3 * np.clip(v, 0, 1)) + sway
        arms = np.minimum(arms, np.maximum(np.abs(u - x) - 0.1 * (1.15 - v), np.abs(v - 0.5) - 0.5))
    p.shadow(np.minimum(arms, disc(u, v, 0, -0.35, 0.55)))
    m = p.fill(arms, skin, 0.05, 0.5)
    p.cover(m * inside(np.abs(np.sin(v * 22)) - 0.35, 0.3) * 0.8, np.clip(sucker * 0.6 + 0.4, 0, 1))
    p.fill(ellipse(u, v, 0, -0.35, 0.56, 0.62), skin)
    for s in (-1, 1):
        p.eye(s * 0.24, -0.15, 0.15, (0.8, 0.65, 0.15))


def snake(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    skin, band, belly = palette(rng, 3)
    bend, freq = rng.uniform(0.35, 0.5), rng.uniform(3.2, 4.2)
    along = u * 1.0
    mid = bend * np.sin(along * freq)
    slope = bend * freq * np.cos(along * freq)
    body = np.maximum(np.abs(v - mid) / np.sqrt(1 + slope**2) - 0.2, np.abs(u) - 0.95)
    p.shadow(body)
    m = p.fill(body, skin, 0.05, 0.6)
    length = np.cumsum(np.sqrt(1 + slope**2), 1) * (2 / u.shape[1])
    p.cover(m * inside(np.abs(np.sin(length * rng.uniform(6, 9))) - 0.45, 0.3), band)
    p.cover(m * inside(np.abs(v - mid) / np.sqrt(1 + slope**2) - 0.04, 0.05) * 0.7, belly)
    y = bend * np.sin(-0.9 * freq)
    p.fill(ellipse(u, v, -0.88, y, 0.28, 0.23), skin)
    p.eye(-0.93, y - 0.07, 0.075, (0.85, 0.7, 0.1))
    p.flat(capsule(u, v, -1.05, y + 0.05, -1.25, y + 0.12, 0.02), (0.85, 0.1, 0.12), 0.03)


def peacock(p: Pen) -> None:
    u, v, rng = p.u, p.v, p.rng
    fan, body, spot = palette(rng, 3)
    centre_y = 0.55
    r, th = np.hypot(u, v - centre_y), np.arctan2(v - centre_y, u)
    half = np.maximum(r - 1.35, v - centre_y - 0.1)
    p.shadow(half)
    m = p.fill(half, fan)
    p.cover(m * inside(np.abs(np.sin(th * 15)) - 0.25, 0.25) * 0.7, fan * 0.4)
    rim = np.clip(fan * 0.4 + np.array([0.45, 0.4, 0.05]), 0, 1)
    for ring, count in ((0.72, 6), (1.12, 9)):
        for k in range(count):
            a = -np.pi * (k + 0.5) / count
            x, y = ring * np.cos(a), centre_y + ring * np.sin(a)
            s = 0.17 if ring > 1 else 0.14
            p.flat(disc(u, v, x, y, s), rim, 0.04)
            p.flat(disc(u, v, x, y, s * 0.7), spot, 0.04)
            p.flat(disc(u, v, x, y, s * 0.36), DARK, 0.03)
    p.fill(ellipse(u, v, 0, 0.55, 0.2, 0.42), body)
    p.fill(disc(u, v, 0, 0.08, 0.16), body)
    p.fill(triangle(u, v, (-0.06, 0.12), (0.06, 0.12), (0, 0.28)), (0.9, 0.7, 0.2))
    for s in (-1, 1):
        p.eye(s * 0.08, 0.05, 0.055)


OBJECTS = [
    *(eye, face, dog, cat, owl, bird, fish),
    *(butterfly, beetle, snail, turtle, octopus, snake, peacock),
]
