"""Seconds for each megapixel of a picture, from small to large, as a table and as an SVG.

A step of the notebook's dream at full size on the default net, up to inception_4c/output, in a
process that has loaded everything, of a dream of three to ten steps; by tiles where the memory is
too small for the picture.
"""

import argparse
from pathlib import Path
from typing import Dict, List

from deepdream.studies import plot
from scripts.bench.sides import in_turn_apart, medians

MEGAPIXELS = [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 12.0, 30.0]
QUICK = [0.05, 0.2]
_MODEL, _END = "creature_googlenet", "inception_4c/output"


def show(args: argparse.Namespace) -> None:
    """Print the table of sizes, and draw it into args.plot if that is given."""
    sizes = QUICK if args.quick else args.megapixels
    curves: Dict[str, List[float]] = {}
    print(f"\nSeconds for each megapixel, one step; medians of {args.user_repeats} in turn:\n")
    for size in sizes:
        steps = min(10, max(3, round(10 / size)))  # the notebook's ten, or what does not take long
        question = {"megapixels": size, "model": _MODEL, "end": _END, "steps": steps}
        found = in_turn_apart(args, "user_worker.py", args.user_repeats, question)
        if not curves:
            print(f"| megapixels | {' | '.join(found)} |")
            print("|---|" + "---|" * len(found))
        for name, answers in found.items():
            curves.setdefault(name, []).append(medians(answers)["seconds"] / size)
        cells = (f"{values[-1]:.3f}" for values in curves.values())
        print(f"| {size:g} | {' | '.join(cells)} |", flush=True)
    if args.plot:
        told = "Seconds of a step for each megapixel, against the picture's megapixels"
        drawn = plot.plot(
            curves, "seconds per megapixel", xlabel="megapixels", told=told, places=sizes
        )
        Path(args.plot).write_bytes(plot.standalone(drawn))
        print(f"\nwrote {args.plot}")
