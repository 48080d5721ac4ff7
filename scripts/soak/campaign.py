"""What a campaign is: one attempt after another, each of them one attack by a seed of its own."""

import contextlib
import io
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 120  # seconds that one attempt may take; these machines may be busy
_SEVERAL = re.compile(r"^[0-9]+ of [0-9]+ pictures done; ", re.MULTILINE)
_TOLD_BY = re.compile(r"(deepdream|net-surgery|net_surgery)( [a-z-]+)*: ")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Fault(Exception):
    """What should not have happened."""


@dataclass(frozen=True)
class Campaign:
    """attempt(rng, shop) makes one attack and says how it ended, or raises Fault.

    share: of the time; one whose attempts start processes gets more. stops: of a long run in an
    attempt that nothing cuts short.
    """

    name: str
    attack: str
    attempt: Callable[[random.Random, "Shop"], str]
    share: int = 1
    stops: int = 0


class Shop:
    """A folder with a small model and pictures, which attempts work in.

    The files under `home` are never changed; each attempt gets a fresh folder, `here`. stops: how
    often this attempt has stopped a long run, by the way in which it did.
    """

    def __init__(self, home: Path, name: str = "attempt") -> None:
        from . import supplies

        self.home, self.here = home, home / name
        self.stops: Counter[str] = Counter()
        supplies.lay_out(home)

    @property
    def model(self) -> Path:
        return self.home / "model"

    @property
    def photo(self) -> Path:
        return self.home / "photo.png"

    @property
    def frames(self) -> Path:
        """A folder with the frames of a short film."""
        return self.home / "frames"

    @property
    def film(self) -> Path:
        """The film of these frames."""
        return self.home / "film.mp4"

    @property
    def dreamt(self) -> Path:
        """A picture that was dreamt of the photo, with its recipe."""
        return self.home / "dreamt.png"

    @property
    def recording(self) -> Path:
        """A recorded dream of the photo."""
        return self.home / "recording"

    @property
    def any_size(self) -> Path:
        """A copy of the model, with its net of any size, and a dream on that net beside it."""
        return self.home / "any_size"

    def dream(self, out: Path, *more: str) -> List[str]:
        """The words of a dream that takes a second or so."""
        model = ["--model", str(self.model), "--engine", "compat"]
        return ["dream", str(self.photo), "-o", str(out), *model, "--octaves", "2", *more]

    def start(self, words: Sequence[str], **how: Any) -> "subprocess.Popen[str]":
        """The command line in a process of its own."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **how.pop("env", {})}
        return subprocess.Popen(
            [sys.executable, "-m", "deepdream", *words],
            cwd=str(self.here),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            **how,
        )

    def finish(self, process: "subprocess.Popen[str]") -> Tuple[int, str, str]:
        """(exit code, stdout, stderr) of a started command; Fault where it hangs."""
        try:
            out, err = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Fault(f"hung: {process.args!r}") from None
        return process.returncode, out, err


class _Late(BaseException):
    """Time is up; nothing that an attack calls takes this for an error of its own."""


@contextlib.contextmanager
def in_time(seconds: int = LONGEST) -> Iterator[None]:
    """Raise Fault in what takes longer."""

    def late(*_: Any) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    except _Late:
        raise Fault(f"hung for {seconds} seconds") from None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def call(words: Sequence[str], program: Any = None) -> Tuple[int, str, str]:
    """Call a command line, deepdream's by default, in this process; (exit code, stdout, stderr)."""
    from deepdream import cli

    out, err = io.StringIO(), io.StringIO()
    with in_time(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code: Any = (program or cli).main(list(words))
        except SystemExit as e:
            code = e.code
    return int(code or 0), out.getvalue(), err.getvalue()


def judged(code: int, out: str, err: str, codes: Sequence[int] = (0, 2)) -> str:
    """How a command line ended, "done" or "refused"; Fault where it is not as it should be."""
    told = f"exit code {code}; {err[-600:]!r}"
    if "Traceback" in err or "Traceback" in out:
        raise Fault(f"a traceback; {told}")
    if code not in codes:
        raise Fault(told)
    if _UNPRINTABLE.search(out + err):
        raise Fault(f"control bytes on the terminal; {out[-300:]!r} {told}")
    if code == 2:
        lines = [line for line in err.replace("\r", "\n").splitlines() if _TOLD_BY.match(line)]
        each_its_own = _SEVERAL.search(out) is not None
        if not lines or (len(lines) > 1 and not each_its_own):
            raise Fault(f"{len(lines)} lines say why; {told}")
    return {0: "done", 2: "refused"}.get(code, f"exit code {code}")


def leftovers(folder: Path, expected: Sequence[str]) -> List[str]:
    """Names in a folder beside those expected."""
    return sorted(set(os.listdir(str(folder))) - set(expected))


def whole_picture(path: Path) -> None:
    """Raise Fault where a picture is not whole."""
    from deepdream import pictures
    from deepdream.errors import DreamError

    try:
        pictures.load(path)
    except DreamError as e:
        raise Fault(f"a broken picture under its good name: {e}") from None


def limited(bytes_: Optional[int] = None, memory: Optional[int] = None) -> Callable[[], None]:
    """What a child process calls first: no file may grow beyond `bytes_`, nor its memory."""

    def limit() -> None:
        import resource

        if bytes_ is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return limit


HOSTILE: Dict[str, Sequence[Any]] = {
    "text": ["", ".", "..", "/", "\x1b[31mred", "a\nb", "é" * 300, "x" * 5000, "-", "--", "²",
             "\udcff", "$(id)", "%s%n", "../../etc/passwd", "/dev/zero", "/dev/full", "CON",
             "nul\0byte"],
    "number": ["0", "-1", "1e308", "-1e308", "nan", "inf", "-inf", "²", "0x10", "1_000", "9" * 400,
               "2147483648", "1e-320", ".", "-", "1,5", "٣"],
}  # fmt: skip
