"""Make the pictures of docs/cookbook.md again: each by the command that the page shows under it,
with seed 0, and small. Of an animation the page has some frames, side by side.

The page's photo.jpg is scikit-learn's pagoda, its flower.jpg the flower; its mountains.jpg is the
one in the folder. Name some pictures to make only those.
"""

import argparse
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.docs import sample_photo  # noqa: E402

PAGE = ROOT / "docs" / "cookbook.md"
PICTURES = ROOT / "docs" / "cookbook"
WORKPLACE = ROOT / "out" / "cookbook"
PHOTOS = {"photo.jpg": "china.jpg", "flower.jpg": "flower.jpg"}
MOUNTAINS = "mountains.jpg"  # by Aitzol Berasategi, CC BY 4.0, made smaller
WIDTH = 480  # pixels
MOST_BYTES = 40_000  # of a picture
FRAMES = 3, 3  # of an animation: across, down
_LOOK = re.compile(r"!\[[^\]]*\]\(cookbook/(?P<name>[\w-]+)\.jpg\)\n\n(?P<command>(?: {4}.*\n)+)")


def commands(markdown: str) -> Dict[str, List[str]]:
    """{picture: words of the command under it} of a page."""
    return {
        match["name"]: shlex.split(match["command"].replace("\\\n", " "))
        for match in _LOOK.finditer(markdown)
    }


def small(image: Image.Image) -> bytes:
    """A picture as a JPEG of WIDTH and at most MOST_BYTES, without metadata."""
    size = WIDTH, round(image.height * WIDTH / image.width)
    image = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    for quality in range(85, 30, -5):
        file = io.BytesIO()
        image.save(file, "jpeg", quality=quality, optimize=True, progressive=True)
        if file.tell() <= MOST_BYTES:
            break
    return file.getvalue()


def frames_of(path: Path) -> Image.Image:
    """FRAMES of an animation, from its first to its last, in rows."""
    with Image.open(path) as film:
        across, down = FRAMES
        count = getattr(film, "n_frames", 1)  # as Pillow has it where there are several
        width, height = film.width // across, film.height // across
        sheet = Image.new("RGB", (across * width, down * height))
        for number in range(across * down):
            film.seek(round(number * (count - 1) / (across * down - 1)))
            frame = film.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(frame, (number % across * width, number // across * height))
    return sheet


def make(name: str, words: List[str]) -> None:
    """Run one command in the workplace, and keep what it made: frames of its animation, or else a
    picture, or the last of a folder's."""
    out = WORKPLACE / words[words.index("-o") + 1]
    if out.is_dir():
        shutil.rmtree(out)
    line = [sys.executable, "-m", "deepdream", *words[1:], "--seed", "0", "--overwrite"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(line, cwd=WORKPLACE, check=True, env=environment)
    if "--animate" in words:
        picture = frames_of(WORKPLACE / words[words.index("--animate") + 1])
    else:
        picture = Image.open(sorted(out.iterdir())[-1] if out.is_dir() else out)
    (PICTURES / f"{name}.jpg").write_bytes(small(picture))


def main(argv: Optional[List[str]] = None) -> None:
    looks = commands(PAGE.read_text(encoding="utf-8"))
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(looks)} (default: all)")
    args = p.parse_args(argv)
    unknown = set(args.names) - set(looks)
    if unknown:
        p.error(f"no look is called {', '.join(sorted(unknown))}")
    for folder in (WORKPLACE, PICTURES):
        folder.mkdir(parents=True, exist_ok=True)
    for name, sample in PHOTOS.items():
        shutil.copyfile(sample_photo.path(sample), WORKPLACE / name)
        (PICTURES / name).write_bytes(small(Image.open(WORKPLACE / name)))
    shutil.copyfile(PICTURES / MOUNTAINS, WORKPLACE / MOUNTAINS)
    for name, words in looks.items():
        if not args.names or name in args.names:
            make(name, words)


if __name__ == "__main__":
    main()
