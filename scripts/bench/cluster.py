"""Pictures per second by the workers of this machine, beside plain processes that share its cores;
and what a piece of work costs beside the work. Figures of docs/cluster.md.

    python scripts/bench/cluster.py --pictures 8 --size 224x168 --workers 1 2 -o out/cluster.json
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.cluster import joined  # noqa: E402
from deepdream.cluster.client import cores  # noqa: E402

_ROUNDS = 20


def echo(data: bytes, shape: Any) -> np.ndarray:
    """What a picture's work moves: its file there, its dream back."""
    return np.zeros(shape, np.float32)


def photographs(folder: Path, count: int, width: int, height: int) -> List[Path]:
    """New photographs, none like another."""
    paths = []
    for number in range(count):
        coarse = np.random.RandomState(number).randint(0, 256, (height // 8, width // 8, 3))
        path = folder / f"{number:03d}.jpg"
        Image.fromarray(coarse.astype(np.uint8)).resize((width, height)).save(path)
        paths.append(path)
    return paths


def seconds_of(commands: List[List[str]], share: int) -> Tuple[float, float]:
    """(how long commands take that begin at once, each on so many cores; their processor time)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if share:
        environment["CAFFE_COMPAT_THREADS"] = str(share)
    started, before = time.monotonic(), os.times()
    running = [subprocess.Popen(command, env=environment) for command in commands]
    if any([process.wait() for process in running]):
        raise SystemExit("a command has failed")
    after = os.times()
    used = sum(after[2:4]) - sum(before[2:4])  # of children, and of theirs
    return round(time.monotonic() - started, 2), round(used, 2)


def batches(paths: List[Path], out: Path, parts: int, words: List[str]) -> List[List[str]]:
    """The command lines of `batch` for the pictures, dealt out to so many of them."""
    start = [sys.executable, "-m", "deepdream", "batch", "--quiet", *words, "-o"]
    return [[*start, str(out / str(part)), *map(str, paths[part::parts])] for part in range(parts)]


def overhead(size: Any) -> Dict[str, float]:
    """Milliseconds of a piece of work that does nothing, by what it moves."""
    width, height = size
    started = time.monotonic()
    found: Dict[str, float] = {}
    with joined(None, 1) as cluster:
        cluster.result(cluster.begin(os.getpid))
        found["start"] = round(1000 * (time.monotonic() - started))
        photo = os.urandom(width * height // 4)
        pieces: Dict[str, List[Any]] = {
            "nothing": [os.getpid],
            "a picture": [echo, photo, (height, width, 3)],
            "12 MB there and back": [echo, bytes(12 << 20), (3, 1024, 1024)],
        }
        for name, work in pieces.items():
            started = time.monotonic()
            for _ in range(_ROUNDS):
                cluster.result(cluster.begin(*work))
            found[name] = round(1000 * (time.monotonic() - started) / _ROUNDS, 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(";")[0])
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--size", default="224x168", help="WIDTHxHEIGHT")
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("-o", "--out", help="a JSON file")
    args = parser.parse_args()
    size = tuple(map(int, args.size.split("x")))
    words = ["--iterations", str(args.iterations), "--seed", "1", "--model", "motif_googlenet"]
    record: Dict[str, Any] = {"asked": vars(args), "overhead": overhead(size), "runs": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = photographs(folder, args.pictures, *size)
        for count in args.workers:
            share = max(1, cores() // count)
            plain, workers = folder / f"plain-{count}", folder / f"workers-{count}"
            plain.mkdir()
            workers.mkdir()
            one: Dict[str, Any] = {"workers": count}
            one["plain"] = seconds_of(batches(paths, plain, count, words), share)
            elsewhere = batches(paths, workers, 1, [*words, "--workers", str(count)])
            one["dask"] = seconds_of(elsewhere, 0)
            record["runs"].append(one)
    text = json.dumps(record, indent=1)
    print(text)
    if args.out:
        Path(args.out).write_text(text + "\n")


if __name__ == "__main__":
    main()
