"""One dream of the page: made as `deepdream dream` makes it, and kept with its recipe."""

import secrets
import tempfile
import zipfile
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import numpy as np

from .. import pictures
from ..dream.octaves import Progress, StopDream
from ..pictures import animation
from ..pictures.files import check_saving
from ..request import making
from ..request.job import Job, Stop
from ..request.recipe import recipe
from ..settings import ANIMATION
from .asked import Asked
from .kept import Kept, Pictures

_OUT = "dream.png"  # in the pictures' folder, as a recipe sees it; nothing is written there


class Cancelled(Exception):
    """A dream was stopped before there was anything to keep."""


class Result(NamedTuple):
    """What a dream has made.

    frames: its pictures, the last of which is the result. asked: what makes them again, the seed
    and the layers' full names among it. stopped: the step that it was stopped after, if it was.
    """

    id: str
    frames: Tuple[Kept, ...]
    asked: Asked
    stopped: Optional[Stop]

    @property
    def picture(self) -> Kept:
        return self.frames[-1]

    @property
    def pictures(self) -> List[Kept]:
        """All that must be kept with it."""
        return [*self.frames, *self.asked.pictures]


@dataclass
class Watch:
    """Is called after every step of a dream, and ends it within one where `asked` is set."""

    tell: Callable[[Progress], None]
    is_zoom: bool
    asked: Callable[[], bool]
    at: Optional[Stop] = None

    def __call__(self, p: Progress) -> None:
        self.tell(p)
        is_last = p.octave == p.octaves and p.step == p.steps
        if not self.asked() or is_last:
            return
        if self.is_zoom:  # no recipe tells of half a frame
            raise Cancelled
        self.at = Stop(p.octave, p.step)
        raise StopDream


def make(
    asked: Asked,
    job: Job,
    kept: Pictures,
    tell: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> Result:
    """Dream, and keep the pictures with their recipes; they are held until they are released.

    Args:
        job: of `asked`, with the pictures' names.
        tell: is called after every step.
        stop: whether to end after this one.

    Raises:
        Cancelled: it was stopped before there was a picture.
        DreamError: the dream failed.
    """
    check_saving(_OUT, job.pixels.shape[:2], recipe(job, _place(job)), job.photo.tags)
    watch = Watch(tell, job.zoom is not None, stop)
    frames: List[Kept] = []
    try:
        for number, picture in enumerate(making.pictures(job, watch)):
            done = replace(job, stopped=watch.at) if watch.at else job
            frames.append(_keep(done, picture, number, kept))
            if stop() and watch.is_zoom:
                break
    except Cancelled:
        if not frames:
            raise
    except BaseException:
        kept.release(frames)
        raise
    known = replace(asked, dream=job.dream, seed=job.seed)
    return Result(secrets.token_hex(8), tuple(frames), known, watch.at)


def _keep(job: Job, picture: np.ndarray, frame: int, kept: Pictures) -> Kept:
    """A frame as a PNG with its recipe, held until it is released."""
    about = recipe(job, _place(job), frame)
    name = job.sources[0].called or _OUT
    content = pictures.encoded(_OUT, picture, about, job.photo.tags)
    number = f"-{frame:04d}" if job.zoom else ""
    one = kept.add(content, f"{stem(name)}-dream{number}.png")
    kept.hold([one])
    return one


def stem(name: str) -> str:
    """A picture's name without its suffix, and without that of the dream that it is."""
    return Path(name).stem.partition("-dream")[0] or "picture"


def _place(job: Job) -> str:
    """Where a recipe is seen from: beside the photograph."""
    return str(Path(job.image_path).with_name(_OUT))


def archive(result: Result, command: str) -> bytes:
    """A zip of a result and of all that it was made from, in which `deepdream replay` works."""
    out = BytesIO()
    every = {one.name: one for one in result.pictures}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:  # pictures do not get smaller
        for name, one in every.items():
            z.write(str(one.path), name)
        z.writestr("how.txt", _how(result, command))
    return out.getvalue()


def _how(result: Result, command: str) -> str:
    again = f"deepdream replay {result.picture.name}"
    return f"Made by\n\n    {command}\n\nand made again, to the bit, by\n\n    {again}\n"


def animated(result: Result, kind: str) -> bytes:
    """The frames of a zoom as an animation, such as `deepdream zoom --animate` makes of its JPEGs.

    kind: one of animation.FORMATS without the dot.

    Raises:
        DreamError: it cannot be written here.
    """
    size = animation.fitted_size(result.picture.size, ANIMATION.side)
    frames = [animation.frame(pictures.load(one.path), size) for one in result.frames]
    with tempfile.TemporaryDirectory(dir=str(result.picture.path.parent)) as folder:
        path = Path(folder) / f"dream.{kind}"
        animation.save_animation(path, frames)
        return path.read_bytes()


def told(result: Result, command: str) -> Any:
    """What the page is told of a result."""
    dream = result.asked.dream
    return {
        "id": result.id,
        "picture": result.picture.id,
        "name": result.picture.name,
        "size": list(result.picture.size[::-1]),
        "image": result.asked.image.id,
        "seed": result.asked.seed,
        "goal": " ".join((dream.objective or dream.end).split()),
        "model": Path(result.asked.model.name).name,
        "frames": [one.id for one in result.frames],
        "times": animation.times(len(result.frames)),  # ms, as in an animation
        "stopped": list(result.stopped) if result.stopped else None,
        "command": command,
    }
