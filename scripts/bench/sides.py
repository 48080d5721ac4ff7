"""The engines of the benchmark: what is installed, and a process for each of them.

They take turns, so that all of them meet the same moods of a shared machine.
"""

import argparse
import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ["compat", "caffe", "torch"]
PLAIN = "plain"  # the built-in engine with nets that are not lean; of steps, where it is named
Numbers = Dict[str, Any]


class Worker:
    """One engine in a process of its own, with these settings in its environment."""

    def __init__(self, python: str, engine: str, script: str, **settings: str) -> None:
        self.engine = engine
        self._process = process = subprocess.Popen(
            [python, str(ROOT / "scripts" / "bench" / script), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GLOG_minloglevel": "2", **settings},
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

    def ask(self, **question: Any) -> Numbers:
        """What its script answers."""
        time.sleep(0.2)  # until the threads of the engine before have gone to sleep
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            self._questions.write(json.dumps(question) + "\n")
            self._questions.flush()
        return self._answer()

    def end(self) -> None:
        """End the process."""
        self._questions.close()
        self._process.wait()


def has_torch(python: str) -> bool:
    command = [python, "-c", "import torch, google.protobuf"]
    return subprocess.run(command, capture_output=True).returncode == 0


def installed(args: argparse.Namespace) -> Dict[str, str]:
    """{engine: Python} of what there is to measure."""
    pythons = {"compat": sys.executable}
    if PLAIN in (args.engine or ()):
        pythons[PLAIN] = sys.executable
    if os.path.exists(args.caffe_python):
        pythons["caffe"] = args.caffe_python
    if has_torch(args.torch_python):
        pythons["torch"] = args.torch_python
    return {engine: p for engine, p in pythons.items() if engine in (args.engine or ENGINES)}


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else "unknown processor"
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores"


def workers(args: argparse.Namespace, script: str) -> List[Worker]:
    """A process for each engine that is installed and wanted."""
    return [Worker(python, engine, script) for engine, python in installed(args).items()]


def in_turn(
    workers: List[Worker], repeats: int, question: Numbers, left_out: int = 1
) -> Dict[Worker, List[Numbers]]:
    """Each worker's answers, asked in turn. left_out: of the first ones, which allocate."""
    answers: Dict[Worker, List[Numbers]] = {worker: [] for worker in workers}
    for turn in range(repeats + left_out):
        for worker in workers:
            answer = worker.ask(**question)
            if turn >= left_out:
                answers[worker].append(answer)
    return answers


def in_turn_apart(
    args: argparse.Namespace, script: str, repeats: int, question: Numbers
) -> Dict[str, List[Numbers]]:
    """{engine's name: answers}, in turn, each in a process that then ends.

    So nobody holds memory that the next one needs.
    """
    answers: Dict[str, List[Numbers]] = {}
    for _ in range(repeats):
        for engine, python in installed(args).items():
            worker = Worker(python, engine, script)
            answers.setdefault(worker.name, []).append(worker.ask(**question))
            worker.end()
    return answers


def medians(answers: List[Numbers]) -> Numbers:
    """The median of each number; not a number where one is missing."""
    return {
        key: statistics.median(math.nan if a[key] is None else a[key] for a in answers)
        for key in answers[0]
    }
