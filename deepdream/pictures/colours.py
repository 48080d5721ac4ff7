"""A dream in the colours of its photograph."""

from typing import Any

import numpy as np

from .arrays import Computed, is_whole

# shares of red and blue in the luma, the rest being green: ITU-R BT.601, as in JPEG
_RED, _BLUE = 0.299, 0.114


def with_colours_of(photo: Any, dream: Any) -> Any:
    """The luma Y of a dream with the colour differences Cb and Cr of its photograph.

    Since R - Y, G - Y and B - Y are what Cb and Cr say, each channel is the photograph's, plus
    Y(dream) - Y(photo), where Y = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).

    Args:
        photo, dream: RGB (H, W, 3), each in memory, in a file, or Computed.

    Returns:
        RGB float32 (H, W, 3), which may leave 0..255 where colours are strong; a Computed, unless
        both are in memory.
    """
    if not (is_whole(photo) and is_whole(dream)):
        return Computed(dream.shape, lambda rows: _with_colours_of(photo[rows], dream[rows]))
    return _with_colours_of(photo, dream)


def _with_colours_of(photo: np.ndarray, dream: np.ndarray) -> np.ndarray:
    change = _luma(dream) - _luma(photo)
    return np.asarray(photo + change[..., None], np.float32)


def _luma(picture: np.ndarray) -> np.ndarray:
    red, green, blue = np.rollaxis(np.asarray(picture, np.float64), 2)
    return np.asarray(green + _RED * (red - green) + _BLUE * (blue - green))
