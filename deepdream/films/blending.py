"""What one frame of a film hands to the next, so that its dream does not flicker."""

from typing import NamedTuple, Optional

import numpy as np

from ..pictures.files import to_bytes
from ..settings import VIDEO, Video
from .flow import flow, followed, warped


class Last(NamedTuple):
    """A frame that is dreamt, and what the next one needs of it.

    source: the film's frame, uint8 RGB (H, W, 3). dream: of it, float32 RGB (H, W, 3), in whole
    numbers, as a file of 8 bits has it. offset: how much brighter each channel of the scene's first
    dream is than its frame, float32 (3,).
    """

    source: np.ndarray
    dream: np.ndarray
    offset: np.ndarray


class Base(NamedTuple):
    """What is dreamt on. picture: RGB float32 (H, W, 3). begins: whether a scene begins with it."""

    picture: np.ndarray
    begins: bool


def base(source: np.ndarray, last: Optional[Last], how: Video = VIDEO) -> Base:
    """The picture to dream on for a frame: the frame, blended with the last dream where that can be
    followed, as in Ruder, Dosovitskiy, Brox, Artistic Style Transfer for Videos (2016), section 4.

    A scene begins where the last frame, moved along the flow, does not look like this one.

    Args:
        source: the frame, uint8 RGB (H, W, 3).
        last: what the frame before it left; None for the film's first.

    Raises:
        FilmError: the frames are too small to be followed.
    """
    plain = np.asarray(source, np.float32)
    if last is None:
        return Base(plain, True)
    back, forth = flow(source, last.source), flow(last.source, source)
    if np.abs(plain - warped(last.source, back)).mean() > how.cut:
        return Base(plain, True)
    share = np.where(followed(back, forth), np.float32(how.blend), np.float32(0))[..., None]
    return Base(plain + share * (warped(last.dream, back) - plain), False)


def settled(dream: np.ndarray, source: np.ndarray, begins: bool, last: Optional[Last]) -> Last:
    """A frame's dream without the drift that dreams upon dreams have: each channel stays as much
    brighter than the film as it is in the scene's first dream.

    The next frame is dreamt upon what is shown of this one, so that a film's frames are all that is
    needed to make one of them again.

    Args:
        dream: RGB float32 (H, W, 3).
        source, last: as in `base`. begins: as it says.
    """
    if begins or last is None:
        shown = np.asarray(to_bytes(dream), np.float32)
        return Last(source, shown, np.asarray(_brighter(shown, source), np.float32))
    level = np.asarray(last.offset - _brighter(dream, source), np.float32)
    return Last(source, np.rint(np.clip(dream + level, 0, 255)), last.offset)


def _brighter(dream: np.ndarray, source: np.ndarray) -> np.ndarray:
    """How much brighter each channel of a dream is than its frame, float64 (3,)."""
    return np.asarray(dream.mean((0, 1), dtype=np.float64) - source.mean((0, 1), dtype=np.float64))
