"""A dream while it grows: pictures of its steps in a folder, and an animation."""

import argparse
import filecmp
import math
import os
import re
import tempfile
from pathlib import Path
from typing import Any, List, Optional, Sequence

import numpy as np

from netfile.terminal import counted

from .. import pictures
from ..dream.octaves import BYTES_PER_PIXEL, Progress
from ..errors import DreamError, OutputError, Size
from ..nets import memory
from ..pictures import animation
from ..pictures.output import check_file, check_space
from ..request.job import Job
from ..settings import ANIMATION
from . import events, options
from .parser import CommandParser
from .results import check_new_files, check_picture, check_result_folder, inputs_of

_BYTES_OF_A_LOOK = 64  # for each pixel, while a step's picture is made and encoded
_FRAME = re.compile(r"[0-9]{4,}(\.[a-z]+)", re.IGNORECASE)


def add_options(p: CommandParser) -> None:
    """Add what shows a dream as it grows."""
    group = p.group(options.OUTPUT)
    group.add_argument(
        "--save-every",
        type=options.number(int, 1, highest=10**9),
        metavar="N",
        help="save the picture after every N steps, at full size, as 0001.png and so on (0000.png "
        "is the picture before the first step)",
    )
    group.add_argument(
        "--save-steps",
        type=options.filled,
        metavar="FOLDER",
        help="where to save them (default: NAME-steps beside the result)",
    )
    add_animation(p, "the dream as it grows")
    p.group(options.SAID).add_argument(
        "--preview",
        action="store_true",
        help="show small pictures of the growing dream in the terminal, where that can show them "
        "(kitty, Ghostty, iTerm2, WezTerm, mintty, and those with sixels)",
    )


def add_animation(p: CommandParser, what: str) -> None:
    """Add the animation of what a command makes."""
    group = p.group(options.OUTPUT)
    group.add_argument(
        "--animate",
        type=options.filled,
        metavar="FILE",
        help=f"write {what} as an animation, .gif, .webp or .mp4",
    )
    options.add_setting(
        group,
        "--animate-size",
        options.number(int, 2, highest=8192),
        ANIMATION.side,
        "N",
        "longest side of the animation in pixels; it is never larger than the picture",
    )


def bytes_beside(args: argparse.Namespace) -> int:
    """What a dream keeps for each pixel, beside the net, with what these options ask for."""
    looked_at = args.save_every or args.save_steps or args.animate or args.preview
    return BYTES_PER_PIXEL + (_BYTES_OF_A_LOOK if looked_at else 0)


def check_count(args: argparse.Namespace, count: int) -> None:
    """Ask whether these options suit so many pictures.

    Raises:
        OutputError: they name one place for the steps of several.
    """
    for flag, place in (("--animate", args.animate), ("--save-steps", args.save_steps)):
        if place and count > 1:
            raise OutputError(
                f"{flag} {place} is for one picture, and {count} are given; give one, or use "
                "--save-every, which makes a folder for each"
            )


def frame_names(count: int, suffix: str, first: int = 0) -> List[str]:
    """The file names of frames; all have as many digits, so that they sort."""
    digits = max(4, len(str(first + count - 1)))
    return [f"{number:0{digits}d}{suffix}" for number in range(first, first + count)]


def check_frames(
    folder: str, names: Sequence[str], overwrite: bool, inputs: Sequence[Any] = ()
) -> None:
    """Ask whether frames of these names can be written, and no others would be among them or after
    them; those of lower numbers may be there.

    Raises:
        OutputError: they cannot.
    """
    check_result_folder(folder, [names[-1]])
    suffix = Path(names[0]).suffix
    there = os.listdir(folder) if os.path.isdir(folder) else []
    numbered = ((name, _FRAME.fullmatch(name)) for name in sorted(there))
    there = [name for name, match in numbered if match and match[1].lower() == suffix.lower()]
    first = int(Path(names[0]).stem)
    there = [name for name in there if int(Path(name).stem) >= first]
    known = set(names)
    others = [name for name in there if name.lower() not in known and name not in known]
    if others:
        raise OutputError(
            f"{folder}: has frames of an earlier run, {others[0]} for one, which would stay among "
            "the new ones; choose another folder, or move them away"
        )
    check_new_files(folder, there or [names[0]], overwrite, inputs)


