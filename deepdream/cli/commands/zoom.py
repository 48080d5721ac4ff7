"""`deepdream zoom`: the notebook's loop of dreams upon dreams."""

import argparse
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, List, Optional

import numpy as np

from netfile.terminal import counted, say

from ... import pictures
from ...dream.tiles import Passes
from ...errors import DreamError, RunError, UnfinishedError
from ...pictures.output import check_space, flush
from ...request import journal as journals
from ...request import schema
from ...request.job import Job, Reached, prepare
from ...request.journal import Journal
from ...request.recipe import places, recipe
from ...settings import ZOOM, Picture
from .. import events, films, growing, machines, meant, moved, options, progress, runs
from ..results import check_picture, inputs_of, keep_last_good

_SUFFIX = ".jpg"
_FRAME = "frame"  # what the journal calls the last one
EXAMPLES = (
    "deepdream zoom photo.jpg -o frames/",
    "deepdream zoom photo.jpg -o frames/ --frames 30 --scale 0.03 --end 4d",
    "deepdream zoom photo.jpg -o frames/ --frames 60 --animate zoom.webp",
    "deepdream zoom photo.jpg -o frames/ --centre 0.3 0.4 --rotate 1.5",
    "deepdream zoom photo.jpg -o frames/ --in-turn 3b,4c,4d --each 40 --frames 240",
    "deepdream zoom frames/0099.jpg -o frames/ --first 100 --frames 50",
)


