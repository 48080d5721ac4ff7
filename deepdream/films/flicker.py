"""How much a film flickers."""

from typing import Sequence

import numpy as np

from .flow import flow, followed, warped


def flicker(shown: Sequence[np.ndarray], film: Sequence[np.ndarray]) -> float:
    """Grey levels by which each frame differs from the one before, moved along the flow, on
    average, where it can be followed: the warped difference of Lai et al., Learning Blind Video
    Temporal Consistency (ECCV 2018), section 4.2.

    Args:
        shown: frames, RGB (H, W, 3), 0..255; at least 2.
        film: the film that they were made from, uint8 RGB (H, W, 3), which tells the flow.

    Raises:
        FilmError: the frames are too small to be followed.
    """
    found = []
    for number in range(1, len(film)):
        before, now = film[number - 1], film[number]
        back, forth = flow(now, before), flow(before, now)
        apart = np.asarray(shown[number], np.float32) - warped(shown[number - 1], back)
        found.append(np.abs(apart)[followed(back, forth)].mean())
    return float(np.mean(found))
