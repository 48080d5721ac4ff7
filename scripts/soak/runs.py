"""Campaigns against long runs: stopped at random instants, in every way there is, and gone on with
until they end.

Each attempt stops a run, and whatever goes on with it, so many times: by kill -9, by SIGTERM, by
Ctrl-C, on a full disk, and by a second process in the same place. In the end its files equal those
of a run that nothing stopped, byte by byte.
"""

import functools
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List

from .campaign import LONGEST, Campaign, Fault, Shop, judged, limited

STOPS = 8  # in one attempt
_STARTING = 0.2  # share of the stops that come while Python is still loading
_LATEST = 1.5  # seconds after which a run is stopped
_MOST_BYTES = 40000  # that a file may have on a full disk; the frames' arrays have 27 kB
_DREAM = ["--octaves", "2", "--iterations", "4", "--seed", "1"]


@dataclass(frozen=True)
class Kind:
    """A long run: `name` of its campaign, and words that begin it, before its -o.

    out: what it makes, a file or a folder. again: whether the same words go on with it, and not
    `resume`.
    """

    name: str
    words: Callable[[Shop], List[str]]
    out: str
    again: bool = False

    def begin(self, shop: Shop, folder: Path) -> List[str]:
        net = ["--model", str(shop.model), "--engine", "compat"]
        return [*self.words(shop), "-o", str(folder / self.out), *net]

    def whole(self, shop: Shop) -> Dict[str, bytes]:
        """What it gives where nothing stops it; made once for all attempts of a shop.

        Its recipes name the photograph as seen from the results, so they lie as deep as an
        attempt's.
        """
        folder, done = shop.home / f"whole {self.name}", shop.home / f"done {self.name}"
        if not done.exists():
            shutil.rmtree(str(folder), ignore_errors=True)
            folder.mkdir()
            code, told, err = shop.finish(shop.start(self.begin(shop, folder)))
            judged(code, told, err, (0,))
            done.touch()
        return contents(folder)


KINDS = (
    Kind("zooms", lambda shop: ["zoom", str(shop.photo), "--frames", "24", *_DREAM], "frames"),
    Kind("films", lambda shop: ["video", str(shop.film), *_DREAM], "dream.mp4"),
    Kind("films' frames", lambda shop: ["video", str(shop.frames), *_DREAM], "dreams"),
    Kind("classes", lambda shop: ["classes", "all", "--seeds", "2"], "classes"),
    Kind(
        "matches",
        lambda shop: ["match", str(shop.photo), "--octaves", "3", "--octave-scale", "1.2",
                      "--evaluations", "30"],
        "match.png",
    ),
    Kind("batches", lambda shop: ["batch", str(shop.frames), *_DREAM], "dreams", again=True),
)  # fmt: skip


