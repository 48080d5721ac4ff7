"""Write a picture of 1/f noise to dream on: `python scripts/docs/noise.py out/noise.png`."""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import pictures as image  # noqa: E402
from deepdream.cli import options  # noqa: E402
from scripts.training.motifs.canvas import smooth_noise  # noqa: E402


def main(argv: Optional[List[str]] = None) -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("out", type=Path, help="the picture to write")
    p.add_argument("--size", type=int, default=384, help="its side in pixels (default %(default)s)")
    p.add_argument(
        "--beta", type=float, default=1.2, help="amplitude falls as 1/f^beta (default %(default)s)"
    )
    p.add_argument("--seed", type=int, default=0, help="(default %(default)s)")
    options.add_overwrite(p)
    args = p.parse_args(argv)
    noise = smooth_noise(np.random.default_rng(args.seed), args.size, args.beta, 3)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    image.save(args.out, (128 + 24 * noise).transpose(1, 2, 0), replace=args.overwrite)


if __name__ == "__main__":
    main()
