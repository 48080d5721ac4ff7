"""Measure how much dreams of a film flicker, each by itself and as `deepdream video` blends them.

The film is a camera that pans over a photograph. Flicker is the mean difference, in grey levels,
between a frame and the one before, moved along the flow, where that can be followed
(deepdream/films/flicker.py); beside it is how far the dreams are from the film, since a weaker
dream flickers less too.

    python scripts/bench/flicker.py --frames 10
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, List, Tuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import pictures  # noqa: E402
from deepdream.dream.octaves import deepdream  # noqa: E402
from deepdream.films.flicker import flicker  # noqa: E402
from deepdream.request import filming, job, making  # noqa: E402
from deepdream.settings import Dream, Video  # noqa: E402
from netfile.table import table  # noqa: E402

PHOTO = ROOT / "docs" / "cookbook" / "photo.jpg"


def pan(photo: np.ndarray, count: int, size: Tuple[int, int], step: int) -> List[np.ndarray]:
    """Frames, uint8 RGB of this (height, width), of a camera that moves right by `step` pixels."""
    height, width = size
    top = (photo.shape[0] - height) // 2
    scene = np.asarray(photo[top : top + height], np.uint8)
    return [np.ascontiguousarray(scene[:, step * n : step * n + width]) for n in range(count)]


def by_itself(request: Any, film: List[np.ndarray]) -> List[np.ndarray]:
    """Each frame's dream, with a jitter of its own, as if it were a picture."""
    params = making.constant(request, np.random.RandomState(request.seed), None)
    params.update(making.changing(request)(0))
    return [deepdream(request.net, np.asarray(frame, np.float32), **params) for frame in film]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--model", default="motif_googlenet")
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--size", type=int, nargs=2, default=(192, 256), metavar=("H", "W"))
    parser.add_argument("--step", type=int, default=3, help="pixels from frame to frame")
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--octaves", type=int, default=3)
    parser.add_argument("--blends", type=float, nargs="+", default=[0, 0.25, 0.5, 0.75, 0.9])
    args = parser.parse_args()
    film = pan(pictures.load(args.photo), args.frames, tuple(args.size), args.step)
    rows = [["the film itself", f"{flicker(film, film):.2f}", "0.00"]]
    dream = Dream(end="", iterations=args.iterations, octaves=args.octaves)
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first.png"
        pictures.save(first, film[0])
        request = job.prepare(str(first), dream, model=args.model, seed=0)
        rows.append(_row("each by itself", by_itself(request, film), film))
        for blend in args.blends:
            made = filming.dreams(request, film, Video(blend=blend))
            rows.append(_row(f"--blend {blend:g}", [one.left.dream for one in made], film))
    print("\n".join(table(rows, ["dreams", "flicker", "apart from the film"], [1, 2])))


def _row(name: str, shown: List[np.ndarray], film: List[np.ndarray]) -> List[str]:
    apart = np.mean([np.abs(a - b).mean() for a, b in zip(shown, film)])
    return [name, f"{flicker(shown, film):.2f}", f"{apart:.2f}"]


if __name__ == "__main__":
    main()