def contents(folder: Path) -> Dict[str, bytes]:
    """{name: bytes} of all files in a folder and below it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


class _Run:
    """One run of a kind in an attempt's folder, which is stopped again and again."""

    def __init__(self, kind: Kind, shop: Shop, rng: random.Random) -> None:
        self._kind, self._shop, self._rng = kind, shop, rng
        self._wanted = kind.whole(shop)
        self.is_done = False

    def _next(self) -> List[str]:
        """The words that begin it, or go on with it."""
        from deepdream.request import journal

        out = self._shop.here / self._kind.out
        begun = journal.of(out).exists or any(name in self._wanted for name in self._there())
        if begun and not self._kind.again:
            return ["resume", str(out), "--json"]
        listened = [] if self._kind.again else ["--json"]
        return [*self._kind.begin(self._shop, self._shop.here), *listened]

    def _there(self) -> Dict[str, bytes]:
        return contents(self._shop.here)

    def _wait(self, process: "subprocess.Popen[str]") -> None:
        """Let a process run for a random time: the stop's own moment."""
        if self._rng.random() >= _STARTING and process.stdout:
            process.stdout.readline()  # it has begun
        time.sleep(self._rng.uniform(0, _LATEST))

    def _ended(self, process: "subprocess.Popen[str]", *stopped: int) -> None:
        """Ask how a process has ended, and whether what it left is whole.

        stopped: its exit codes, where it did not just end by itself.
        """
        code, told, err = self._shop.finish(process)
        interrupted = "KeyboardInterrupt" in err  # Python itself was starting
        if code < 0 or (code == 1 and interrupted and -signal.SIGINT in stopped):
            if code not in (1, *stopped):
                raise Fault(f"exit code {code}; {err[-300:]!r}")
        else:
            judged(code, told, err, (0, *stopped))
        self.is_done = self.is_done or code == 0
        self._look()

    def _look(self) -> None:
        """Raise Fault where a result is not what the whole run gives, or nobody knows a file."""
        for name, data in self._there().items():
            if name in self._wanted:
                if data != self._wanted[name]:
                    raise Fault(f"{name} is not what it should be: {len(data)} bytes")
            elif not any(part.startswith(".") for part in Path(name).parts):
                raise Fault(f"{name} was left")

    def signalled(self, number: int, *stopped: int) -> None:
        process = self._shop.start(self._next())
        self._wait(process)
        process.send_signal(number)
        self._ended(process, *stopped)

    def on_a_full_disk(self) -> None:
        """A disk of which no file can have more than so many bytes."""
        most = self._rng.choice((0, 100, 3000, self._rng.randrange(_MOST_BYTES)))
        # Python's own compiled files must not be cut off by the limit
        how = {"env": {"PYTHONDONTWRITEBYTECODE": "1"}, "preexec_fn": limited(bytes_=most)}
        some_failed = [1] if self._kind.again else []
        self._ended(self._shop.start(self._next(), **how), 2, *some_failed)

    def by_two(self) -> None:
        """Two processes at once, of which one, both or none are killed."""
        words = self._next()
        both = [self._shop.start(words), self._shop.start(words)]
        self._wait(both[0])
        for process in both[: self._rng.randrange(3)]:
            process.kill()
        for process in both:
            self._ended(process, 2, -signal.SIGKILL)

    def finish(self) -> None:
        """Let it end, and compare all that is there."""
        code, told, err = self._shop.finish(self._shop.start(self._next()))
        judged(code, told, err, (0,))
        if self._there() != self._wanted:
            found = sorted(self._there())
            raise Fault(f"the results differ: {found}, not {sorted(self._wanted)}")


WAYS: Dict[str, Callable[[_Run], None]] = {
    "kill -9": lambda run: run.signalled(signal.SIGKILL, -signal.SIGKILL),
    "SIGTERM": lambda run: run.signalled(signal.SIGTERM, -signal.SIGTERM),
    "Ctrl-C": lambda run: run.signalled(signal.SIGINT, 130, -signal.SIGINT),
    "a full disk": _Run.on_a_full_disk,
    "a second process": _Run.by_two,
}


def stop(kind: Kind, rng: random.Random, shop: Shop) -> str:
    """Stop a run STOPS times, each in a random way, and let it end; one that ends before is
    followed by another."""
    run, started = _Run(kind, shop, rng), time.monotonic()
    for _ in range(STOPS):
        if time.monotonic() - started > 2 * LONGEST:
            break
        if run.is_done:
            run.finish()
            shutil.rmtree(str(shop.here))
            shop.here.mkdir()
            run = _Run(kind, shop, rng)
        way = rng.choice(list(WAYS))
        shop.stops[way] += 1
        WAYS[way](run)
    run.finish()
    return "whole"


CAMPAIGNS = tuple(
    Campaign(
        kind.name,
        f"{kind.name} stopped at random instants, and gone on with",
        functools.partial(stop, kind),
        share=2,
        stops=STOPS,
    )
    for kind in KINDS
)
