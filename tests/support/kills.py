"""Command lines that are killed at any call of the system."""

import os
import random
from pathlib import Path
from typing import Any, Dict, Sequence

from deepdream import cli
from deepdream.dream import octaves
from deepdream.request import journal as journals

KILLED = 9
# what a process calls to write; a kill comes before or after one of these calls
CALLS = ("open", "mkdir", "replace", "link", "unlink", "fsync", "rmdir", "chmod")


def contents(folder: Any) -> Dict[str, bytes]:
    """{name: bytes} of all files in a folder and below it."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def killed_at(number: int, words: Sequence[Any]) -> int:
    """Run a command line in a forked process that dies, as by kill -9, at the call of this number.

    Returns the exit code: KILLED, or the command's own.
    """
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] >> 8
    calls = 0

    def dying(function: Any) -> Any:
        def call(*args: Any, **how: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                os._exit(KILLED)
            made = function(*args, **how)
            if calls == -number:
                os._exit(KILLED)
            return made

        return call

    for name in CALLS:
        setattr(os, name, dying(getattr(os, name)))
    steps: Any = octaves
    steps.make_step = dying(steps.make_step)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit(cli.main([str(word) for word in words]))


def kill_until_done(rng: random.Random, begin: Sequence[Any], out: Path, most: int) -> int:
    """Kill a run, and what goes on with it, again and again. Returns the number of kills."""
    words, kills = list(begin), 0
    while True:
        code = killed_at(rng.choice((-1, 1)) * rng.randrange(1, most), words)
        if code == 0:
            return kills
        assert code == KILLED
        kills += 1
        there = out.is_file() or (out.is_dir() and any(path.suffix for path in out.iterdir()))
        begun = journals.of(out).exists or there
        words = ["resume", out] if begun else list(begin)
