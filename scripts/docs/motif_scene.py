"""Draw a scene of motifs that the default model knows, each at the size that it was trained at.

For instance: python scripts/docs/motif_scene.py scene.png wheel pagoda owl
"""

import argparse
import math
import sys
from pathlib import Path
from typing import List, Optional, Sequence

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import pictures as image  # noqa: E402
from deepdream.cli import options  # noqa: E402
from scripts.training.motifs.canvas import Pen  # noqa: E402
from scripts.training.motifs.sampler import NAMES, OBJECTS, background, grid  # noqa: E402

CELL = 112  # pixels from one motif to the next; they were 96 wide in training
MOTIFS = NAMES[: len(OBJECTS)]


def scene(names: Sequence[str], seed: int = 0, columns: int = 4) -> np.ndarray:
    """uint8 RGB (H, W, 3): the motifs in rows of `columns`, over one background."""
    rng = np.random.default_rng(seed)
    rows = math.ceil(len(names) / columns)
    side = CELL * max(rows, min(columns, len(names)))
    x, y = (axis * side / 2 for axis in grid(side))
    pixels = background(rng, side)
    for i, name in enumerate(names):
        cx, cy = CELL * (i % columns + 0.5) - side / 2, CELL * (i // columns + 0.5) - side / 2
        size = rng.uniform(34, 40)
        tilt = rng.uniform(-math.pi, 0)
        light = math.cos(tilt), math.sin(tilt)
        OBJECTS[NAMES.index(name)](Pen(pixels, (x - cx) / size, (y - cy) / size, rng, light))
    height, width = CELL * rows, CELL * min(columns, len(names))
    levels = (np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return levels.transpose(1, 2, 0)[:height, :width]


def main(argv: Optional[List[str]] = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("out", help="the picture to write")
    p.add_argument("names", nargs="+", choices=MOTIFS, metavar="MOTIF", help=", ".join(MOTIFS))
    p.add_argument("--seed", type=int, default=0, help="(default %(default)s)")
    options.add_overwrite(p)
    args = p.parse_args(argv)
    image.save(args.out, scene(args.names, args.seed), replace=args.overwrite)


if __name__ == "__main__":
    main()
