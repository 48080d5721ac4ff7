"""Time a gradient step of full-size bvlc_googlenet (forward to inception_4c/output, objective, backward) on every engine there is.

The weights are random. Real Caffe (.caffe/, from make caffe) and PyTorch (eager, CPU) are measured where they are installed, each in a
process of its own, in turn, so that all of them see the same moods of a shared machine. Memory is the peak above what the loaded net
takes, sizes rising. --layers tells where the time goes.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from netfile.shapes import infer  # noqa: E402
from scripts.bench.bench_worker import END, PROTOTXT  # noqa: E402

SIZES = ["224x224", "1024x575", "2048x1150"]


class Worker:
    """One engine in a process of its own."""

    def __init__(self, python, engine):
        self.engine = engine
        env = {**os.environ, "GLOG_minloglevel": "2"}
        self._process = subprocess.Popen(
            [python, str(ROOT / "scripts" / "bench" / "bench_worker.py"), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        self.about = self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"bench: the {self.engine} side ended; see above")
        return json.loads(line)

    def ask(self, size, **more):
        time.sleep(0.2)  # until the threads of the one before have gone to sleep
        self._process.stdin.write(json.dumps({"size": size, **more}) + "\n")
        self._process.stdin.flush()
        return self._answer()


def sides(args):
    """{engine: Python} of what is there to be measured."""
    found = {"compat": sys.executable}
    if os.path.exists(args.caffe_python):
        found["caffe"] = args.caffe_python
    if (
        subprocess.run(
            [args.torch_python, "-c", "import torch, google.protobuf"], capture_output=True
        ).returncode
        == 0
    ):
        found["torch"] = args.torch_python
    return {
        engine: python
        for engine, python in found.items()
        if not args.engine or engine in args.engine
    }


def multiplications(width, height):
    """Multiplications of one forward pass to END, over its convolutions, {kind: number}."""
    from google.protobuf import text_format

    from caffe_compat.proto import caffe_pb2

    net = text_format.Parse(PROTOTXT.read_text(), caffe_pb2.NetParameter())
    sizes = infer(net, {"data": (1, 3, height, width)}, END)
    total = {}
    for layer in net.layer:
        if layer.type == "Convolution" and layer.top[0] in sizes:
            p = layer.convolution_param
            kind = f"Convolution {p.kernel_size[0]}x{p.kernel_size[0]}"
            total[kind] = (
                total.get(kind, 0)
                + math.prod(sizes[layer.top[0]])
                * sizes[layer.bottom[0]][1]
                // p.group
                * p.kernel_size[0] ** 2
            )
    return total


def sgemm_rate(side=2000):
    """Multiply-adds per second of NumPy's sgemm on all cores: the best of five."""
    a = np.random.RandomState(0).normal(size=(side, side)).astype(np.float32)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - started)
    return side**3 / min(times)


def machine():
    lines = (
        Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    )
    cpu = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        "processor unknown",
    )
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores"


def show_steps(workers, sizes, repeats, rate):
    print(
        "| picture | engine | forward | backward | step | ours / its | peak memory | ours / its |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        width, height = map(int, size.split("x"))
        runs = {worker: [] for worker in workers}
        for turn in range(repeats + 1):
            for worker in workers:
                answer = worker.ask([width, height])
                if turn:  # the first is for allocating
                    runs[worker].append(answer)
        rows = {
            w: {key: statistics.median(run[key] or math.nan for run in found) for key in found[0]}
            for w, found in runs.items()
        }
        ours = next((row for w, row in rows.items() if w.engine == "compat"), None)
        for worker, row in rows.items():
            step = row["forward"] + row["backward"]
            ratio = memory = ""
            if ours and worker.engine != "compat":
                ratio, memory = (
                    f"{(ours['forward'] + ours['backward']) / step:.2f}",
                    f"{ours['peak'] / row['peak']:.2f}",
                )
            print(
                f"| {size} | {worker.about['name']} | {row['forward']:.3f} s | {row['backward']:.3f} s | {step:.3f} s | {ratio} | "
                f"{row['peak']:.0f} MB | {memory} |", flush=True,
            )  # fmt: skip
        floor = 2 * sum(multiplications(width, height).values()) / rate
        print(f"| {size} | the multiplications at NumPy's sgemm rate | | | {floor:.3f} s | | | |")


def show_layers(workers, size, repeats, rate):
    width, height = map(int, size.split("x"))
    workers = [w for w in workers if w.engine != "torch"]
    runs = {
        w: [w.ask([width, height], layers=True) for _ in range(repeats + 1)][1:] for w in workers
    }
    floor = multiplications(width, height)
    kinds = sorted({kind for found in runs.values() for run in found for kind in run})
    print(f"\nMilliseconds by layer kind at {size}, forward and backward:\n")
    print(
        "| layer | " + " | ".join(w.about["name"] for w in workers) + " | at NumPy's sgemm rate |"
    )
    print("|---|" + "---|" * (len(workers) + 1))
    for kind in kinds:
        cells = []
        for w in workers:
            pair = [
                statistics.median(run.get(kind, [0, 0])[place] for run in runs[w]) * 1000
                for place in (0, 1)
            ]
            cells.append(f"{pair[0]:.1f} + {pair[1]:.1f}")
        print(
            f"| {kind} | {' | '.join(cells)} | {2e3 * floor[kind] / rate:.1f} |"
            if kind in floor
            else f"| {kind} | {' | '.join(cells)} | |"
        )


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--size", nargs="+", default=SIZES, metavar="WxH", help="pictures, from small to large"
    )
    p.add_argument(
        "--repeats",
        type=int,
        default=7,
        help="steps of each engine at each size, in turn; the medians are shown",
    )
    p.add_argument(
        "--engine",
        nargs="+",
        choices=["compat", "caffe", "torch"],
        help="only these (default: all that are installed)",
    )
    p.add_argument(
        "--layers",
        nargs="?",
        const="1024x575",
        metavar="WxH",
        help="also the time by layer kind, at this size (1024x575)",
    )
    p.add_argument(
        "--caffe-python",
        default=str(ROOT / ".caffe" / "bin" / "python"),
        metavar="PATH",
        help="a Python that has Caffe",
    )
    p.add_argument(
        "--torch-python",
        default=sys.executable,
        metavar="PATH",
        help="a Python that has PyTorch (and protobuf)",
    )
    args = p.parse_args()
    workers = [Worker(python, engine) for engine, python in sides(args).items()]
    rate = sgemm_rate()
    print(
        f"{machine()}; NumPy's sgemm {2 * rate / 1e9:.0f} GFLOP/s; medians of {args.repeats} in turn"
    )
    print(
        "first pass, compiling or warming up: "
        + ", ".join(f"{w.about['name']} {w.about['first']:.1f} s" for w in workers)
        + "\n"
    )
    show_steps(workers, args.size, args.repeats, rate)
    if args.layers:
        show_layers(workers, args.layers, args.repeats, rate)


if __name__ == "__main__":
    main()
