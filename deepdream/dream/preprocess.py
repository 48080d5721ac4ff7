"""Pictures to a net's input and back (notebook cell 3)."""

from typing import Any

import numpy as np


def preprocess(net: Any, img: np.ndarray) -> np.ndarray:
    """RGB (H, W, 3) to the net's input: float32 BGR (3, H, W) minus the mean.

    A net whose `channel_order` is "rgb" keeps RGB.
    """
    values: np.ndarray = (
        np.float32(np.rollaxis(img, 2)[:: _direction(net)]) - net.transformer.mean["data"]
    )
    return values


def deprocess(net: Any, img: np.ndarray) -> np.ndarray:
    """The inverse of `preprocess`: BGR (3, H, W) minus the mean to RGB (H, W, 3)."""
    return np.dstack((img + net.transformer.mean["data"])[:: _direction(net)])


def _direction(net: Any) -> int:
    return 1 if getattr(net, "channel_order", "bgr") == "rgb" else -1