class Animation:
    """An animation, of `count` frames, that a run writes at its end."""

    def __init__(
        self,
        args: argparse.Namespace,
        size: Size,
        count: int,
        inputs: Sequence[Any],
        again: bool = False,
    ) -> None:
        """Ask whether pictures of this (height, width) can become one.

        again: whether an earlier process may have written it, and then been killed.

        Raises:
            DreamError: they cannot.
        """
        self.path, self._overwrite, self._again = str(args.animate), args.overwrite, again
        self._fade = getattr(args, "animate_loop", 0)
        if 2 * self._fade > count:
            raise OutputError(
                f"{self.path}: {counted(count, 'frame')} cannot fade for {self._fade}, only for "
                f"{count // 2}"
            )
        check_file(self.path, animation.FORMATS, args.overwrite or again, inputs)
        with tempfile.TemporaryDirectory(prefix="deepdream-") as folder:
            animation.check_animation(self.path, folder)
        self._size = animation.fitted_size(size, args.animate_size)
        self._frames: List[np.ndarray] = []
        height, width = self._size
        pixels = count * height * width
        needed, left = pixels * animation.BYTES_PER_PIXEL, memory.free()
        if left and needed > left.bytes / 2:  # the net takes the rest
            raise OutputError(
                f"{self.path}: {count} frames of {width}x{height} take {needed / 1e9:.1f} GB of "
                f"memory, and half of the {left.bytes / 1e9:.1f} GB that are {left.bound} can be "
                "had; use a smaller --animate-size, or fewer frames"
            )
        share = animation.FILE_BYTES_PER_PIXEL[Path(self.path).suffix.lower()]
        check_space(Path(self.path).parent, pixels * share, "the animation")

    def add(self, picture: np.ndarray) -> None:
        """Add a picture, RGB (H, W, 3), as the next frame."""
        self._frames.append(animation.frame(picture, self._size))

    def finish(self) -> None:
        """Write it. Raises OutputError."""
        if self._frames:
            shown, hold = self._frames, ANIMATION.hold
            if self._fade:
                shown, hold = animation.looped(shown, self._fade), 0
            if not self._is_written(shown, hold):
                animation.save_animation(self.path, shown, self._overwrite, hold)
            seconds = sum(animation.times(len(shown), hold)) / 1000
            frames = counted(len(shown), "frame")
            events.wrote(self.path, f"wrote {self.path}: {frames}, {seconds:.0f} s")

    def _is_written(self, shown: Sequence[np.ndarray], hold: int) -> bool:
        """Whether an earlier process has written these frames, to the byte."""
        if not self._again or self._overwrite or not os.path.isfile(self.path):
            return False
        with tempfile.TemporaryDirectory(prefix="deepdream-") as folder:
            wanted = os.path.join(folder, os.path.basename(self.path))
            animation.save_animation(wanted, shown, hold=hold)
            return filecmp.cmp(wanted, self.path, shallow=False)


class Film:
    """What is kept of a dream as it grows: called with a Progress after every step.

    A step's picture that cannot be written does not end the dream; `finish` says so.
    """

    def __init__(self, args: argparse.Namespace, job: Job, out: Any) -> None:
        """Ask whether all that the options want can be kept.

        out: where the dream's result goes.

        Raises:
            DreamError: it cannot.
        """
        self._start, self._overwrite = job.pixels, args.overwrite
        self._steps = job.dream.octaves * job.dream.iterations
        self._saves = bool(args.save_every or args.save_steps)
        self._every = args.save_every or 1
        if not self._saves:
            self._every = max(1, math.ceil(self._steps / ANIMATION.frames))
        count = 1 + math.ceil(self._steps / self._every)
        size = job.pixels.shape[:2]
        inputs = [*inputs_of(job), out]
        self._done, self._error = 0, None  # type: int, Optional[OutputError]
        self._folder = ""
        if self._saves:
            self._folder = args.save_steps or _beside(out)
            suffix = Path(out).suffix if Path(out).suffix.lower() in pictures.FORMATS else ".png"
            check_picture(os.path.join(self._folder, f"0{suffix}"), size, "", count)
            self._names = frame_names(count, suffix)
            check_frames(self._folder, self._names, self._overwrite, inputs)
        self._animation = Animation(args, size, count, inputs) if args.animate else None
        if self._animation and os.path.realpath(args.animate) == os.path.realpath(out):
            raise OutputError(f"{out}: is to be the picture and its animation; give it two names")

    def __call__(self, progress: Progress) -> None:
        number = (progress.octave - 1) * progress.steps + progress.step
        if not self._done:
            self._add(self._start)
        if number % self._every == 0 or number == self._steps:
            self._add(progress.full_picture)

    def _add(self, picture: np.ndarray) -> None:
        number, self._done = self._done, self._done + 1
        if self._animation:
            self._animation.add(picture)
        if not self._saves or self._error:
            return
        try:
            os.makedirs(self._folder, exist_ok=True)
            path = os.path.join(self._folder, self._names[number])
            pictures.save(path, picture, "", self._overwrite)
        except OSError as e:
            self._error = OutputError(f"{self._folder}: cannot be made: {e.strerror or e}")
        except OutputError as e:
            self._error = e

    def finish(self) -> None:
        """Write the animation, and say what was written. The dream's own result is safe by now.

        Raises:
            OutputError: the animation or one of the pictures could not be written.
        """
        if self._animation:
            self._animation.finish()
        if self._error:
            raise OutputError(f"{self._error}; the pictures of later steps are not kept")
        if self._saves and self._done:
            steps = counted(self._done, "picture")
            events.wrote(self._folder, f"wrote {steps} of the steps into {self._folder}")


def film(args: argparse.Namespace, job: Job, out: Any) -> Optional[Film]:
    """The Film that the options want, or None. Raises DreamError where it cannot be kept."""
    wanted = args.save_every or args.save_steps or args.animate
    return Film(args, job, out) if wanted else None


def _beside(out: Any) -> str:
    """The folder for the pictures of a result's steps."""
    path = Path(out)
    if not path.stem.strip("-"):
        raise DreamError("say where the pictures of the steps go: --save-steps FOLDER")
    return str(path.with_name(f"{path.stem}-steps"))
