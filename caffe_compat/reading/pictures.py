"""Pictures as OpenCV gives them to Caffe: uint8 (H, W, channels), BGR.

Pillow decodes, so that a value may differ by its decoder's rounding.
"""

import io
from typing import Any, Optional, Union

import numpy as np

from ..errors import CaffeError

_BRIGHTNESS = np.array([9797, 19234, 3737], np.int32)  # of 2^15
_BITS = 11  # of a weight in OpenCV's resizing


def read(path: str, color: bool, height: int = 0, width: int = 0) -> np.ndarray:
    """A file's picture (ReadImageToCVMat), resized where a height and a width are given.

    Raises CaffeError where there is none.
    """
    picture = decode(path, color, path)
    return resize(picture, height, width) if height and width else picture


def decode(source: Union[str, bytes], color: Optional[bool], name: str) -> np.ndarray:
    """A picture's values.

    Args:
        source: a path, or a file's bytes.
        color: three channels, or one; None: what the file has, alpha too.
        name: what errors call it.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            if image.format == "EPS":  # Pillow would run it
                raise OSError("it is PostScript, a program")
            return _values(image, color)
    except UnidentifiedImageError:
        raise CaffeError(f"could not load the picture {name}: it is none that is known") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as e:
        reason = "there is no such file" if isinstance(e, FileNotFoundError) else str(e)
        raise CaffeError(f"could not load the picture {name}: {reason}") from None


def _values(image: Any, color: Optional[bool]) -> np.ndarray:
    from PIL import ImageOps

    if color is None:
        mode = {"P": "RGBA" if "transparency" in image.info else "RGB", "1": "L", "LA": "RGBA"}
        wanted = mode.get(image.mode, image.mode if image.mode in ("L", "RGB", "RGBA") else "RGB")
    else:
        if not color:
            image.draft("L", image.size)  # a JPEG's own brightness
        image = ImageOps.exif_transpose(image)
        wanted = "RGB" if color else "L"
    if image.mode.startswith("I"):  # 16 bits
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if wanted == "L" and image.mode not in ("L", "1"):
        return _grey(np.asarray(image.convert("RGB"), np.int32))
    pixels = np.asarray(image.convert(wanted))
    if pixels.ndim == 2:
        return pixels[..., None]
    return np.concatenate([pixels[..., 2::-1], pixels[..., 3:]], 2)


def _grey(pixels: np.ndarray) -> np.ndarray:
    """The brightness of RGB pixels, as libpng has it."""
    return ((pixels @ _BRIGHTNESS) >> 15).astype(np.uint8)[..., None]


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at another size, by OpenCV's INTER_LINEAR: weights of 11 bits, no smoothing."""
    h, w = picture.shape[:2]
    if (h, w) == (height, width):
        return picture
    left, right, to_left, to_right = _neighbours(w, width, True)
    above, below, to_above, to_below = _neighbours(h, height, False)
    source = picture.astype(np.int32)
    rows = source[:, left] * to_left[:, None] + source[:, right] * to_right[:, None]
    mixed = ((to_above[:, None, None] * (rows[above] >> 4)) >> 16) + (
        (to_below[:, None, None] * (rows[below] >> 4)) >> 16
    )
    return np.clip((mixed + 2) >> 2, 0, 255).astype(np.uint8)


def _neighbours(old: int, new: int, whole: bool) -> Any:
    """(the nearest place before each new one, that after it, the weight of each in 1 / 2^11).

    whole: beyond the edges the first place has all the weight, which rounds otherwise.
    """
    at = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    first = np.floor(at).astype(np.int64)
    part = at - first.astype(np.float32)
    if whole:
        part[(first < 0) | (first >= old - 1)] = 0
    weights = [np.rint(p * np.float32(2**_BITS)).astype(np.int32) for p in (1 - part, part)]
    return np.clip(first, 0, old - 1), np.clip(first + 1, 0, old - 1), *weights
