"""Sheets to judge a creature net by: `python scripts/training/creature_sheets.py -o out/sheets`.

Dreams of photographs that the net never saw (mountains, a forest, a house, a face, a still life)
and of noise, by its own settings and by each inception module; single channels; class pictures; and
guided dreams. Every picture is made by the command line, with the model's own settings.

The photographs are Debian's (lomiri-wallpapers-16.04, fetched by apt; CC BY and CC BY-SA) and
Matplotlib's (Grace Hopper, public domain).
"""

import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import pictures  # noqa: E402
from deepdream.pictures.resize import at_most  # noqa: E402
from deepdream.settings import DEFAULT_MODEL  # noqa: E402
from scripts.docs import noise  # noqa: E402
from scripts.training.creatures import photographs  # noqa: E402
from scripts.training.creatures.commands import deepdream  # noqa: E402

PACKAGE = "lomiri-wallpapers-16.04"
PHOTOGRAPHS = {
    "mountains": "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "forest": "life_by_Aitzol_Berasategi.jpg",
    "house": "friends_by_Aitzol_Berasategi.jpg",
    "still life": "Wine_by_Jakkub_Mede.jpg",
}
FACE = "mpl-data/sample_data/grace_hopper.jpg"
SIDE, CELL = 360, 260  # pixels: of what is dreamt on, and of what is shown
MODULES = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
CHANNELS = {"3b": range(0, 48, 8), "4c": range(0, 48, 8), "4e": range(0, 48, 8)}
CLASSES = [
    "owl",
    "zebra",
    "tiger",
    "horse",
    "fish",
    "parrot",
    "elephant",
    "penguin",
    "dog",
    "flamingo",
]
Row = list[tuple[np.ndarray, str]]


def sources(work: Path, cache: Path) -> dict[str, Path]:
    """The pictures to dream on, by name, as PNG files of SIDE pixels in `work`."""
    folder = photographs.fetch(cache, [PACKAGE]) / "usr/share/backgrounds"
    found = {name: folder / file for name, file in PHOTOGRAPHS.items()}
    matplotlib = importlib.util.find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin is not None:
        found["face"] = Path(matplotlib.origin).parent / FACE
    noise.main([str(work / "1-f.png"), "--size", str(SIDE), "--overwrite"])
    found["noise"] = work / "1-f.png"
    made = {}
    for name, path in found.items():
        made[name] = work / f"{name}.png"
        small = at_most(pictures.load(str(path)), SIDE)
        pictures.save(made[name], small, replace=True)
    return made


class Sheets:
    """Makes sheets of one model's pictures in a folder."""

    def __init__(self, model: str, out: Path, found: dict[str, Path]) -> None:
        self.model, self.out, self.found = model, out, found

    def dream(self, source: Path, *words: str) -> np.ndarray:
        """A dream of one picture, with these options."""
        made = self.out / "work" / "dream.png"
        options = ["--model", self.model, "--seed", "0", "--overwrite", "--quiet", *words]
        deepdream("dream", str(source), "-o", str(made), *options)
        return pictures.load(str(made))

    def dreams(self) -> list[Row]:
        """Every photograph by the model's own settings, then by each inception module."""
        rows = []
        for name, source in self.found.items():
            row = [(pictures.load(str(source)), name), (self.dream(source), "its own settings")]
            row += [(self.dream(source, "--end", module), module) for module in MODULES]
            rows.append(row)
        return rows

    def channels(self) -> list[Row]:
        """Single channels of some modules, on noise."""
        rows = []
        for module, numbers in CHANNELS.items():
            layer = f"inception_{module}/output"
            texts = {f"{module}, {n}": f'channel("{layer}", {n})' for n in numbers}
            rows.append(
                [(self.dream(self.found["noise"], "--objective", t), n) for n, t in texts.items()]
            )
        return rows

    def guided(self) -> list[Row]:
        """Photographs, each guided by others."""
        rows = []
        for name in ("mountains", "still life"):
            row: Row = []
            for guide in ("house", "forest", "face"):
                if guide in self.found:
                    words = ["--guide", str(self.found[guide]), "--end", "4c"]
                    row.append((self.dream(self.found[name], *words), f"{name} by {guide}"))
            rows.append(row)
        return rows

    def classes(self) -> list[Row]:
        """Class pictures, from noise, and the same classes grown on the mountains."""
        folder = self.out / "work" / "classes"
        options = ["--model", self.model, "--seeds", "1", "--overwrite", "--quiet"]
        deepdream("classes", *CLASSES, "-o", str(folder), *options)
        alone = [(pictures.load(str(folder / f"{name}-0.png")), name) for name in CLASSES]
        on_photo = [
            (self.dream(self.found["mountains"], "--dream-of", name), name) for name in CLASSES
        ]
        return [alone, on_photo]


def main(argv: list[str] | None = None) -> None:
    """Make the sheets that were asked for."""
    kinds = ["dreams", "channels", "classes", "guided"]
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("-o", "--out", type=Path, default=ROOT / "out" / "sheets", metavar="FOLDER")
    p.add_argument("--model", default=DEFAULT_MODEL, help="(default %(default)s)")
    p.add_argument(
        "--cache",
        type=Path,
        default=ROOT / "out" / "photographs",
        help="packages (default %(default)s)",
    )
    p.add_argument("--only", nargs="+", choices=kinds, default=kinds, help="(default: all)")
    args = p.parse_args(argv)
    (args.out / "work").mkdir(parents=True, exist_ok=True)
    args.cache.mkdir(parents=True, exist_ok=True)
    sheets = Sheets(args.model, args.out, sources(args.out / "work", args.cache))
    for kind in args.only:
        sheet = pictures.contact_sheet(getattr(sheets, kind)(), (CELL, CELL))
        pictures.save(args.out / f"{kind}.jpg", sheet, replace=True)
        print(args.out / f"{kind}.jpg", flush=True)


if __name__ == "__main__":
    main()
