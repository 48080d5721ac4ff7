"""Debian's photographs: packages fetched by name through apt, and the cut-outs in them."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image

from .classes import Photograph

STAMPS = "tuxpaint-stamps-default"
BACKGROUNDS = "mate-backgrounds"
# Its nature photographs without an animal in them, which a label would contradict.
SCENES = [
    "Aqua",
    "Blinds",
    "Dune",
    "FreshFlower",
    "Garden",
    "GreenMeadow",
    "RainDrops",
    "Storm",
    "TwoWings",
    "Wood",
    "YellowFlower",
]
VIEW = 160  # side of the square that holds one view of a cut-out
EDGE = 5  # pixels that stay clear at each side of a view, so that its edge never shows
# Side of a view of a head, as a multiple of the head's own: wide, so that its cut is out of sight.
HEAD_MARGIN = 2.2
SCENE = (540, 360)


def fetch(cache: Path, packages: Sequence[str] = (STAMPS, BACKGROUNDS)) -> Path:
    """The folder in `cache` with the packages' files; what is missing is fetched first."""
    root = cache / "root"
    for package in packages:
        mark = cache / f"{package}.unpacked"
        if mark.exists():
            continue
        missing = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
        if missing:
            raise SystemExit(
                f"no {missing[0]} here: install apt and dpkg, or unpack Debian's package {package} "
                f"into {root} by hand and create the file {mark}"
            )
        root.mkdir(parents=True, exist_ok=True)
        got = subprocess.run(
            ["apt-get", "download", package], cwd=cache, capture_output=True, text=True
        )
        archives = sorted(cache.glob(f"{package}_*.deb"))
        if got.returncode or not archives:
            reason = (got.stderr.strip().splitlines() or ["no archive came"])[-1]
            raise SystemExit(
                f"apt-get download {package}: {reason} (needs Debian's main, and apt-get update)"
            )
        subprocess.run(["dpkg", "-x", archives[-1].name, "root"], cwd=cache, check=True)
        mark.touch()
    return root


def find(root: Path) -> dict[str, Path]:
    """The stamps' files by name; drawings in folders called `cartoon` are left out."""
    folder = root / "usr/share/tuxpaint/stamps"
    files = sorted(f for f in folder.rglob("*.png") if "cartoon" not in f.parts)
    return {f.stem: f for f in reversed(files)}


def read(path: Path) -> PIL.Image.Image:
    """One cut-out as RGBA, cropped to what is to be seen of it."""
    picture = PIL.Image.open(path).convert("RGBA")
    rows, columns = np.nonzero(np.asarray(picture)[..., 3] > 40)
    return picture.crop((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))


def square(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture in the middle of a clear square whose side is its longer one."""
    side = max(picture.size)
    canvas = PIL.Image.new("RGBA", (side, side))
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return canvas


def _view(picture: PIL.Image.Image, box: tuple[float, float, float, float]) -> np.ndarray:
    """The part `box` of a square picture at the size of a view, colours multiplied by alpha.

    float32 (4, VIEW, VIEW). What the box has beyond the picture is clear.
    """
    inner, beyond = VIEW - 2 * EDGE, picture.width
    pixels = np.asarray(picture, np.float32) / 255
    # Multiplied before it is resized: the unseen colours of clear pixels leave no seam then.
    pixels[..., :3] *= pixels[..., 3:]
    pixels = np.pad(pixels, ((beyond, beyond), (beyond, beyond), (0, 0)))
    view = np.zeros((4, VIEW, VIEW), np.float32)
    left, top, right, bottom = (v + beyond for v in box)
    moved = left, top, right, bottom
    for channel in range(4):
        plane = PIL.Image.fromarray(np.ascontiguousarray(pixels[..., channel]))
        resized = plane.resize((inner, inner), PIL.Image.Resampling.LANCZOS, moved)
        view[channel, EDGE:-EDGE, EDGE:-EDGE] = np.clip(np.asarray(resized), 0, 1)
    return view


def views(path: Path, photograph: Photograph) -> list[np.ndarray]:
    """The whole cut-out and, where it is marked, its head alone."""
    picture = square(read(path))
    side = picture.width
    cut_outs = [_view(picture, (0, 0, side, side))]
    if photograph.head:
        x, y, share = photograph.head
        half = share * HEAD_MARGIN / 2
        left, top, right, bottom = (v * side for v in (x - half, y - half, x + half, y + half))
        cut_outs.append(_view(picture, (left, top, right, bottom)))
    return cut_outs


def scenes(root: Path) -> np.ndarray:
    """All background photographs at one size: float32 (N, 3, 360, 540), RGB in 0..1."""
    folder = root / "usr/share/backgrounds/mate/nature"
    pictures = [
        PIL.Image.open(folder / f"{name}.jpg")
        .convert("RGB")
        .resize(SCENE, PIL.Image.Resampling.LANCZOS)
        for name in SCENES
    ]
    return np.stack([np.asarray(p, np.float32).transpose(2, 0, 1) / 255 for p in pictures])
