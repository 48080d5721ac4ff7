"""Dreams upon dreams: the notebook's zoom loop."""

from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import numpy as np

from ..settings import ZOOM, Zoom
from .motion import moved
from .octaves import deepdream


def zoom(
    net: Any,
    img: np.ndarray,
    frames: int = ZOOM.frames,
    scale: float = ZOOM.scale,
    done: int = 0,
    *,
    centre: Tuple[float, float] = ZOOM.centre,
    rotate: float = ZOOM.rotate,
    easing: str = ZOOM.easing,
    first: int = ZOOM.first,
    at: Optional[Callable[[int], Dict[str, Any]]] = None,
    **dream_params: Any,
) -> Iterator[np.ndarray]:
    """Dream, enlarge the dream about its centre, and so on; yields RGB float32 (H, W, 3).

    The float frame is carried on, as in the notebook; whoever saves one truncates it to uint8.

    Args:
        img: RGB (H, W, 3), 0..255; where some frames are done, the last of them as it was yielded.
        frames: number of pictures.
        scale: share of its size that each frame loses at its borders.
        done: how many of the frames are made already, and are not yielded again.
        centre: the point that stays, as in settings.Zoom.
        rotate: degrees, as in settings.Zoom.
        easing: the pace, as in settings.Zoom.
        first: number of the first frame, as in settings.Zoom.
        at: is called with a frame's number; what it returns goes before dream_params.
        dream_params: of deepdream.
    """
    frame = img
    how = Zoom(frames, scale, centre, rotate, easing, first)
    for number in range(first + done, first + frames):
        if number:
            frame = moved(frame, how, number)
        frame = deepdream(net, frame, **{**dream_params, **(at(number) if at else {})})
        yield frame
