"""How long it takes to start: from `deepdream dream` to its first step, and the first compile.

A process of its own each time; the step's time is in it. The first compile is that of a copy of the
engine, which has no compiled loops.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List

from scripts.bench.sides import ROOT, installed

_PHOTO = ROOT / "docs" / "cookbook" / "mountains.jpg"
_COMPILE = """
import time
started = time.perf_counter()
import caffe_compat
caffe_compat.Net
from caffe_compat.kernels import threads
threads.prepare()
print(time.perf_counter() - started)
"""


def first_step(python: str, engine: str, folder: Path) -> float:
    """Seconds from the start of a process to the end of its first step."""
    command = [python, "-m", "deepdream", "dream", str(_PHOTO), "-o", str(folder / "out.png"),
               "--overwrite", "--seed", "0", "--max-size", "224", "--octaves", "1",
               "--iterations", "1", "--engine", engine, "--json"]  # fmt: skip
    # the compiled modules of an installation are there after its first start
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if json.loads(line)["event"] == "progress":
                seconds = time.perf_counter() - started
                break
        else:
            raise SystemExit(f"bench: {' '.join(command)} has made no step; see above")
        process.stdout.read()
    return seconds


def first_compile() -> float:
    """Seconds until the loops of a new installation are compiled."""
    with tempfile.TemporaryDirectory() as folder:
        for package in ("netfile", "caffe_compat"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, Path(folder) / package, ignore=ignored)
        environment = {**os.environ, "PYTHONPATH": folder, "DEEPDREAM_HOME": f"{folder}/home"}
        environment.pop("NUMBA_CACHE_DIR", None)
        run = subprocess.run(
            [sys.executable, "-c", _COMPILE], cwd=folder, env=environment,
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return float(run.stdout)


def show(args: argparse.Namespace) -> None:
    """Print the table of starts."""
    pythons = {e: python for e, python in installed(args).items() if e != "torch"}
    times: Dict[str, List[float]] = {engine: [] for engine in pythons}
    repeats = 1 if args.quick else args.repeats
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(repeats + 1):
            for engine, python in pythons.items():
                place = Path(folder) / engine
                place.mkdir(exist_ok=True)
                seconds = first_step(python, engine, place)
                if turn:
                    times[engine].append(seconds)
    print(f"\nFrom `deepdream dream` to the first step of a picture of 224x168; medians of "
          f"{repeats} in turn:\n")  # fmt: skip
    print("| engine | first step |")
    print("|---|---|")
    for engine, seconds_of in times.items():
        print(f"| {engine} | {statistics.median(seconds_of):.2f} s |")
    if "compat" in pythons:
        print(f"\nThe first compile, once on each machine: {first_compile():.1f} s")
