"""A step on 1, 2, 4, ... cores: how much quicker each number of them is, as a table and an SVG.

The built-in engine alone, the same step as in steps.py, a process for each number of threads.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Dict, List

from deepdream.studies import plot
from scripts.bench.sides import Worker, in_turn, medians

QUICK = ["64x64"]


def numbers(cores: int) -> List[int]:
    """The powers of two below the cores, and all of them."""
    return [*(2**i for i in range(cores.bit_length()) if 2**i < cores), cores]


def show(args: argparse.Namespace) -> None:
    """Print the table of cores, and draw it into args.plot_cores if that is given."""
    counts = args.threads or numbers(len(os.sched_getaffinity(0)))
    sizes = QUICK if args.quick else args.size
    each = [
        Worker(sys.executable, "compat", "bench_worker.py", CAFFE_COMPAT_THREADS=str(count))
        for count in counts
    ]
    print(f"\nA step on so many threads; medians of {args.repeats} in turn:\n")
    print("| picture | threads | step | speed-up | for each thread |")
    print("|---|---|---|---|---|")
    curves: Dict[str, List[float]] = {}
    for size in sizes:
        question = {"size": [*map(int, size.split("x"))], "layers": False}
        runs = in_turn(each, args.repeats, question)
        seconds = []
        for answers in runs.values():
            found = medians(answers)
            seconds.append(found["forward"] + found["backward"])
        # against the first: one thread, unless others were asked for
        curves[size] = [counts[0] * seconds[0] / taken for taken in seconds]
        for count, taken, gain in zip(counts, seconds, curves[size]):
            print(f"| {size} | {count} | {taken:.3f} s | {gain:.2f} | {gain / count:.2f} |")
    for worker in each:
        worker.end()
    if args.plot_cores:
        told = "How much quicker a step is on so many threads than on one"
        drawn = plot.plot(curves, "speed-up", xlabel="threads", told=told, places=counts)
        Path(args.plot_cores).write_bytes(plot.standalone(drawn))
        print(f"\nwrote {args.plot_cores}")
