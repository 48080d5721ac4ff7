"""What users do, on each engine: a dream, a frame of a zoom, class pictures, a match.

Command lines of `deepdream` on the default net, with its own settings, from reading the photograph
to writing the result, in a process that has loaded everything. PyTorch runs the same command lines
by torch_engine.py. Memory is the peak of the whole process.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple

from scripts.bench.sides import ROOT, Numbers, Worker, in_turn, medians, workers

_PHOTO = ROOT / "docs" / "cookbook" / "mountains.jpg"


class Use(NamedTuple):
    """A command line, with {out} for a place of its own. things: how many it makes, which
    share the time."""

    name: str
    words: str
    things: int = 1


# as users type them, with a seed, so that every engine and every turn does the same
USES = (
    Use("a default dream", f"dream {_PHOTO} -o {{out}}.png --seed 0"),
    Use("a frame of a zoom", f"zoom {_PHOTO} -o {{out}} --frames 2 --seed 0", 2),
    Use("16 class pictures", "classes owl fish zebra flower -o {out} --seeds 4"),
    Use("a match of 50 gradients", f"match {_PHOTO} -o {{out}}.png --octaves 1 --evaluations 50"),
)
# the same with less to do, to try the benchmark
QUICK = (
    Use("a small dream", f"{USES[0].words} --max-size 400 --octaves 2 --iterations 1"),
    Use("a frame of a small zoom", f"{USES[1].words} --max-size 300 --octaves 1 --iterations 1", 2),
    Use("a class picture", "classes owl -o {out} --seeds 1 --method simonyan"),
    Use("a match of 3 gradients", f"match {_PHOTO} -o {{out}}.png --octaves 1 --evaluations 3"),
)


def measured(each: List[Worker], use: Use, repeats: int, folder: str) -> Dict[Worker, Numbers]:
    """The median seconds of one thing, and the peak in MB, by engine."""
    rows = {}
    words = f"{use.words.format(out=Path(folder) / 'out')} --overwrite --quiet".split()
    for worker, answers in in_turn(each, repeats, {"words": words}).items():
        rows[worker] = medians(answers)
        rows[worker]["seconds"] /= use.things
    return rows


def show(args: argparse.Namespace) -> None:
    """Print the table of what users do."""
    each = workers(args, "user_worker.py")
    repeats = args.user_repeats
    print(f"\nWhat users do; medians of {repeats} in turn:\n")
    print("| what | engine | time | ours / its | peak memory | ours / its |")
    print("|---|---|---|---|---|---|")
    for use in QUICK if args.quick else USES:
        with tempfile.TemporaryDirectory() as folder:
            rows = measured(each, use, repeats, folder)
        ours = next((row for worker, row in rows.items() if worker.engine == "compat"), None)
        for worker, row in rows.items():
            time = memory = ""
            if ours and worker.engine != "compat":
                time = f"{ours['seconds'] / row['seconds']:.2f}"
                memory = f"{ours['peak'] / row['peak']:.2f}"
            print(
                f"| {use.name} | {worker.name} | {row['seconds']:.2f} s | {time} "
                f"| {row['peak']:.0f} MB | {memory} |",
                flush=True,
            )
    for worker in each:
        worker.end()
