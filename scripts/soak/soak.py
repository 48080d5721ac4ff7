"""Attack the project for an hour, and say what held: `make soak`, or soak.py --minutes 60.

Every campaign gets its share of the time, on as many processes as there are cores. At the end a
table says how many attempts were made and how they ended. Exit code 1 if anything was found that
should not have happened; each such line names the seed that makes it happen again.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.soak.campaign import LONGEST, Campaign  # noqa: E402
from scripts.soak.worker import CAMPAIGNS  # noqa: E402

_STRIDE = 10**6  # between the seeds of two workers


@dataclass
class Tally:
    """What came of a campaign: {ending: attempts}, and every fault with its seed."""

    endings: Dict[str, int] = field(default_factory=Counter)
    faults: List[str] = field(default_factory=list)

    def add(self, seed: int, ended: str) -> None:
        if ended.startswith("fault"):
            self.faults.append(f"seed {seed}: {ended}")
            ended = "fault"
        self.endings[ended] += 1


def _worker(name: str, seed: int, seconds: float, tally: Tally) -> None:
    """Run one worker, and another from the next seed on wherever it dies or hangs."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        process = subprocess.Popen(
            [sys.executable, "scripts/soak/worker.py", name, "--seed", str(seed),
             "--seconds", str(left)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        begun = _listen(process, tally)
        if process.wait() == 0:
            return
        last = seed if begun is None else begun
        tally.add(last, f"fault: the process ended with code {process.returncode}")
        seed = last + 1


def _listen(process: "subprocess.Popen[str]", tally: Tally) -> Optional[int]:
    """Take a worker's lines; kill it where it says nothing. The seed of its last attempt."""
    begun: Optional[int] = None
    stdout: IO[Any] = process.stdout  # type: ignore[assignment]
    timer: Optional[threading.Timer] = None
    while True:
        timer = threading.Timer(3 * LONGEST, process.kill)
        timer.start()
        line = stdout.readline()
        timer.cancel()
        if not line:
            return begun
        told = json.loads(line)
        begun = told.get("begun", begun)
        if "ended" in told:
            tally.add(told["seed"], told["ended"])


def run(campaign: Campaign, seconds: float, jobs: int, seed: int) -> Tally:
    """One campaign on so many processes."""
    tally = Tally()
    threads = [
        threading.Thread(target=_worker, args=(campaign.name, seed + i * _STRIDE, seconds, tally))
        for i in range(jobs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def table(tallies: Dict[str, Tally]) -> str:
    """The figures, in Markdown."""
    lines = ["| campaign | attack | attempts | how they ended | faults |",
             "|---|---|---|---|---|"]  # fmt: skip
    for name, tally in tallies.items():
        endings = ", ".join(
            f"{count} {ending}"
            for ending, count in sorted(tally.endings.items())
            if ending != "fault"
        )
        total = sum(tally.endings.values())
        lines.append(
            f"| {name} | {CAMPAIGNS[name].attack} | {total} | {endings} | {len(tally.faults)} |"
        )
    return "\n".join(lines)


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--minutes", type=float, default=60, help="altogether (default %(default)s)")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    p.add_argument("--seed", type=int, default=0, help="another one makes other attacks")
    p.add_argument("--only", nargs="+", metavar="NAME", choices=CAMPAIGNS, help="these campaigns")
    args = p.parse_args(argv)
    names = args.only or list(CAMPAIGNS)
    tallies: Dict[str, Tally] = {}
    for name in names:
        seconds = args.minutes * 60 / len(names)
        print(f"{name}: {seconds:.0f} seconds", file=sys.stderr, flush=True)
        tallies[name] = run(CAMPAIGNS[name], seconds, args.jobs, args.seed)
        for fault in tallies[name].faults:
            print(f"{name}, {fault}", file=sys.stderr, flush=True)
    print(table(tallies))
    return int(any(tally.faults for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
