"""How a zoom moves from one frame to the next: about which point, how fast, and with what turn."""

import math
from typing import Callable, Dict

import numpy as np

from ..settings import Zoom

# the share of the way after a share of the time; both go from 0 to 1
EASINGS: Dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "in": lambda t: t * t,
    "out": lambda t: t * (2 - t),
    "in-out": lambda t: t * t * (3 - 2 * t),
}


def speed(how: Zoom, number: int) -> float:
    """How fast the move into frame `number` is, 1 where all moves are alike.

    All moves of a zoom together go as far with any easing.
    """
    if how.easing == "linear":
        return 1.0
    moves = how.frames if how.first else how.frames - 1
    last = number - how.first + (1 if how.first else 0)  # counted from 1
    way = EASINGS[how.easing]
    return moves * (way(last / moves) - way((last - 1) / moves))


def moved(frame: np.ndarray, how: Zoom, number: int) -> np.ndarray:
    """The frame before `number`, (H, W, 3), enlarged and turned as it is dreamt on next.

    Without any turn, about the middle and at an even speed, this is the notebook's affine_transform
    to the bit. What a turn brings in from outside is the frame's mirror image.
    """
    from scipy import ndimage

    h, w = frame.shape[:2]
    x, y = how.centre
    fast = speed(how, number)
    scale = how.scale if fast == 1 else 1 - (1 - how.scale) ** fast
    angle = math.radians(how.rotate * fast)
    plain = not angle and (x, y) == (0.5, 0.5)
    size = [1 - scale, 1 - scale, 1]
    if not angle:
        offset = [h * scale * y, w * scale * x, 0]
        mode = "constant" if plain else "reflect"
        return np.asarray(ndimage.affine_transform(frame, size, offset, order=1, mode=mode))
    cos, sin = (1 - scale) * math.cos(angle), (1 - scale) * math.sin(angle)
    # from a pixel's (y, x) to that of what is shown there: the picture turns clockwise
    matrix = np.array([[cos, -sin], [sin, cos]])
    at = np.array([h * y, w * x])
    start = at - matrix @ at
    planes = [
        ndimage.affine_transform(frame[..., c], matrix, start, order=1, mode="reflect")
        for c in range(frame.shape[2])
    ]
    return np.stack(planes, -1)
