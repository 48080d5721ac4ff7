"""Pictures: files to RGB arrays and back, RGB arrays to a net's input and back."""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..errors import ImageError
from .output import whole

_DESCRIPTION = 0x010E  # EXIF ImageDescription: where a JPEG carries its recipe
_PNG_KEY = "deepdream"
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def preprocess(net, img):
    """RGB (H, W, 3) to a net's input: float32 BGR (3, H, W) minus the mean (notebook cell 3); RGB for a net of that channel_order."""
    return np.float32(np.rollaxis(img, 2)[:: _direction(net)]) - net.transformer.mean["data"]


def deprocess(net, img):
    """The inverse of `preprocess`: BGR (3, H, W) minus the mean to RGB (H, W, 3) (notebook cell 3)."""
    return np.dstack((img + net.transformer.mean["data"])[:: _direction(net)])


def _direction(net):
    return 1 if getattr(net, "channel_order", "bgr") == "rgb" else -1


def load(path):
    """A picture file as float32 RGB (H, W, 3), 0..255, turned as its EXIF data say; alpha over white.

    Raises ImageError if there is none, it is broken, or too large to be safe.
    """
    if not os.path.exists(path):
        raise ImageError(f"{path}: no such picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _as_rgb(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(
            f"{path}: over {Image.MAX_IMAGE_PIXELS} pixels, too large to be safe; make it smaller first"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError) as e:
        raise ImageError(
            f"{path}: not a picture that can be read, or a broken one ({e}); open it in an editor and save it again"
        ) from None


def _as_rgb(image):
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit files, which Pillow would clip, not scale
        grey = np.asarray(image, np.float32) / np.float32(1 if image.mode == "F" else 257)
        return np.repeat(np.clip(grey, 0, 255)[..., None], 3, 2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.asarray(image.convert("RGB"), np.float32)


def to_bytes(array):
    """RGB values to uint8 as the notebook does: clipped to 0..255, then cut down to whole numbers."""
    return np.uint8(np.clip(array, 0, 255))


def save(path, array, recipe=""):
    """Write RGB (H, W, 3) as PNG or JPEG with `recipe` (text) in its metadata; whole or not at all."""
    image = Image.fromarray(to_bytes(array))
    kind = FORMATS[Path(path).suffix.lower()]
    with whole(path) as partial:
        if kind == "PNG":
            from PIL.PngImagePlugin import PngInfo

            info = PngInfo()
            info.add_text(_PNG_KEY, recipe)
            image.save(partial, kind, pnginfo=info)
        else:
            exif = Image.Exif()
            exif[_DESCRIPTION] = recipe
            image.save(partial, kind, quality=95, subsampling=0, exif=exif.tobytes())


def read_recipe(path):
    """The recipe text in a picture's metadata, or "". Raises ImageError if the picture cannot be read."""
    if not os.path.exists(path):
        raise ImageError(f"{path}: no such picture")
    try:
        with Image.open(path) as image:
            text = image.info.get(_PNG_KEY) or image.getexif().get(_DESCRIPTION, "")
    except (OSError, SyntaxError, ValueError) as e:
        raise ImageError(f"{path}: not a picture that can be read ({e})") from None
    return str(text)
