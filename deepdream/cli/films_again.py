"""Frames of films made again, each upon the frame before it, by what their recipes say."""

import argparse
import json
import os
import re
import tempfile
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from netfile.system.files import file_sha1
from netfile.terminal import say

from .. import pictures
from ..errors import DreamError, ImageError, OutputError, RecipeError
from ..films import flow, reading
from ..films.blending import Last
from ..pictures.output import check_file
from ..request import fields, filming, notes, schema
from ..request.following import checked, follow, located
from ..request.job import Job
from ..request.recipe import recipe, seen_from
from ..settings import Video
from . import events, growing, moved, progress
from .results import check_picture, inputs_of, save

_FIRST = "first.png"
_NAME = re.compile(r"[0-9]{4,7}\.[a-z]{3,4}")  # of a frame
_OWN = ("frame", "offset", "before")  # of schema.VIDEO, what each frame has for itself


def frame(args: argparse.Namespace, path: str, out: str) -> None:
    """Make one frame again, and write it to `out`.

    Raises:
        DreamError: what it needs is not here, or not what it was.
    """
    again = _Again(args, path)
    again.check(path, out, args.overwrite)
    progress.announce(again.job)
    again.make(path, out, args.overwrite)


def folder(args: argparse.Namespace, path: str, out: str) -> Tuple[int, int]:
    """Make the frames of a folder again, each upon the one before it in that folder.

    Returns:
        How many of them equal those that were there, and how many there are.

    Raises:
        DreamError: likewise, or it is no folder of a film's frames.
    """
    paths = _frames_of(path)
    again = _Again(args, paths[0])
    growing.check_frames(out, [os.path.basename(one) for one in paths], args.overwrite, paths)
    targets = [os.path.join(out, os.path.basename(one)) for one in paths]
    same = 0
    with _made(out):
        for one, target in zip(paths, targets):
            again.check(one, target, args.overwrite, len(paths))
        progress.announce(again.job)
        for one, target in zip(paths, targets):
            again.make(one, target, args.overwrite)
            equal = np.array_equal(pictures.load(one), pictures.load(target))
            verdict = "equal to the bit" if equal else f"differs from {one}"
            events.wrote(target, f"wrote {target}: {verdict}", verdict=verdict)
            same += equal
    return same, len(paths)


@contextmanager
def _made(folder: str) -> Iterator[None]:
    """Context manager: a folder is there; one that stays empty is removed. Raises OutputError."""
    made = not os.path.isdir(folder)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as e:
        raise OutputError(f"{folder}: cannot be made: {e.strerror or e}") from None
    try:
        yield
    finally:
        if made:
            with suppress(OSError):  # there are frames in it
                os.rmdir(folder)


def _frames_of(path: str) -> List[str]:
    """The frames in a folder, in their order. Raises RecipeError where there are none."""
    try:
        names = sorted(os.listdir(path))
    except OSError as e:
        raise RecipeError(f"{path}: cannot be read: {e.strerror or e}") from None
    found = []
    for name in names:
        one = os.path.join(path, name)
        is_picture = os.path.splitext(name)[1] in pictures.FORMATS and os.path.isfile(one)
        if _NAME.fullmatch(name) and is_picture and notes.of_picture(one)[0] == schema.VIDEO:
            found.append(one)
    if not found:
        raise RecipeError(
            f"{path}: has no frames that `deepdream video` made; name one picture to make it again"
        )
    return found


