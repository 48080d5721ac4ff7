"""Which of a model's sources answer now, and how quickly."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

from .. import transfer
from .source import Source

SECONDS = 4.0  # that a server has to answer
PIP_SECONDS = 20.0  # that pip has, which loads itself first
_AT_ONCE = 8


@dataclass(frozen=True)
class Answer:
    """What a source said: `wrong` is "" where it has the file; `seconds` that it took."""

    source: Source
    wrong: str
    seconds: float


def ask(source: Source) -> Answer:
    """Ask one source whether it has its file: a server by HEAD, pip for the package's versions."""
    start = time.monotonic()
    if source.kind == "pypi":
        wrong = _asked_of_pip(source.requirement)
    else:
        wrong, size = transfer.answers(source.url, SECONDS)
        expected = source.archive_size if source.member else source.size
        if not wrong and None not in (size, expected) and size != expected:
            wrong = f"has {size} bytes, not {expected}"
    return Answer(source, wrong, time.monotonic() - start)


def _asked_of_pip(requirement: str) -> str:
    name, _, version = requirement.partition("==")
    command = [
        sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check",
        "--no-input", "--retries", "0", "--timeout", str(int(SECONDS)), "--", name,
    ]  # fmt: skip
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PIP_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return "pip does not answer"
    if run.returncode:
        missing = "No module named pip" in run.stderr
        return "this Python has no pip" if missing else "pip's package index does not answer"
    words = run.stdout.replace(",", " ").split()
    return "" if version in words else f"pip's package index has no version {version}"


def nearest(by_name: Dict[str, List[Source]]) -> Dict[str, Optional[Answer]]:
    """For each name, the first answer of the source that answers most quickly; or that of the
    first, with what is wrong, where none does. None where there are no sources.

    All are asked at once, each place only once.
    """
    every = {source.place: source for sources in by_name.values() for source in sources}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = {answer.source.place: answer for answer in pool.map(ask, every.values())}
    return {
        name: _best(answers[source.place] for source in sources)
        for name, sources in by_name.items()
    }


def _best(answers: Iterable[Answer]) -> Optional[Answer]:
    found = list(answers)
    good = [answer for answer in found if not answer.wrong]
    if good:
        return min(good, key=lambda answer: answer.seconds)
    return found[0] if found else None
