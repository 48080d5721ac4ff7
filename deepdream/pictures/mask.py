"""Masks from pictures."""

import numpy as np

from .files import PathLike, load


def load_mask(path: PathLike) -> np.ndarray:
    """A picture as a mask, float32 (H, W): white is 1, black 0. Its values
    count, so its ICC profile does not.

    Raises:
        ImageError: as in `load`.
    """
    grey = load(path, profiles=False) @ np.array([0.299, 0.587, 0.114])
    return np.asarray(grey / 255, np.float32)
