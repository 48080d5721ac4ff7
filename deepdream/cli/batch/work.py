"""One picture or many: planned and checked before the first, then made one by one."""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack, nullcontext, redirect_stdout, suppress
from dataclasses import replace
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from netfile.errors import NetError
from netfile.terminal import counted, say

from ... import pictures
from ...errors import ClusterError, DreamError, ImageError, OutputError, SizeError
from ...nets import engine as engines
from ...pictures.files import size_of
from ...pictures.output import check_file
from ...request.job import Request, new_seed
from .. import events, machines, meant
from ..advice import advised
from ..results import check_result_folder, scratch_of
from . import done, names, report
from .inputs import STANDARD, Found, spooled
from .options import handling_of
from .stop import Interrupt
from .task import Task


class Failure(NamedTuple):
    name: str
    why: str


Dreamer = Callable[[argparse.Namespace, Request, Task, Interrupt], None]


def run(
    args: argparse.Namespace,
    dream: Dreamer,
    beside: int,
    check: Callable[[int], None] = lambda count: None,
    resumes: bool = False,
) -> int:
    """Dream on the pictures of a command line.

    Args:
        dream: makes one picture and writes it.
        beside: bytes that it keeps for each pixel, beside the net.
        check: is called with the number of pictures before the first; raises DreamError where the
            options do not suit it.
        resumes: whether what is there already is left as it is, and only one process at a time
            works in the folder.

    Returns:
        The exit code: 0; 1 where some pictures failed; 2 where all did; 130 where Ctrl-C left some
        undone.

    Raises:
        DreamError: the request cannot be met, whatever the picture is; or there is one picture
            alone, and that cannot be made.
    """
    with ExitStack() as stack:
        found = Found(args.image)
        check(len(found.paths))
        to_stream = args.out == STANDARD or (args.out is None and found.paths == [STANDARD])
        stream = _stream(found.paths) if to_stream else None
        if to_stream:  # which is for the picture alone
            stack.enter_context(_aside())
        for note in found.notes:
            say(note)
        asked = {name: v for name, v in meant.request_of(args).items() if name != "seed"}
        handling = handling_of(args)
        dream_settings = meant.dream_of(args, asked["model"])
        if machines.wanted(args):
            asked["tiling"] = machines.tiling(args)
        scratch = scratch_of("." if to_stream else args.out or found.paths[0])
        request = Request(dream_settings, picture=handling, beside=beside, scratch=scratch, **asked)
        tasks = _planned(args, found.paths, request, stream)
        every, made = len(tasks), tasks[0].made
        if resumes:
            tasks = _left(args, request, tasks)
        _check(tasks, args.overwrite, request)
        if made:
            stack.callback(_remove_if_empty, made)
        if resumes and tasks:
            from ...request import journal as journals

            stack.enter_context(journals.inside(args.out).held())
        if len(tasks) < every:
            say(f"{every - len(tasks)} of {counted(every, 'picture')} are done already")
        if not tasks:
            return 0
        if STANDARD in found.paths:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="deepdream-"))
            tasks = [_with_standard_input(task, folder) for task in tasks]
        if machines.wanted(args):
            from ...cluster.worker import net_of
            from .elsewhere import Elsewhere

            net = net_of(request.model, engines.load(args.engine), args.gpu)
            joined = stack.enter_context(machines.joined(args, net))
            dream = Elsewhere(args, request, tasks, joined, net)
        interrupt = stack.enter_context(Interrupt())
        if len(tasks) == 1 and not resumes:
            _one(args, request, tasks[0], interrupt, dream)
            return 130 if interrupt.at else 0
        return _many(args, request, tasks, interrupt, dream)


def _stream(paths: List[str]) -> Any:
    """The standard output, for bytes.

    Raises:
        OutputError: it is a terminal, or there are several pictures.
    """
    if len(paths) > 1:
        raise OutputError(
            f"the standard output takes one picture, and {len(paths)} are given; give a folder"
        )
    if not hasattr(sys.stdout, "buffer"):  # as in a notebook
        raise OutputError("the standard output takes text alone here; name a file with -o")
    if sys.stdout.isatty():
        raise OutputError(
            "the standard output is a terminal, which shows no picture; name a file with -o, or "
            "lead it into a file or another program"
        )
    return sys.stdout.buffer


def _aside() -> Any:
    """A context in which words for the standard output go to the standard error.

    Raises:
        OutputError: it is events that are wanted, not words.
    """
    if events.manner() == events.JSON:
        raise OutputError(
            "the standard output takes the picture or the events, not both; name a file with -o"
        )
    return nullcontext() if events.manner() == events.QUIET else redirect_stdout(sys.stderr)


