"""Where the pixels of a frame were in the frame before it: optical flow by OpenCV's DIS.

DIS is Kroeger, Timofte, Dai, Van Gool, Fast Optical Flow using Dense Inverse Search (ECCV 2016).
"""

from contextlib import contextmanager
from typing import Any, Iterator

import numpy as np

from netfile.system import places

from ..errors import FilmError, MissingExtraError, Size

LEAST = 12  # pixels of a side, of which DIS needs that many


def load_cv2() -> Any:
    """OpenCV. Raises MissingExtraError, with the command that installs it."""
    try:
        import cv2
    except (ImportError, OSError) as e:
        raise MissingExtraError(
            f"optical flow needs OpenCV ({e}); install it with: {places.install('video')}",
            extra="video",
        ) from None
    return cv2


@contextmanager
def _one_thread(cv2: Any) -> Iterator[None]:
    """Context manager: the last bits must not depend on the number of cores."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def check_size(size: Size) -> None:
    """Ask whether frames of this (height, width) can be followed. Raises FilmError."""
    height, width = size
    if min(size) < LEAST:
        raise FilmError(
            f"frames of {width}x{height} are too small to be followed; a side has at least {LEAST} "
            "pixels"
        )


def flow(frame: np.ndarray, other: np.ndarray) -> np.ndarray:
    """For each pixel of a frame, how far away it is in another one.

    Args:
        frame, other: uint8 RGB (H, W, 3).

    Returns:
        float32 (H, W, 2): x and y, in pixels.

    Raises:
        FilmError: they are too small.
        MissingExtraError: there is no OpenCV.
    """
    cv2 = load_cv2()
    check_size(frame.shape[:2])
    with _one_thread(cv2):
        dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in (frame, other)]
        return np.asarray(dis.calc(*grey, None), np.float32)


def warped(picture: np.ndarray, by: np.ndarray) -> np.ndarray:
    """What a picture, (H, W) or (H, W, C), shows at the places to which a flow, (H, W, 2), leads;
    beyond its borders, what is at them. float32."""
    cv2 = load_cv2()
    height, width = by.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    with _one_thread(cv2):
        there = cv2.remap(
            np.asarray(picture, np.float32),
            x + by[..., 0],
            y + by[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return np.asarray(there, np.float32)


def followed(back: np.ndarray, forth: np.ndarray) -> np.ndarray:
    """Which pixels of a frame can be seen in the frame before it: bool (H, W).

    A pixel that does not come back to where it was is occluded, or was not followed: Sundaram,
    Brox, Keutzer, Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow (ECCV
    2010), equation 5. So is one whose place is beyond the border.

    Args:
        back: the flow from this frame to the one before, (H, W, 2).
        forth: the flow from the one before to this one.
    """
    there = warped(forth, back)
    off = np.square(back + there).sum(-1)
    moved = np.square(back).sum(-1) + np.square(there).sum(-1)
    height, width = back.shape[:2]
    x = np.arange(width, dtype=np.float32) + back[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + back[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray((off <= 0.01 * moved + 0.5) & inside)
