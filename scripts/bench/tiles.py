"""Time per megapixel and peak memory of dreams by tiles, for pictures of several sizes; measured in
processes of their own, and drawn for docs/performance.md.

    python scripts/bench/tiles.py --megapixels 1 4 12 25 100 --memory 2G -o out/tiles.json
    python scripts/bench/tiles.py --draw out/tiles.json -o docs/assets/tiles.png
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def measured(megapixels: float, args: argparse.Namespace, folder: Path) -> Dict[str, Any]:
    """One step at full size of a picture of so many megapixels, 4:3."""
    width = round(math.sqrt(megapixels * 1e6 * 4 / 3))
    height = round(megapixels * 1e6 / width)
    photo = folder / "photo.png"
    rng = np.random.RandomState(0)
    coarse = rng.randint(0, 256, (height // 16 + 1, width // 16 + 1, 3)).astype(np.uint8)
    Image.fromarray(coarse).resize((width, height)).save(photo, compress_level=1)
    command = [sys.executable, "-m", "deepdream", "dream", str(photo), "--overwrite", "--quiet",
               "-o", str(folder / "dream.png"), "--end", args.end, "--engine", args.engine,
               "--iterations", "1", "--octaves", str(args.octaves), "--seed", "1",
               "--model", args.model]  # fmt: skip
    if args.memory:
        command += ["--memory", args.memory]
    started = time.monotonic()
    child = os.posix_spawn(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)})
    _, status, used = os.wait4(child, 0)
    seconds = time.monotonic() - started
    if status:
        raise SystemExit(f"{megapixels} megapixels: exit code {os.WEXITSTATUS(status)}")
    return {
        "megapixels": width * height / 1e6,
        "seconds": round(seconds, 2),
        "processor": round(used.ru_utime + used.ru_stime, 2),
        "peak": used.ru_maxrss * 1024,
        "tile": _tile(folder / "dream.png"),
    }


def _tile(path: Path) -> Any:
    from deepdream.pictures import read_recipe

    Image.MAX_IMAGE_PIXELS = None
    return json.loads(read_recipe(path)).get("tile")


def draw(record: Dict[str, Any], out: str) -> None:
    """Two curves against the picture's size: seconds for each megapixel, and peak memory."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for series in record["series"]:
        name = f"{series['model']}, {series['end']}, --memory {series['memory']}"
        sizes = [one["megapixels"] for one in series["sizes"]]
        left.plot(
            sizes, [one["processor"] / one["megapixels"] for one in series["sizes"]], "o-",
            label=name,
        )  # fmt: skip
        right.plot(sizes, [one["peak"] / 1e9 for one in series["sizes"]], "o-", label=name)
    left.set(ylabel="processor seconds per megapixel", ylim=(0, None))
    right.set(ylabel="peak memory (GB)", ylim=(0, None))
    for axes in (left, right):
        axes.set(xlabel="megapixels of the picture", xscale="log")
        axes.grid(alpha=0.3)
    left.legend(fontsize="small")
    figure.savefig(out, dpi=120)


def main(words: List[str]) -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--megapixels", type=float, nargs="+", default=[1, 4, 12, 25, 100])
    p.add_argument("--memory", default="")
    p.add_argument("--model", default="creature_googlenet")
    p.add_argument("--end", default="inception_4c/output")
    p.add_argument("--engine", default="compat")
    p.add_argument("--octaves", type=int, default=1)
    p.add_argument("--draw", metavar="JSON", help="draw what was measured, and measure nothing")
    p.add_argument("-o", "--out", required=True)
    args = p.parse_args(words)
    if args.draw:
        draw(json.loads(Path(args.draw).read_text()), args.out)
        return
    path = Path(args.out)
    record = json.loads(path.read_text()) if path.exists() else {"series": []}
    about = {"model": args.model, "end": args.end, "memory": args.memory}
    series: Dict[str, Any] = {**about, "sizes": []}
    record["series"].append(series)
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in args.megapixels:
            series["sizes"].append(measured(megapixels, args, Path(folder)))
            print(series["sizes"][-1], flush=True)
            path.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
