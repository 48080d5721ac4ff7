"""`deepdream video`: a film, or a folder of its frames, dreamt frame by frame."""

import argparse
import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Iterator, List, Optional

import numpy as np

from netfile.terminal import counted, say

from ... import pictures
from ...dream.octaves import BYTES_PER_PIXEL
from ...dream.tiles import Passes
from ...errors import DreamError, FilmError, NotFiniteError, OutputError, RunError, UnfinishedError
from ...films import flow, reading, writing
from ...films.blending import Last
from ...pictures.files import to_bytes
from ...pictures.output import check_file, check_space, flush
from ...request import filming, schema
from ...request import journal as journals
from ...request.job import Job, prepare
from ...request.journal import Journal
from ...request.recipe import places, recipe, seen_from
from ...settings import VIDEO, Picture, Video
from .. import events, films, growing, machines, meant, options, progress, runs
from ..results import check_picture, keep_last_good

_SUFFIX = ".png"
_FOLDER, _FIRST = "film", "first.png"  # in the journal: what is read and made on the way
_FILE_BYTES_PER_PIXEL = 1.0  # of H.264 that is noise, which a dream nearly is
EXAMPLES = (
    "deepdream video film.mp4 -o dream.mp4",
    "deepdream video film.mp4 -o dream.mp4 --end 4d --iterations 4 --max-size 640",
    "deepdream video frames/ -o dreams/ --blend 0.7",
)


def add_parser(verbs: Any) -> None:
    about = "dream on a film frame by frame, without flicker"
    p = options.add_command(verbs, "video", about, EXAMPLES)
    options.add_dream(p, film=True)
    options.add_memory(p)
    options.add_max_size(p)
    options.add_out(
        p, "OUT", "a film to write (.mp4, .mkv, .mov), or a folder for 0000.png, 0001.png, ..."
    )
    group = p.group(options.HOW)
    options.add_setting(
        group,
        "--blend",
        options.number(float, 0, highest=1),
        VIDEO.blend,
        "X",
        "share of the last dream, moved with the picture, in what each frame dreams on; 0 lets "
        "every frame dream by itself",
    )
    options.add_setting(
        group,
        "--cut",
        options.number(float, 0, highest=255),
        VIDEO.cut,
        "X",
        "grey levels between two frames, moved onto each other, from which on a scene begins",
    )
    films.add_schedule(p)
    group.add_argument(
        "--rate",
        type=_rate,
        metavar="N",
        help=f"frames a second of a folder of frames, such as 24 or 30000/1001 (default "
        f"{VIDEO.rate})",
    )
    machines.add_options(p)
    options.add_said(p)
    p.set_defaults(run=run)


def _rate(text: str) -> Fraction:
    """An argparse type: frames a second."""
    found = re.fullmatch(r"(\d{1,6})(?:/(\d{1,6}))?", text, re.ASCII)
    rate = Fraction(int(found[1]), int(found[2] or 1)) if found and int(found[2] or 1) else 0
    if not found or not Fraction(1, 100) <= rate <= 1000:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise argparse.ArgumentTypeError(f"must be such as 24 or 30000/1001, not {shown!r}")
    return Fraction(rate)


def run(args: argparse.Namespace) -> None:
    flow.load_cv2()
    is_file = _is_film(args.out)
    if is_file:
        reading.load_av()
    journal = journals.beside(args.out) if is_file else journals.inside(args.out)
    runs.check_free(journal, args.overwrite)
    film = reading.opened(args.image, args.rate)
    _check_out(args.out, film, args.overwrite, [*meant.pictures_of(args), *film.inputs])
    made = not is_file and not os.path.isdir(args.out)
    try:
        with journal.held(), runs.kept(journal):
            runs.check_none(journal, args.overwrite)
            journal.end()
            job = _job(args, journal, film)
            about = recipe(job, _paths(journal)[0])
            dreamt = _Film(journal, film, job, Video(args.blend, args.cut), about)
            dreamt.check(args.overwrite)
            with machines.frames_of(args, job) as passes:
                dreamt.begin(args)
                progress.announce(dreamt.job)
                dreamt.make(args.overwrite, passes)
    finally:
        if made:
            with suppress(OSError):  # there are frames in it
                os.rmdir(args.out)


