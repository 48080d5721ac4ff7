"""What an earlier run of a batch has made: it is left as it is."""

import os
from contextlib import suppress
from typing import Any, List, Optional, Tuple

from ...errors import DreamError, OutputError
from ...pictures import read_recipe
from ...pictures.files import size_of
from ...request import fields, schema
from ...request.job import Request
from ...request.repeats import difference


def left(
    tasks: List[Any], request: Request, seed: Optional[int], overwrite: bool
) -> Tuple[List[Any], List[Any]]:
    """What is left to do of a batch, and the pictures among it whose dream Ctrl-C had stopped.

    Args:
        tasks: of batch.Task.
        seed: that was asked for, or None.
        overwrite: whether pictures that are not as asked for are replaced.

    Raises:
        OutputError: such a picture is there, and is not to be replaced.
    """
    there = [task for task in tasks if os.path.lexists(task.out)]
    if not there:
        return tasks, []
    done, stopped = set(), []
    for task in there:
        _open(request, task.path)
        record = _record(task.out)
        why = "is not a picture of deepdream's" if record is None else ""
        with suppress(OSError):  # the photograph cannot be read any more, and its dream is there
            why = why or difference(record or {}, request, task.path, seed)
        if why and not overwrite:
            raise OutputError(
                f"{task.out}: is there already, and was not made as it would be now: {why}; "
                "choose another folder",
                exists=True,
            )
        if not why and record and record["stopped"]:
            stopped.append(task)
        elif not why:
            done.add(task)
    return [task for task in tasks if task not in done], stopped


def _record(path: str) -> Any:
    """The recipe of a picture, checked, or None where it has none."""
    try:
        return schema.read(fields.parse(read_recipe(path)))
    except (DreamError, MemoryError):
        return None


def _open(request: Request, path: str) -> None:
    """Open the request's net for a photograph, so that its dream's settings are spelt out."""
    with suppress(DreamError):  # of this picture, which says so when its turn comes
        request.open(size_of(path))
