"""Masks from pictures."""

import numpy as np

from .files import PathLike, load


def load_mask(path: PathLike) -> np.ndarray:
    """A picture as a mask, float32 (H, W): white is 1, black 0.

    Raises:
        ImageError: as in `load`.
    """
    return (load(path) @ np.array([0.299, 0.587, 0.114]) / 255).astype(np.float32)