class _Again:
    """A film whose frames are made again: opened, with everything loaded. path: of one of them."""

    def __init__(self, args: argparse.Namespace, path: str) -> None:
        flow.load_cv2()
        record, told = _read(path)
        now = moved.of(args)
        self._film = _film(now.pop("image_path") or located(told["film"], path), told)
        self._how = Video(told["blend"], told["cut"])
        self._shared = _shared(record, told)
        self._image = _image(record)
        with tempfile.TemporaryDirectory(prefix="deepdream-") as scratch:
            first = os.path.join(scratch, _FIRST)
            pictures.save(first, next(self._film.frames()))
            image = {**self._image, "sha1": file_sha1(first)}  # the film's own has been asked for
            self.job, differences = _followed(args, _with(record, image), path, first, now)
        for line in differences:
            events.note(line)

    def check(self, path: str, out: str, overwrite: bool, count: int = 1) -> None:
        """Ask whether a frame can be made again, and stored.

        Raises:
            DreamError: it cannot be.
        """
        record, told = _read(path)
        if _shared(record, told) != self._shared:
            raise RecipeError(f"{path}: was made otherwise than the other frames of its folder")
        if told["frame"] >= self._film.count:
            raise RecipeError(
                f"{path}: is frame {told['frame']}, and {self._film.path} has "
                f"{self._film.count} frames, counted from 0"
            )
        self._before(path, told)
        inputs = [path, *inputs_of(self.job), *self._film.inputs]
        check_file(out, pictures.FORMATS, overwrite, inputs)
        check_picture(out, self.job.pixels.shape[:2], self._note(told, out), count)

    def make(self, path: str, out: str, overwrite: bool) -> None:
        """Make a frame again, and write it."""
        _, told = _read(path)
        number = told["frame"]
        frames = self._film.frames(max(0, number - 1))
        last = self._last(path, told, next(frames)) if number else None
        with progress.Bar(self.job, [f"frame {number + 1} "]) as bar:
            made = filming.dreams(self.job, islice(frames, 1), self._how, bar, last, number)
            (one,) = made
        save(out, one.left.dream, self._note(told, out), overwrite)

    def _last(self, path: str, told: Dict[str, Any], frame: np.ndarray) -> Last:
        """What the frame before left, of which `frame` is the film's."""
        source = filming.as_dreamt(frame, self.job)
        before = self._before(path, told)
        dream = np.asarray(source, np.float32) if before is None else before
        return Last(source, dream, np.asarray(told["offset"], np.float32))

    def _before(self, path: str, told: Dict[str, Any]) -> Optional[np.ndarray]:
        """The frame that one was dreamt upon, which lies beside it; None where there is none.

        Raises:
            RecipeError: it is not there, or is another.
        """
        if told["before"] is None:
            return None
        name = growing.frame_names(self._film.count, os.path.splitext(path)[1])[told["frame"] - 1]
        beside = os.path.join(os.path.dirname(path), name)
        what = f"the frame before it, upon which {path} was dreamt"
        try:
            before = pictures.load(beside)
        except DreamError as e:
            raise RecipeError(f"{e}; it should be {what}") from None
        sha1 = filming.pixels_sha1(before)
        if sha1 != told["before"]:
            raise RecipeError(
                f"{beside}: is not {what} (SHA1 of its pixels {told['before']}, now {sha1})"
            )
        return before

    def _note(self, told: Dict[str, Any], out: str) -> str:
        """What the new frame says of how it was made."""
        image = {key: self._image[key] for key in ("role", "name", "sha1")}
        record = _with(json.loads(recipe(self.job, out)), image)
        told = {**told, "film": seen_from(out, self._film.path)}
        return json.dumps({**record, schema.VIDEO: told})


def _followed(
    args: argparse.Namespace, record: Dict[str, Any], path: str, first: str, now: Dict[str, Any]
) -> Tuple[Job, Sequence[str]]:
    """The job of a film's first frame, and what has changed since.

    path: of the picture that has the recipe. first: where the film's first frame is. now: of
    `follow`, where its other files are.
    """
    repeat = follow(
        record,
        path,
        image_path=first,
        engine=args.engine,
        gpu=args.gpu,
        most=args.memory,
        tell=lambda line: None if first in line else say(line),
        **now,
    )
    return repeat.job, repeat.differences


def _read(path: str) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """(recipe of the film's first frame, what is said of this frame). Raises RecipeError."""
    kind, told = notes.of_picture(path)
    if kind != schema.VIDEO or told["frame"] is None:
        raise RecipeError(f"{path}: is no frame that `deepdream video` made")
    if told["offset"] is None:
        raise RecipeError(
            f"{path}: was made by an older `deepdream video`, which did not record all that a "
            "replay needs"
        )
    record = fields.parse(pictures.read_recipe(path))
    del record[schema.VIDEO]
    return checked(record, path), told


def _image(record: Dict[str, Any]) -> Dict[str, Any]:
    """What a recipe says of the film's first frame, which was a file of its own."""
    return next(file for file in record["files"] if file["role"] == "image")


def _with(record: Dict[str, Any], image: Dict[str, Any]) -> Dict[str, Any]:
    """A recipe that says this of the film's first frame."""
    return {**record, "files": [image if f["role"] == "image" else f for f in record["files"]]}


def _shared(record: Dict[str, Any], told: Dict[str, Any]) -> Dict[str, Any]:
    """What all frames of a film have in common."""
    return {**record, **{key: value for key, value in told.items() if key not in _OWN}}


def _film(path: str, told: Dict[str, Any]) -> reading.Film:
    """The film that a frame was made from. Raises DreamError."""
    if not os.path.lexists(path):
        raise ImageError(f"the film it was made from is gone: {path}", role="image")
    say(f"reads {path}, the film")
    if os.path.isfile(path):  # before it is decoded
        _check_film(path, file_sha1(path), told)
    film = reading.opened(path)
    _check_film(path, film.sha1(), told)
    return film


def _check_film(path: str, sha1: str, told: Dict[str, Any]) -> None:
    if sha1 != told["sha1"]:
        raise RecipeError(
            f"{path}: is not the film it was made from (SHA1 {told['sha1']}, now {sha1})"
        )
