"""Time a gradient step of full-size bvlc_googlenet on every engine that is installed.

One step is forward to inception_4c/output, the notebook's objective, and backward; the weights are
random. Real Caffe (.caffe/, from `make caffe`) and PyTorch (eager, on the CPU) are measured where
they are installed. Each engine runs in a process of its own, and they take turns, so that all of
them meet the same moods of a shared machine. Memory is the peak above what the loaded net takes;
sizes rise, so that each has a peak of its own. --layers shows where the time goes.
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
from typing import Any, Dict, List, Optional

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from netfile.shapes import infer  # noqa: E402
from scripts.bench.bench_worker import END, PROTOTXT  # noqa: E402

SIZES = ["224x224", "1024x575", "2048x1150"]
ENGINES = ["compat", "caffe", "torch"]
Numbers = Dict[str, Any]


class Worker:
    """One engine in a process of its own."""

    def __init__(self, python: str, engine: str) -> None:
        self.engine = engine
        process = subprocess.Popen(
            [python, str(ROOT / "scripts" / "bench" / "bench_worker.py"), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GLOG_minloglevel": "2"},
        )
        assert process.stdin and process.stdout
        self._questions, self._answers = process.stdin, process.stdout
        self.about = self._answer()

    @property
    def name(self) -> str:
        return str(self.about["name"])

    def _answer(self) -> Numbers:
        line = self._answers.readline()
        if not line:
            raise SystemExit(f"bench: the {self.engine} process has ended; see above")
        answer: Numbers = json.loads(line)
        return answer

    def ask(self, width: int, height: int, layers: bool = False) -> Numbers:
        """What bench_worker answers for a picture of this size: one step, or the layers' times."""
        time.sleep(0.2)  # until the threads of the engine before have gone to sleep
        self._questions.write(json.dumps({"size": [width, height], "layers": layers}) + "\n")
        self._questions.flush()
        return self._answer()


def has_torch(python: str) -> bool:
    command = [python, "-c", "import torch, google.protobuf"]
    return subprocess.run(command, capture_output=True).returncode == 0


def sides(args: argparse.Namespace) -> Dict[str, str]:
    """{engine: Python} of what there is to measure."""
    pythons = {"compat": sys.executable}
    if os.path.exists(args.caffe_python):
        pythons["caffe"] = args.caffe_python
    if has_torch(args.torch_python):
        pythons["torch"] = args.torch_python
    return {engine: p for engine, p in pythons.items() if engine in (args.engine or ENGINES)}


def multiplications(width: int, height: int) -> Dict[str, int]:
    """Multiplications of the convolutions in one forward pass to END, {kind: number}."""
    from google.protobuf import text_format

    from caffe_compat.proto import caffe_pb2

    net = text_format.Parse(PROTOTXT.read_text(), caffe_pb2.NetParameter())
    sizes = infer(net, {"data": (1, 3, height, width)}, END)
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


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else "unknown processor"
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores"


def in_turn(
    workers: List[Worker], repeats: int, width: int, height: int
) -> Dict[Worker, List[Numbers]]:
    """Each worker's steps, taken in turn; the first one, which allocates, is left out."""
    runs: Dict[Worker, List[Numbers]] = {worker: [] for worker in workers}
    for turn in range(repeats + 1):
        for worker in workers:
            answer = worker.ask(width, height)
            if turn:
                runs[worker].append(answer)
    return runs


def show_steps(workers: List[Worker], sizes: List[str], repeats: int, rate: float) -> None:
    """Print a table: time and memory of a step of each engine at each size."""
    print(
        "| picture | engine | forward | backward | step | ours / its | peak memory | ours / its |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        width, height = map(int, size.split("x"))
        runs = in_turn(workers, repeats, width, height)
        rows = {
            worker: {
                key: statistics.median(answer[key] or math.nan for answer in answers)
                for key in answers[0]
            }
            for worker, answers in runs.items()
        }
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
    runs = {w: [w.ask(width, height, layers=True) for _ in range(repeats + 1)][1:] for w in workers}
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


def parse(argv: Optional[List[str]]) -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--size", nargs="+", default=SIZES, metavar="WxH", help="pictures, from small to large"
    )
    p.add_argument(
        "--repeats",
        type=int,
        default=7,
        help="steps of each engine at each size, in turn; medians are shown (default %(default)s)",
    )
    p.add_argument(
        "--engine", nargs="+", choices=ENGINES, help="only these (default: all that are installed)"
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
    return p.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse(argv)
    workers = [Worker(python, engine) for engine, python in sides(args).items()]
    rate = sgemm_rate()
    gemm = f"NumPy's sgemm {2 * rate / 1e9:.0f} GFLOP/s"
    print(f"{machine()}; {gemm}; medians of {args.repeats} in turn")
    first = ", ".join(f"{w.name} {w.about['first']:.1f} s" for w in workers)
    print(f"first pass, compiling or warming up: {first}\n")
    show_steps(workers, args.size, args.repeats, rate)
    if args.layers:
        show_layers(workers, args.layers, args.repeats, rate)


if __name__ == "__main__":
    main()
