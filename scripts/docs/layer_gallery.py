"""Make the gallery of every layer of the default net: its index and small pictures in
docs/gallery/layers/.

`deepdream gallery` makes the pictures, some 200 dreams, in out/layers/; if it was stopped, it goes
on.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.nets import find  # noqa: E402
from deepdream.nets.engine import load  # noqa: E402
from deepdream.nets.opening import read  # noqa: E402
from deepdream.settings import DEFAULT_MODEL, GALLERY  # noqa: E402
from deepdream.studies.galleries import page, plan  # noqa: E402
from scripts.docs import sample_photo  # noqa: E402

MOUNTAINS = "docs/cookbook/mountains.jpg"
WORK, FOLDER = "out/layers", "docs/gallery/layers"
PARTS = "out/layers-parts"  # of photographs, among which patches are looked for
# the first layer's by its pooling: a channel of a convolution that sees the picture itself is
# linear in it, and all that grows is a plain colour
CHANNELS = ["pool1/3x3_s2:0-15", "3b:0-15", "4c:0-7"]
SIDE, QUALITY = 192, 65  # of the small pictures; all of them together stay under 3 MB


def command() -> List[str]:
    """The command line that makes the pictures, as the page tells it."""
    words = ["deepdream", "gallery", MOUNTAINS, "-o", f"{WORK}/", "--patches", f"{PARTS}/"]
    return [*words, *(word for one in CHANNELS for word in ("--channels", one))]


def cut_photographs() -> None:
    """Write the quarters of the project's sample photographs, so that there are several to find
    patches in."""
    folder = ROOT / PARTS
    folder.mkdir(parents=True, exist_ok=True)
    for path in [ROOT / MOUNTAINS, *map(sample_photo.path, sample_photo.NAMES)]:
        photo = Image.open(path).convert("RGB")
        width, height = photo.width // 2, photo.height // 2
        for number in range(4):
            left, top = number % 2 * width, number // 2 * height
            part = photo.crop((left, top, left + width, top + height))
            part.save(folder / f"{path.stem}-{number}.png")


def main(argv: Optional[List[str]] = None) -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(argv)
    cut_photographs()
    done = subprocess.run([sys.executable, "-m", *command()], cwd=ROOT)
    if done.returncode not in (0, 1):  # 1: some channels are silent, which the page tells
        return done.returncode
    shutil.rmtree(ROOT / FOLDER, ignore_errors=True)
    (ROOT / FOLDER).mkdir(parents=True)
    description = read(find(DEFAULT_MODEL), load("compat"))
    size = (GALLERY.size, GALLERY.size)
    channels = [plan.channels_of(text) for text in CHANNELS]
    shown = [_shown(one) for one in plan.planned(description, size, [], channels, True)]
    about = f"By {' '.join(command())}"
    (ROOT / FOLDER / "index.html").write_text(page.render(DEFAULT_MODEL, about, shown, 0))
    small = sum(path.stat().st_size for path in (ROOT / FOLDER).iterdir())
    print(f"{FOLDER}: {len(shown)} pictures, {small / 1e6:.2f} MB")
    return 0


def _shown(entry: plan.Entry) -> page.Shown:
    """An entry with its small picture, and its strip of patches where it has one."""
    picture = ROOT / WORK / "pictures" / f"{entry.name}.png"
    if not picture.is_file():
        return page.Shown(entry, "", "", "", "silent on this picture: its gradient is zero")
    small = _saved(picture, f"{entry.name}.webp", (SIDE, SIDE))
    strip = ROOT / WORK / "thumbnails" / f"{entry.name}-patches.jpg"
    patches = _saved(strip, f"{entry.name}-patches.webp", (256, 64)) if strip.is_file() else ""
    return page.Shown(entry, small, small, patches)


def _saved(source: Path, name: str, size: "tuple[int, int]") -> str:
    image = Image.open(source).convert("RGB").resize(size, Image.Resampling.LANCZOS)
    image.save(ROOT / FOLDER / name, "WEBP", quality=QUALITY, method=6)
    return name


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    sys.exit(main())