def _planned(
    args: argparse.Namespace, paths: List[str], request: Request, stream: Any
) -> List[Task]:
    out = None if args.out == STANDARD else args.out
    called = ["stdin" if path == STANDARD else "" for path in paths]
    seeds = [new_seed() if args.seed is None else args.seed for _ in paths]
    end = "objective" if request.dream.objective else request.dream.end
    values = {"model": names.safe(os.path.basename(request.model.name)), "end": names.safe(end)}
    given = [name or path for name, path in zip(called, paths)]
    if stream is not None:  # the name stands for its format, and for where it is kept in need
        given = [os.path.basename(path) for path in given]
    outs = names.planned(given, out, args.format, values, seeds)
    made = out if out and names.is_folder(out) and not os.path.isdir(out) else ""
    return [
        Task(path, name, name_out, seed, stream, made)
        for path, name, name_out, seed in zip(paths, called, outs, seeds)
    ]


def _left(args: argparse.Namespace, request: Request, tasks: List[Task]) -> List[Task]:
    """The tasks that an earlier run has not done. Raises OutputError for pictures in the way."""
    left, stopped = done.left(tasks, request, args.seed, args.overwrite)
    return [replace(task, replaces=task in stopped) for task in left]


def _check(tasks: List[Task], overwrite: bool, request: Request) -> None:
    """Ask whether every result can be written. Raises OutputError."""
    if not tasks or tasks[0].stream is not None:
        return
    if tasks[0].made:
        check_result_folder(tasks[0].made, [os.path.basename(task.out) for task in tasks])
        return
    inputs = [*(task.path for task in tasks if not task.called), *request.inputs]
    there = 0
    for task in tasks:
        # a file that is not there cannot be any of them
        is_there = os.path.lexists(task.out)
        there += is_there and not task.replaces
        check_file(task.out, pictures.FORMATS, True, inputs if is_there else ())
    if there and not overwrite:
        first = next(t.out for t in tasks if os.path.lexists(t.out) and not t.replaces)
        more = f", as {there - 1} others do" if there > 1 else ""
        raise OutputError(f"{first}: exists already{more}; choose another name", exists=True)


def _remove_if_empty(folder: str) -> None:
    with suppress(OSError):  # there are results in it
        os.rmdir(folder)


def _with_standard_input(task: Task, folder: str) -> Task:
    return Task(**{**vars(task), "path": spooled(folder)}) if task.called else task


def _one(
    args: argparse.Namespace, request: Request, task: Task, interrupt: Interrupt, dream: Dreamer
) -> None:
    interrupt.begin()
    try:
        dream(args, request, task, interrupt)
    except ImageError as e:
        if task.called:  # where it was kept meanwhile helps nobody
            e.args = (str(e).replace(task.path, task.name),)
        raise


def _many(
    args: argparse.Namespace,
    request: Request,
    tasks: List[Task],
    interrupt: Interrupt,
    dream: Dreamer,
) -> int:
    failed: Dict[Task, Failure] = {}
    for task, error in _unsuitable(request, tasks):
        failed[task] = _failed(args, task, error)
    count = 0
    try:
        for number, task in enumerate(tasks, 1):
            if task in failed:
                continue
            say(f"[{number}/{len(tasks)}] {task.name} -> {task.out}")
            try:
                _one(args, request, task, interrupt, dream)
                count += 1
            except BrokenPipeError:
                raise  # whoever read what we say has stopped
            except ClusterError:
                raise  # of this picture and of all that follow
            except (DreamError, NetError, MemoryError, OSError) as e:
                failed[task] = _failed(args, task, e)
            if interrupt.asked:
                break
    finally:
        rows = [failed[task] for task in tasks if task in failed]
        left = len(tasks) - count - len(rows)
        for line in report.lines(count, rows, left, report.columns()):
            say(line)
    if left:
        return 130
    return 0 if not failed else 1 if count else 2


def _unsuitable(request: Request, tasks: List[Task]) -> List[Tuple[Task, DreamError]]:
    """The pictures that cannot be dreamt on, as far as their first bytes and their sizes tell.

    Raises:
        DreamError: no picture can be.
    """
    out: List[Tuple[Task, DreamError]] = []
    known: Dict[Tuple[int, int], Optional[SizeError]] = {}
    for task in tasks:
        try:
            size = size_of(task.path)
        except ImageError as e:
            out.append((task, e))
            continue
        if size not in known:
            try:
                request.open(size)
                known[size] = None
            except SizeError as e:
                known[size] = e
        error = known[size]
        if error is not None:
            out.append((task, error))
    return out


def _failed(args: argparse.Namespace, task: Task, error: Exception) -> Failure:
    """Say at once that a picture failed; returns what the table says of it."""
    why = advised(error)
    if isinstance(error, MemoryError):
        why = f"not enough memory{f': {why}' if why else ''}; --max-size makes it smaller"
    elif isinstance(error, OSError) and not isinstance(error, NetError):
        why = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or why
    why = " ".join(why.split())
    print(f"deepdream {args.command}: {why}", file=sys.stderr, flush=True)
    prefix = f"{task.name}: "
    return Failure(task.name, why[len(prefix) :] if why.startswith(prefix) else why)
