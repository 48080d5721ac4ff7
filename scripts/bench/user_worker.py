"""One side of the benchmark of what users do: `deepdream` command lines, and steps of pictures of
any size, on one engine.

sides.py starts it and talks to it in lines of JSON: a question is a command line (`words`), or a
picture's size (`megapixels`) with a model and a layer; the answer has the seconds and the peak of
memory. The engine's name is compat, caffe or torch.
"""

import argparse
import contextlib
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import cli, nets  # noqa: E402
from deepdream.dream.octaves import deepdream  # noqa: E402
from deepdream.nets import engine as engines  # noqa: E402


def loaded(name: str) -> Any:
    """The engine, which is from now on what every command line gets."""
    if name == "torch":
        from scripts.bench import torch_engine

        caffe = torch_engine.engine()
    else:
        caffe = engines.load(name)
    engines.load = lambda name="auto": caffe
    return caffe


def forget_peak() -> None:
    """Let the peak of memory begin again, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def memory(field: str) -> Optional[float]:
    """Megabytes that this process takes (VmRSS), or its peak (VmHWM); None where nobody tells."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def commanded(question: Dict[str, Any]) -> float:
    """Seconds of a command line."""
    started = time.perf_counter()
    code = cli.main(question["words"])
    seconds = time.perf_counter() - started
    if code:
        raise SystemExit(f"bench: deepdream {' '.join(question['words'])}: exit code {code}")
    return seconds


def stepped(question: Dict[str, Any], caffe: Any) -> float:
    """Seconds of a step of the notebook's dream at full size, by tiles where it needs them.

    That is a share of a dream of so many `steps`, of which the first one finds a place for all.
    """
    megapixels = question["megapixels"]
    width = round(math.sqrt(megapixels * 1e6 * 4 / 3))
    size = round(megapixels * 1e6 / width), width
    end = question["end"]
    opened = nets.open(question["model"], caffe, layers=[end], sizes=[size], tiling=nets.Tiling())
    coarse = np.random.RandomState(0).uniform(0, 255, (size[0] // 16 + 1, size[1] // 16 + 1, 3))
    picture = coarse.repeat(16, 0).repeat(16, 1)[: size[0], : size[1]].astype(np.float32)
    deepdream(opened.net, picture, iter_n=1, octave_n=1, end=end, tile=opened.tile)  # loads code
    steps = question["steps"]
    started = time.perf_counter()
    deepdream(opened.net, picture, iter_n=steps, octave_n=1, end=end, tile=opened.tile)
    return (time.perf_counter() - started) / steps


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("engine", choices=["compat", "caffe", "torch"])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what commands print is no answer
    caffe = loaded(p.parse_args().engine)
    about = engines.describe(caffe)
    name = f"{about['name']} {about['version']}"
    print(json.dumps({"name": name}), file=answers, flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        forget_peak()
        seconds = commanded(question) if "words" in question else stepped(question, caffe)
        print(json.dumps({"seconds": seconds, "peak": memory("VmHWM")}), file=answers, flush=True)


if __name__ == "__main__":
    main()