def _job(args: argparse.Namespace, journal: Journal, film: reading.Film) -> Job:
    """The job of the film's first frame, which the journal keeps."""
    shutil.rmtree(str(journal.folder / _FOLDER), ignore_errors=True)
    first = journal.folder / _FOLDER / _FIRST
    frame = next(film.frames(), None)
    if frame is None:
        raise FilmError(f"{film.path}: has no frames that can be decoded")
    try:
        first.parent.mkdir()
    except OSError as e:
        raise OutputError(f"{first.parent}: cannot be made: {e.strerror or e}") from None
    pictures.save(first, frame)
    flush(first)
    asked = meant.request_of(args)
    if machines.wanted(args):
        asked["tiling"] = machines.tiling(args)
    asked.update(picture=Picture(args.max_size), schedule=films.schedule_of(args, film.count))
    asked.update(beside=BYTES_PER_PIXEL + filming.BYTES_PER_PIXEL)
    return prepare(str(first), meant.dream_of(args, asked["model"]), **asked)


def resume(args: argparse.Namespace, journal: Journal) -> None:
    """Go on with a film; the journal is held."""
    flow.load_cv2()
    asked = journal.asked()
    before = asked["film"]
    if before is None:
        raise RunError(f"{journal.out}: its journal says nothing of a film")
    path = args.image or before["path"]
    rate = before["rate"] and Fraction(*map(int, before["rate"].split("/")))
    say(f"reads {path}, the film")
    film = reading.opened(path, rate)
    if film.sha1() != before["sha1"]:
        raise RunError(f"{path}: is not the film that the run began with; it was changed since")
    args.image = None  # what is left is the first frame's, which the journal keeps
    job, _, differences = runs.followed(args, asked, _paths(journal)[0])
    for line in differences:
        events.note(line)
    how = Video(before["blend"], before["cut"])
    dreamt = _Film(journal, film, job, how, str(asked["recipe"]))
    done, last = dreamt.reached()
    overwrite = args.overwrite or asked["overwrite"] or dreamt.is_written
    _check_out(journal.out, film, overwrite or not _is_film(journal.out), film.inputs)
    gone = [path for path in dreamt.paths[:done] if not os.path.isfile(path)]
    if gone:
        raise RunError(f"{gone[0]}: is gone, which the run had made; --overwrite begins anew")
    dreamt.check(overwrite, done)
    runs.say_resumed(journal, done, film.count, "frame")
    with runs.kept(journal), machines.frames_of(args, job) as passes:
        progress.announce(job)
        dreamt.make(overwrite, passes, done, last, again=True)


def _is_film(out: Any) -> bool:
    """Whether a film is to be written, and not a folder of frames."""
    return Path(str(out)).suffix.lower() in writing.FORMATS and not os.path.isdir(str(out))


def _check_out(out: str, film: reading.Film, overwrite: bool, inputs: List[Any]) -> None:
    """Ask whether the film, or its frames, can be written. Raises OutputError."""
    if _is_film(out):
        check_file(out, tuple(writing.FORMATS), overwrite, inputs)
        return
    suffix = Path(out.rstrip("/" + os.sep)).suffix.lower()
    if suffix in (*pictures.FORMATS, ".avi", ".gif", ".webm", ".m4v", ".mpg", ".wmv"):
        known = ", ".join(writing.FORMATS)
        raise OutputError(f'{out}: no film of the format "{suffix}" is written; choose {known}')
    growing.check_frames(out, growing.frame_names(film.count, _SUFFIX), overwrite, inputs)


def _paths(journal: Journal, count: int = 1) -> List[str]:
    """Where frames are kept: in the folder that is the result, or in the journal of a film."""
    folder = journal.folder / _FOLDER if _is_film(journal.out) else Path(journal.out)
    return [str(folder / name) for name in growing.frame_names(count, _SUFFIX)]


