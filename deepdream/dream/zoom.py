"""Dreams upon dreams: the notebook's zoom loop."""

from typing import Any, Iterator

import numpy as np

from ..settings import ZOOM
from .octaves import deepdream


def zoom(
    net: Any,
    img: np.ndarray,
    frames: int = ZOOM.frames,
    scale: float = ZOOM.scale,
    done: int = 0,
    **dream_params: Any,
) -> Iterator[np.ndarray]:
    """Dream, enlarge the dream about its centre, and so on; yields RGB float32 (H, W, 3).

    The float frame is carried on, as in the notebook; whoever saves one truncates it to uint8.

    Args:
        img: RGB (H, W, 3), 0..255; where some frames are done, the last of them as it was yielded.
        frames: number of pictures.
        scale: share of its size that each frame loses at its borders.
        done: how many of the frames are made already, and are not yielded again.
        dream_params: of deepdream.
    """
    from scipy import ndimage

    frame = img
    h, w = frame.shape[:2]
    for number in range(done, frames):
        if number:
            frame = ndimage.affine_transform(
                frame, [1 - scale, 1 - scale, 1], [h * scale / 2, w * scale / 2, 0], order=1
            )
        frame = deepdream(net, frame, **dream_params)
        yield frame
