"""A gradient step of full-size bvlc_googlenet: its time and memory, and where the time goes.

One step is forward to inception_4c/output, the notebook's objective, and backward; the weights are
random. Memory is the peak above what the loaded net takes; sizes rise, so that each has a peak of
its own.
"""

import argparse
import math
import statistics
import time
from typing import Dict, List, Optional

import numpy as np

from netfile.shapes import infer
from scripts.bench.bench_worker import END, PROTOTXT
from scripts.bench.sides import Numbers, Worker, in_turn, medians, workers


def multiplications(width: int, height: int) -> Dict[str, int]:
    """Multiplications of the convolutions in one forward pass to END, {kind: number}."""
    from google.protobuf import text_format

    from caffe_compat.proto import caffe_pb2

    net = text_format.Parse(PROTOTXT.read_text(), caffe_pb2.NetParameter())
    shapes = infer(net, {"data": (1, 3, height, width)}, END)
    sizes = {blob: shape for blob, shape in shapes.items() if shape}
    total: Dict[str, int] = {}
    for layer in net.layer:
        if layer.type == "Convolution" and layer.top[0] in sizes:
            p = layer.convolution_param
            side, depth = p.kernel_size[0], sizes[layer.bottom[0]][1] // p.group
            kind = f"Convolution {side}x{side}"
            count = math.prod(sizes[layer.top[0]]) * depth * side**2
            total[kind] = total.get(kind, 0) + count
    return total


def sgemm_rate(side: int = 2000) -> float:
    """Multiply-adds per second of NumPy's sgemm on all cores: the best of five."""
    a = np.random.RandomState(0).normal(size=(side, side)).astype(np.float32)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - started)
    return side**3 / min(times)


def show_steps(workers: List[Worker], sizes: List[str], repeats: int, rate: float) -> None:
    """Print a table: time and memory of a step of each engine at each size."""
    print(
        "| picture | engine | forward | backward | step | ours / its | peak memory | ours / its |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        width, height = map(int, size.split("x"))
        runs = in_turn(workers, repeats, {"size": [width, height], "layers": False})
        rows = {worker: medians(answers) for worker, answers in runs.items()}
        ours = next((row for w, row in rows.items() if w.engine == "compat"), None)
        for worker, row in rows.items():
            print(step_row(size, worker, row, ours), flush=True)
        floor = 2 * sum(multiplications(width, height).values()) / rate
        print(f"| {size} | the multiplications at NumPy's sgemm rate | | | {floor:.3f} s | | | |")


def step_row(size: str, worker: Worker, row: Numbers, ours: Optional[Numbers]) -> str:
    """One line of that table; `ours` is what the built-in engine took, to compare with."""
    step = row["forward"] + row["backward"]
    ratio = memory = ""
    if ours and worker.engine != "compat":
        ratio = f"{(ours['forward'] + ours['backward']) / step:.2f}"
        memory = f"{ours['peak'] / row['peak']:.2f}"
    return (
        f"| {size} | {worker.name} | {row['forward']:.3f} s | {row['backward']:.3f} s "
        f"| {step:.3f} s | {ratio} | {row['peak']:.0f} MB | {memory} |"
    )


def show_layers(workers: List[Worker], size: str, repeats: int, rate: float) -> None:
    """Print a table: milliseconds of each kind of layer, forward and backward."""
    width, height = map(int, size.split("x"))
    workers = [w for w in workers if w.engine != "torch"]
    runs = in_turn(workers, repeats, {"size": [width, height], "layers": True})
    floor = multiplications(width, height)
    print(f"\nMilliseconds by layer kind at {size}, forward and backward:\n")
    print(f"| layer | {' | '.join(w.name for w in workers)} | at NumPy's sgemm rate |")
    print("|---|" + "---|" * (len(workers) + 1))
    for kind in sorted({kind for answers in runs.values() for times in answers for kind in times}):
        cells = []
        for answers in runs.values():
            forward, backward = (
                1000 * statistics.median(times.get(kind, [0, 0])[place] for times in answers)
                for place in (0, 1)
            )
            cells.append(f"{forward:.1f} + {backward:.1f}")
        cells.append(f"{2e3 * floor[kind] / rate:.1f}" if kind in floor else "")
        print(f"| {kind} | {' | '.join(cells)} |")


def show(args: argparse.Namespace) -> None:
    """Print the tables of steps."""
    each = workers(args, "bench_worker.py")
    rate = sgemm_rate()
    first = ", ".join(f"{w.name} {w.about['first']:.1f} s" for w in each)
    print(f"NumPy's sgemm {2 * rate / 1e9:.0f} GFLOP/s; medians of {args.repeats} in turn")
    print(f"first pass, which loads code and may compile it: {first}\n")
    show_steps(each, args.size, args.repeats, rate)
    if args.layers:
        show_layers(each, args.layers, args.repeats, rate)
    for worker in each:
        worker.end()
