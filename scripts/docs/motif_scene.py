"""Draw a scene of motifs that the default model knows, each at the size that it was trained at: motif_scene.py OUT.png wheel pagoda owl ..."""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.training.motifs.canvas import Pen  # noqa: E402
from scripts.training.motifs.sampler import NAMES, OBJECTS, background, grid  # noqa: E402

CELL = 112  # pixels from one motif to the next; they were 96 wide in training


def scene(names, seed=0, columns=4):
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
        OBJECTS[NAMES.index(name)](
            Pen(pixels, (x - cx) / size, (y - cy) / size, rng, (math.cos(tilt), math.sin(tilt)))
        )
    height, width = CELL * rows, CELL * min(columns, len(names))
    return np.uint8(np.clip(pixels, 0, 1) * 255).transpose(1, 2, 0)[:height, :width]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("out")
    p.add_argument(
        "names",
        nargs="+",
        choices=NAMES[: len(OBJECTS)],
        metavar="MOTIF",
        help=", ".join(NAMES[: len(OBJECTS)]),
    )
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    Image.fromarray(scene(args.names, args.seed)).save(args.out)


if __name__ == "__main__":
    sys.exit(main())
