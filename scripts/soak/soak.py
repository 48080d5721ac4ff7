"""Attack the project for an hour, and say what held: `make soak`, or soak.py --minutes 60.

Every campaign gets its share of the time, on as many processes as there are cores. At the end a
table says how many attempts were made and how they ended. Exit code 1 if anything was found that
should not have happened; each such line names the seed that makes it happen again.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Dict, List, Mapping, Optional, Tuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.soak.campaign import LONGEST  # noqa: E402
from scripts.soak.worker import CAMPAIGNS  # noqa: E402

WORKER = ROOT / "scripts" / "soak" / "worker.py"
_STRIDE = 10**6  # between the seeds of two workers


@dataclass
class Tally:
    """What came of a campaign: {ending: attempts}, and every fault with its seed.

    tried, survived: the stops of long runs, by their ways; an attempt with a fault survived none.
    """

    endings: Dict[str, int] = field(default_factory=Counter)
    faults: List[str] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)

    def add(self, seed: int, ended: str, stops: Mapping[str, int] = {}) -> None:
        self.tried.update(stops)
        if ended.startswith("fault"):
            self.faults.append(f"seed {seed}: {ended}")
            ended = "fault"
        else:
            self.survived.update(stops)
        self.endings[ended] += 1


class _Worker:
    """A process that makes attempts, and another from the next seed on wherever it dies or hangs.

    patience: seconds of silence after which it is killed. least: attempts, however long they take.
    """

    def __init__(
        self, program: Path, name: str, patience: float, tally: Tally, least: int = 0
    ) -> None:
        self._command = [sys.executable, str(program), name]
        self._patience, self._tally, self._least = patience, tally, least

    def run(self, seed: int, seconds: float) -> None:
        end, most = time.monotonic() + seconds, seed + self._least
        while (left := end - time.monotonic()) > 0 or seed < most:
            least = max(0, most - seed)
            process = subprocess.Popen(
                [*self._command, "--seed", str(seed), "--seconds", str(max(0.0, left)),
                 "--least", str(least)],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            silent, last = self._listen(process, seed)
            code = process.wait()
            if code == 0:
                return
            why = f"said nothing for {self._patience:g} s" if silent else f"ended with code {code}"
            self._tally.add(last, f"fault: the process {why}")
            seed = last + 1

    def _listen(self, process: "subprocess.Popen[str]", seed: int) -> Tuple[bool, int]:
        """Take a process's lines: (whether it had to be killed, the seed of its last attempt)."""
        stdout: IO[str] = process.stdout  # type: ignore[assignment]
        while True:
            silence = threading.Timer(self._patience, process.kill)
            silence.start()
            line = stdout.readline()
            silent = not silence.is_alive()
            silence.cancel()
            if not line.endswith("\n"):
                return silent, seed
            told = json.loads(line)
            seed = told.get("begun", seed)
            if "ended" in told:
                self._tally.add(told["seed"], told["ended"], told.get("stops", {}))


def run(
    name: str,
    seconds: float,
    jobs: int,
    seed: int,
    program: Path = WORKER,
    patience: float = 3 * LONGEST,
    least: int = 0,
) -> Tally:
    """One campaign on so many processes of the program, as far as the time goes, and until each has
    made `least` attempts."""
    tally = Tally()
    threads = [
        threading.Thread(
            target=_Worker(program, name, patience, tally, least).run,
            args=(seed + i * _STRIDE, seconds),
        )
        for i in range(jobs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not tally.endings:
        tally.faults.append(f"no attempt ended within {seconds:g} seconds; give it more time")
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


def survived(tallies: Mapping[str, Tally]) -> str:
    """How many stops of long runs were survived, of how many that were tried, in all and by their
    ways; "" where none was tried."""
    tried: Counter[str] = sum((tally.tried for tally in tallies.values()), Counter())
    held: Counter[str] = sum((tally.survived for tally in tallies.values()), Counter())
    if not tried:
        return ""
    ways = ", ".join(f"{way} {held[way]}/{tried[way]}" for way in sorted(tried))
    return (
        f"stops of long runs survived / tried: {sum(held.values())}/{sum(tried.values())} ({ways})"
    )


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--minutes", type=float, default=60, help="altogether (default %(default)s)")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    p.add_argument("--seed", type=int, default=0, help="another one makes other attacks")
    p.add_argument(
        "--stops",
        type=int,
        default=200,
        help="of long runs at least, however long they take (default %(default)s)",
    )
    p.add_argument("--only", nargs="+", metavar="NAME", choices=CAMPAIGNS, help="these campaigns")
    args = p.parse_args(argv)
    names = args.only or list(CAMPAIGNS)
    tallies: Dict[str, Tally] = {}
    started = time.monotonic()
    stops = sum(CAMPAIGNS[name].stops for name in names)  # if each makes one attempt
    least = math.ceil(args.stops / max(1, stops) / args.jobs)
    shares = sum(CAMPAIGNS[name].share for name in names)
    for name in names:
        seconds = args.minutes * 60 * CAMPAIGNS[name].share / shares
        print(f"{name}: {seconds:.0f} seconds", file=sys.stderr, flush=True)
        many = least if CAMPAIGNS[name].stops else 0
        tallies[name] = run(name, seconds, args.jobs, args.seed, least=many)
        for fault in tallies[name].faults:
            print(f"{name}, {fault}", file=sys.stderr, flush=True)
    print(table(tallies))
    if held := survived(tallies):
        print(f"\n{held}")
    attempts = sum(sum(tally.endings.values()) for tally in tallies.values())
    faults = sum(len(tally.faults) for tally in tallies.values())
    minutes = (time.monotonic() - started) / 60
    print(f"\n{attempts} attempts in {minutes:.0f} minutes, {args.jobs} at a time: "
          f"{faults} faults")  # fmt: skip
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
