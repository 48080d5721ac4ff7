"""A film's frames, dreamt one after another."""

import hashlib
from typing import Any, Callable, Dict, Iterable, Iterator, NamedTuple, Optional

import numpy as np

from ..dream.octaves import deepdream
from ..dream.tiles import Passes
from ..errors import ZeroGradientError
from ..films.blending import Last, base, settled
from ..pictures.files import to_bytes
from ..pictures.resize import at_most
from ..settings import Video
from .job import Job
from .making import changing, constant

# beside the net and the dream, measured: the flow both ways, the last frame and its dream
BYTES_PER_PIXEL = 90


class Dreamt(NamedTuple):
    """A frame that is dreamt. left: what the next one needs of it. upon: whether it was dreamt upon
    the dream of the one before."""

    left: Last
    upon: bool


def dreams(
    job: Job,
    frames: Iterable[np.ndarray],
    how: Video,
    report: Optional[Callable[..., None]] = None,
    last: Optional[Last] = None,
    done: int = 0,
    tell: Callable[[int, str], None] = lambda number, text: None,
    passes: Optional[Passes] = None,
) -> Iterator[Dreamt]:
    """The dreams of a film's frames.

    All frames are dreamt with the same random numbers: the jitter is no cause of flicker. A frame
    in which the objective finds nothing, such as a black one, stays as it is, unless it is the
    first.

    Args:
        frames: uint8 RGB (H, W, 3), those after the first `done` ones.
        report: called with a Progress after every step.
        last: of the frame before them, or None where they are all.
        tell: called with the number of a frame and what is to be known of it.
        passes: what makes the gradients of tiles, if not the job's net.

    Raises:
        ZeroGradientError: the objective has no gradient at the first frame.
        DreamError: as `deepdream` and `base`.
    """
    at = changing(job)
    for number, frame in enumerate(frames, done):
        source = as_dreamt(frame, job)
        picture, new = base(source, last, how)
        if new and number:
            tell(number, "a scene begins")
        params = constant(job, np.random.RandomState(job.seed), report)
        try:
            dream = deepdream(job.net, picture, passes=passes, **{**params, **at(number)})
        except ZeroGradientError as e:
            if not number:
                raise
            tell(number, f"stays as it is: {e}")
            dream = picture
        last = settled(dream, source, new, last)
        yield Dreamt(last, not new and how.blend > 0)


def as_dreamt(frame: np.ndarray, job: Job) -> np.ndarray:
    """A film's frame, uint8 RGB (H, W, 3), of the size that it is dreamt on in."""
    return to_bytes(at_most(np.asarray(frame, np.float32), job.picture.max_size))


def told(one: Dreamt, last: Optional[Last]) -> Dict[str, Any]:
    """What a frame's note needs so that the frame can be made again, of schema.VIDEO.

    last: of the frame before it.
    """
    before = pixels_sha1(last.dream) if last is not None and one.upon else None
    return {"offset": [float(value) for value in one.left.offset], "before": before}


def pixels_sha1(picture: np.ndarray) -> str:
    """The SHA1 of a picture's pixels, RGB (H, W, 3), as a file of 8 bits has them."""
    return hashlib.sha1(to_bytes(picture).tobytes()).hexdigest()
