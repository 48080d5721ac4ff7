"""skimage.color: grey and colour."""

from typing import Any

import numpy as np

from . import util


def rgb2gray(rgb: Any) -> np.ndarray:
    """Luminance (H, W) of (H, W, 3) or (H, W, 4), as float; alpha is left out.

    Pictures (H, W) stay as they are.
    """
    rgb = np.asarray(rgb)
    if rgb.ndim == 2:
        return rgb
    return util.img_as_float(rgb[..., :3]) @ np.array([0.2125, 0.7154, 0.0721])


def gray2rgb(image: Any) -> np.ndarray:
    """A picture (H, W) three times, as (H, W, 3); colour pictures stay as they are."""
    image = np.asarray(image)
    return np.stack([image] * 3, -1) if image.ndim == 2 else image


rgb2grey, grey2rgb = rgb2gray, gray2rgb


def __getattr__(name: str) -> Any:
    raise util.missing(__name__, name)