def add_parser(verbs: Any) -> None:
    about = "dream, enlarge, dream again: one picture per frame"
    p = options.add_command(verbs, "zoom", about, EXAMPLES)
    options.add_dream(p, scale_is_free=False)
    options.add_memory(p)
    options.add_max_size(p)
    options.add_out(p, "FOLDER", "where to write 0000.jpg, 0001.jpg, ...; made if it is not there")
    options.add_setting(
        p.group(options.HOW),
        "--frames",
        options.recorded(schema.LOOP.fields["frames"]),
        ZOOM.frames,
        "N",
        "number of pictures",
    )
    options.add_setting(
        p.group(options.HOW),
        "--scale",
        options.recorded(schema.LOOP.fields["scale"]),
        ZOOM.scale,
        "X",
        "share of its size that each frame loses at the borders",
    )
    films.add_motion(p)
    films.add_schedule(p)
    growing.add_animation(p, "the frames")
    films.add_loop(p)
    machines.add_options(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    names = growing.frame_names(args.frames, _SUFFIX, args.first)
    journal = journals.inside(args.out)
    runs.check_free(journal, args.overwrite)
    growing.check_frames(args.out, names, args.overwrite, meant.pictures_of(args))
    zoom = films.zoom_of(args)
    asked = meant.request_of(args)
    if machines.wanted(args):
        asked["tiling"] = machines.tiling(args)
    asked.update(zoom=zoom, picture=Picture(args.max_size), schedule=films.schedule_of(args))
    job = prepare(args.image, meant.dream_of(args, asked["model"]), **asked)
    growing.check_frames(args.out, names, args.overwrite, inputs_of(job))
    film = _film(job, args.animate, args.animate_size, args.animate_loop, args.overwrite)
    about = recipe(job, os.path.join(args.out, names[0]), args.frames - 1)
    frames = _Frames(journal, job, about, args.overwrite, film)
    frames.check()
    made = not os.path.isdir(args.out)
    try:
        with journal.held(), runs.kept(journal):
            runs.check_none(journal, args.overwrite)
            with machines.frames_of(args, job) as passes:
                frames.begin(args)
                progress.announce(job)
                frames.make(passes)
    finally:
        if made:
            with suppress(OSError):  # there are frames in it
                os.rmdir(args.out)


def resume(args: argparse.Namespace, journal: Journal) -> None:
    """Go on with a zoom; the journal is held."""
    asked = journal.asked()
    first = os.path.join(journal.out, growing.frame_names(1, _SUFFIX)[0])
    job, last, differences = runs.followed(args, asked, first)
    since = _reached(journal, job)
    done = since.done if since else 0
    changed = differences or moved.given(args)
    about = recipe(job, first, last) if changed else str(asked["recipe"])
    for line in differences:
        events.note(line)
    names = growing.frame_names(last + 1, _SUFFIX, job.zoom.first if job.zoom else 0)
    growing.check_frames(journal.out, names, True, inputs_of(job))
    gone = [name for name in names[:done] if not os.path.isfile(os.path.join(journal.out, name))]
    if gone:
        events.warn(
            f"{counted(len(gone), 'frame')} made before, {gone[0]} for one, cannot be found"
        )
    film, animation = None, asked["animation"]
    if animation and gone:
        events.warn(f"{animation['path']} is not made, since it would lack them")
    elif animation:
        film = _film(job, **animation, overwrite=args.overwrite, again=done == last + 1)
    frames = _Frames(journal, job, about, args.overwrite or asked["overwrite"], film)
    frames.check(done)
    runs.say_resumed(journal, done, last + 1, "frame")
    with runs.kept(journal), machines.frames_of(args, job) as passes:
        progress.announce(job)
        frames.make(passes, since, again=True)


def _reached(journal: Journal, job: Job) -> Optional[Reached]:
    """How far a zoom is, or None before its first frame. Raises RunError."""
    state, frames = journal.state(), job.zoom.frames if job.zoom else 1
    if not state.done:
        return None
    if state.done > frames or (state.generator is None and state.done < frames):
        raise RunError(f"{journal.out}: its journal is at frame {state.done} of {frames}")
    if state.done == frames:  # and nothing depends on the last one
        return Reached(frames, job.pixels, None)
    frame = journal.array(state, _FRAME, job.pixels.shape, np.float32)
    return Reached(state.done, frame, state.generator)


def _film(
    job: Job, path: Any, side: int, loop: int, overwrite: bool, again: bool = False
) -> Optional[growing.Animation]:
    """The animation of a zoom, if one is wanted. again: as in growing.Animation."""
    if not path:
        return None
    count = job.zoom.frames if job.zoom else 1
    how = argparse.Namespace(
        animate=path, animate_size=side, animate_loop=loop, overwrite=overwrite
    )
    return growing.Animation(how, job.pixels.shape[:2], count, inputs_of(job), again)


@dataclass(frozen=True)
class _Frames:
    """What a zoom writes, and its journal. about: the recipe of the last frame."""

    journal: Journal
    job: Job
    about: str
    overwrite: bool
    film: Optional[growing.Animation]

    @property
    def count(self) -> int:
        return int(json.loads(self.about)["frame"]) + 1

    @property
    def paths(self) -> List[str]:
        first = self.job.zoom.first if self.job.zoom else 0
        names = growing.frame_names(self.count, _SUFFIX, first)
        return [os.path.join(self.journal.out, name) for name in names]

    def check(self, done: int = 0) -> None:
        """Ask whether the frames that are to come can be stored. Raises OutputError."""
        left = max(1, self.count - done)
        check_picture(self.paths[0], self.job.pixels.shape[:2], self.about, left)
        # the last frame's state is removed after the next one's is there
        check_space(self.journal.out, 2 * self.job.pixels.nbytes, "the journal of the run")

    def begin(self, args: argparse.Namespace) -> None:
        film = args.animate and {
            "path": os.path.abspath(args.animate),
            "side": args.animate_size,
            "loop": args.animate_loop,
        }
        self.journal.begin(
            "zoom",
            self.about,
            places=places(self.job, self.paths[0]),
            model=runs.model_place(self.job.opened.model),
            overwrite=self.overwrite,
            animation=film or None,
        )

    def make(
        self,
        passes: Optional[Passes],
        since: Optional[Reached] = None,
        again: bool = False,
    ) -> None:
        """Make the frames that are not made yet, and the animation of all of them.

        passes: what makes the gradients of tiles, if not the job's net.
        again: whether another process has begun it, which may have written one frame more than it
            has recorded.
        """
        paths, done = self.paths, since.done if since else 0
        before = done
        if self.film:
            for path in paths[:done]:
                self.film.add(pictures.load(path))
        reached: List[Reached] = []
        frames = progress.pictures(
            self.job,
            self.count,
            since=since,
            reached=lambda at: reached.append(at),
            passes=passes,
        )
        try:
            for number, picture in frames:
                mine = again and number == before
                self._keep(number, picture, reached.pop(), self.overwrite or mine)
                done += 1
        except DreamError as e:
            if isinstance(e, UnfinishedError):
                keep_last_good(paths[done], e)
            e.args = (f"frame {done + 1} of {self.count}: {e}{_kept(paths[done], done)}",)
            raise
        if done > before:
            say(f"wrote {counted(done - before, 'frame')} into {self.journal.out}")
        if self.film:
            self.film.finish()
        self.journal.end()

    def _keep(self, number: int, picture: np.ndarray, at: Reached, overwrite: bool) -> None:
        """Write a frame, and after it the journal."""
        path = self.paths[number]
        pictures.save(path, picture, _of_frame(self.about, number), overwrite)
        flush(path)
        events.emit("written", path=path, frame=number)
        if self.film:
            self.film.add(pictures.load(path))  # as it is read where a run goes on
        if at.done < self.count:
            self.journal.reach(at.done, at.generator, {_FRAME: at.frame})
        else:
            self.journal.reach(at.done)


def _kept(path: str, done: int) -> str:
    """What to say of a folder into which `done` frames were written, and then not the one at
    `path`."""
    folder, name = os.path.split(path)
    older = f"; {name} in it is of an earlier run" if os.path.lexists(path) else ""
    are = "is" if done == 1 else "are"
    return (f"; the {counted(done, 'frame')} before it {are} in {folder}" if done else "") + older


def _of_frame(about: str, number: int) -> str:
    """The recipe of frame 0 as that of another; what it is made from is hashed once."""
    return json.dumps({**json.loads(about), "frame": number})