@dataclass
class _Film:
    """A film that is dreamt, and its journal. about: the recipe of its first frame."""

    journal: Journal
    film: reading.Film
    job: Job
    how: Video
    about: str

    @cached_property
    def sha1(self) -> str:
        return self.film.sha1()

    @property
    def paths(self) -> List[str]:
        return _paths(self.journal, self.film.count)

    @property
    def is_written(self) -> bool:
        """Whether the film is there, by a process that was killed at its very end."""
        try:
            return _is_film(self.journal.out) and reading.comment(self.journal.out) == self._note()
        except DreamError:
            return False

    def check(self, overwrite: bool, done: int = 0) -> None:
        """Ask whether what is to come can be stored. Raises OutputError."""
        left = max(1, self.film.count - done)
        size = self.job.pixels.shape[:2]
        if self.film.count > 1:
            flow.check_size(size)
        check_picture(self.paths[0], size, self._note(0), left)
        check_space(self.journal.folder, 2 * self.job.pixels.nbytes, "the journal of the run")
        if _is_film(self.journal.out):
            pixels = size[0] * size[1] * self.film.count
            folder = Path(self.journal.out).absolute().parent
            check_space(folder, pixels * _FILE_BYTES_PER_PIXEL, "the film")

    def begin(self, args: argparse.Namespace) -> None:
        self.journal.begin(
            "video",
            self.about,
            places=places(self.job, self.paths[0]),
            model=runs.model_place(self.job.opened.model),
            overwrite=args.overwrite,
            film={
                "path": os.path.abspath(self.film.path),
                "sha1": self.sha1,
                "rate": f"{args.rate.numerator}/{args.rate.denominator}" if args.rate else None,
                "blend": self.how.blend,
                "cut": self.how.cut,
            },
        )

    def _note(self, number: Optional[int] = None, **own: Any) -> str:
        """What a frame says of how it was made, or, without a number, the film.

        own: of schema.VIDEO, what no other frame has.
        """
        out = self.journal.out if _is_film(self.journal.out) else self.paths[0]
        told = {
            "film": seen_from(out, self.film.path),
            "sha1": self.sha1,
            "frame": number,
            "frames": self.film.count,
            "blend": self.how.blend,
            "cut": self.how.cut,
            **own,
        }
        return json.dumps({**json.loads(self.about), schema.VIDEO: told})

    def reached(self) -> Any:
        """(frames that are done, what the last of them left). Raises RunError."""
        state = self.journal.state()
        if not state.done:
            return 0, None
        if state.done > self.film.count:
            raise RunError(
                f"{self.journal.out}: its journal is at frame {state.done} of {self.film.count}"
            )
        shape = self.job.pixels.shape
        source = self.journal.array(state, "source", shape, np.uint8)
        dream = self.journal.array(state, "dream", shape, np.float32)
        return state.done, Last(source, dream, self.journal.array(state, "offset", (3,), "<f4"))

    def make(
        self,
        overwrite: bool,
        passes: Optional[Passes],
        done: int = 0,
        last: Optional[Last] = None,
        again: bool = False,
    ) -> None:
        """Make the frames that are not made yet, and the film of all of them.

        passes: what makes the gradients of tiles, if not the job's net.
        again: whether another process has begun it, which may have written one frame more than it
            has recorded.
        """
        for note in self.film.notes:
            say(f"  {note}")
        before, paths = done, self.paths
        in_folder = not _is_film(self.journal.out)
        try:
            for one in self._dreams(passes, done, last):
                mine = (again and done == before) or not in_folder
                note = self._note(done, **filming.told(one, last))
                pictures.save(paths[done], one.left.dream, note, overwrite or mine)
                flush(paths[done])
                if in_folder:
                    events.emit("written", path=paths[done], frame=done)
                last, done = one.left, done + 1
                self.journal.reach(done, arrays=last._asdict())
        except DreamError as e:
            if isinstance(e, UnfinishedError) and in_folder:
                keep_last_good(paths[done], e)
            kept = ""
            if isinstance(e, NotFiniteError) and not in_folder and done:
                kept = self._keep(done)  # the run would only fail again, and is forgotten
            e.args = (f"frame {done + 1} of {self.film.count}: {e}{kept}",)
            raise
        if in_folder:
            say(f"wrote {counted(done - before, 'frame')} into {self.journal.out}")
        else:
            self._write(self.journal.out, self.film.count, overwrite)
        self.journal.end()

    def _keep(self, done: int) -> str:
        """Write a film of the first frames beside the one that cannot be made; says so."""
        out = Path(self.journal.out)
        part = str(out.with_name(f"{out.stem}-last-good{out.suffix}"))
        try:
            self._write(part, done, False)
        except DreamError as e:
            return f"; the {counted(done, 'frame')} before it could not be kept: {e}"
        return f"; the {counted(done, 'frame')} before it are {part}"

    def _dreams(
        self, passes: Optional[Passes], done: int, last: Optional[Last]
    ) -> Iterator[filming.Dreamt]:
        count = self.film.count
        parts = [f"frame {number + 1}/{count} " for number in range(count)]
        with progress.Bar(self.job, parts, done=done) as bar:

            def tell(number: int, text: str) -> None:
                bar.say(f"  frame {number + 1}: {text}")

            frames = self.film.frames(done)
            for number, one in enumerate(
                filming.dreams(self.job, frames, self.how, bar, last, done, tell, passes), done + 1
            ):
                bar.part(number)
                yield one

    def _write(self, out: str, count: int, overwrite: bool) -> None:
        """Write the film of the first `count` frames."""
        height, width = self.job.pixels.shape[:2]
        if height % 2 or width % 2:
            events.note(
                f"{width}x{height} has an odd side, which H.264 cannot have: the film's last row "
                "or column comes twice"
            )
        frames = (to_bytes(pictures.load(path)) for path in self.paths[:count])
        writing.save_film(out, frames, self.film, overwrite, self._note())
        events.wrote(out, f"wrote {out}: {counted(count, 'frame')}", frames=count)
