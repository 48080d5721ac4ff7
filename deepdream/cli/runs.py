"""Long runs: where one may begin, what is said where one stops, and how one goes on."""

import argparse
import os
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

from netfile.terminal import say

from .. import nets, pictures
from ..errors import DreamError, NotFiniteError, RunError, ZeroGradientError
from ..request import fields
from ..request.following import Repeat, follow
from ..request.journal import Journal
from . import events, moved
from .advice import goes_on


def check_free(journal: Journal, overwrite: bool) -> None:
    """Ask whether a run may begin in this place.

    Raises:
        RunError: another process works there, or an unfinished run is there and `overwrite` is not
            set.
    """
    if journal.exists:
        with journal.held():
            check_none(journal, overwrite)


def check_none(journal: Journal, overwrite: bool) -> None:
    """Ask likewise, where this process holds the journal. Raises RunError."""
    if journal.exists and not overwrite:
        raise RunError(f"{journal.out}: holds an unfinished run", unfinished=journal.out)


@contextmanager
def kept(journal: Journal) -> Iterator[None]:
    """Context manager for a run's work: whatever stops it, what is said tells how it goes on.

    Where it would only fail again, it is forgotten.
    """
    try:
        yield
    except (NotFiniteError, ZeroGradientError):
        journal.end()
        raise
    except DreamError as e:
        e.resumable = journal.out if journal.exists else ""
        raise
    except KeyboardInterrupt as e:
        if journal.exists:
            e.args = (f"stopped; {goes_on(journal.out)}",)
        raise


def model_place(model: nets.Model) -> str:
    """Where a model's folder is, or "" for one that is known by its name."""
    return "" if model.name in nets.known() else os.path.abspath(str(model.name))


def followed(args: argparse.Namespace, asked: Dict[str, Any], path: str) -> Repeat:
    """The job of a run that goes on, whose recipe was written for the picture `path`.

    Its files are where the command line says, or else where they were.

    Raises:
        DreamError: what the run needs is not here, or not what it was.
    """
    try:
        record = fields.parse(asked["recipe"])
    except DreamError as e:
        raise RunError(f"{args.out}: its recipe cannot be read: {e}") from None
    return follow(record, path, **_places(args, asked), gpu=_gpu(record), tell=say)


def _places(args: argparse.Namespace, asked: Dict[str, Any]) -> Dict[str, Any]:
    now = moved.of(args)
    before: Dict[str, List[Any]] = {}
    for place in asked["places"]:
        before.setdefault(place["role"], []).append((place["name"], place["path"]))
    there = {
        role: files
        for role, files in before.items()
        if all(os.path.isfile(path) for _, path in files)
    }
    for role in ("image", "mask"):
        if not now[f"{role}_path"] and role in there:
            now[f"{role}_path"] = there[role][0][1]
    if not now["guide_paths"]:
        now["guide_paths"] = [path for _, path in there.get("guide", [])]
    now["file_paths"] = {**dict(there.get("objective", [])), **now["file_paths"]}
    if not now["model"] and os.path.isdir(asked["model"]):
        now["model"] = asked["model"]
    return now


def _gpu(record: Any) -> Any:
    """The GPU that a recipe was made on, or None; `follow` checks the rest of it."""
    engine = record.get("engine") if isinstance(record, dict) else None
    gpu = engine.get("gpu") if isinstance(engine, dict) else None
    return gpu if type(gpu) is int and 0 <= gpu < 2**30 else None


def note_places(args: argparse.Namespace, asked: Dict[str, Any]) -> Dict[str, Any]:
    """Where what a note names is: where the command line says, or else where it was."""
    now = moved.of_note(args)
    for place in asked["places"]:
        if not now.get(place["role"]) and os.path.isfile(place["path"]):
            now[place["role"]] = place["path"]
    if not now["model"] and os.path.isdir(asked["model"]):
        now["model"] = asked["model"]
    return now


def say_resumed(journal: Journal, done: int, total: int, part: str) -> None:
    """Say where a run goes on."""
    events.tell(
        "resume",
        f"goes on after {part} {done} of {total}" if done else f"begins with its first {part}",
        path=journal.out,
        done=done,
        total=total,
    )


def is_mine(path: str, recipe: str) -> bool:
    """Whether a file is a picture with this very recipe."""
    try:
        return pictures.read_recipe(path) == recipe
    except DreamError:
        return False
