"""Pictures to a net's input and back (notebook cell 3).

A net's input is (pixel - mean) * scale, in this order, as Caffe's Transformer makes it: BGR, or, in
a net of one channel, the picture's luminance. The notebook's nets have no scale. Steps, limits and
priors are in grey levels (0..255) whatever the scale is, so that a dream does not depend on whether
a net has its scale in front or in its first weights.
"""

from typing import Any, Tuple

import numpy as np

from ..errors import Size
from ..pictures.arrays import New, rows_of

# shares of red and blue in the luminance, the rest being green: ITU-R BT.601, as in OpenCV and
# Pillow
_RED, _BLUE = 0.299, 0.114


def input_name(net: Any) -> str:
    """Name of the blob that takes the picture."""
    return "data" if "data" in net.inputs else str(net.inputs[0])


def input_blob(net: Any) -> Any:
    """The blob that takes the picture."""
    return net.blobs[input_name(net)]


def reshape_input(net: Any, size: Size, count: int = 1) -> Any:
    """Make the input hold `count` pictures of this (height, width); returns its blob."""
    blob = input_blob(net)
    blob.reshape(count, tuple(blob.shape)[1], *size)
    return blob


def mean_of(net: Any) -> Any:
    """The mean in grey levels, float32 (C, 1, 1); 0 where the net has none."""
    return net.transformer.mean.get(input_name(net), np.float32(0))


def scale_of(net: Any) -> float:
    """What the net's input is a multiple of: input units per grey level."""
    return float(net.transformer.input_scale.get(input_name(net), 1))


def scaled(net: Any, values: np.ndarray) -> np.ndarray:
    """Grey levels in the net's own units; `values` itself where the net has no scale."""
    scale = scale_of(net)
    return values if scale == 1 else values * scale


def unscaled(net: Any, values: np.ndarray) -> np.ndarray:
    """The net's own units in grey levels; `values` itself where the net has no scale."""
    scale = scale_of(net)
    return values if scale == 1 else values / scale


def limits(net: Any) -> Tuple[np.ndarray, np.ndarray]:
    """The net's input where a pixel is 0, and where it is 255: float32, to broadcast."""
    mean = mean_of(net)
    return scaled(net, -mean), scaled(net, 255 - mean)


def preprocess(net: Any, img: np.ndarray) -> np.ndarray:
    """RGB (H, W, 3) to the net's input, float32 (C, H, W).

    BGR, or the luminance if the net has one channel, minus the mean, times the scale. A net whose
    `channel_order` is "rgb" keeps RGB.
    """
    return preprocess_channels(net, _luminance(img) if _is_grey(net) else np.rollaxis(img, 2))


def preprocess_channels(net: Any, channels: np.ndarray) -> np.ndarray:
    """Likewise, of channels (3, H, W) in the order RGB, or of a luminance (1, H, W)."""
    values: np.ndarray = scaled(net, np.float32(ordered(net, channels)) - mean_of(net))
    return values


def ordered(net: Any, channels: np.ndarray) -> np.ndarray:
    """Channels (..., C, H, W) in the order RGB in the net's order, or back: the same exchange."""
    return channels[..., :: _direction(net), :, :]


def deprocess(net: Any, img: np.ndarray) -> np.ndarray:
    """The inverse of `preprocess`: (C, H, W) to RGB (H, W, 3), three equal channels for a grey
    net."""
    channels = unscaled(net, img) + mean_of(net)
    if _is_grey(net):
        channels = np.repeat(channels, 3, 0)
    return np.asarray(np.dstack(channels[:: _direction(net)]))


def preprocess_into(net: Any, img: Any, new: New) -> Any:
    """`preprocess` strip by strip, into what `new` makes; img may be an array in a file."""
    height, width = img.shape[:2]
    values = new((int(input_blob(net).shape[1]), height, width), np.float32)
    for rows in rows_of(values.shape):
        values[:, rows] = preprocess(net, img[rows])
    return values


def _luminance(img: np.ndarray) -> np.ndarray:
    """(1, H, W) of RGB (H, W, 3); exact where the three are equal."""
    red, green, blue = np.rollaxis(np.asarray(img, np.float32), 2)
    grey: np.ndarray = green + _RED * (red - green) + _BLUE * (blue - green)
    return grey[None]


def _is_grey(net: Any) -> bool:
    return bool(tuple(input_blob(net).shape)[1] == 1)


def _direction(net: Any) -> int:
    return 1 if getattr(net, "channel_order", "bgr") == "rgb" else -1
