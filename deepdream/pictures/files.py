"""Pictures from files and to files."""

import os
import warnings
from pathlib import Path
from typing import Any, Union

import numpy as np
from PIL import Image, ImageOps

from netfile.kinds import misplaced

from ..errors import ImageError
from . import metadata
from .output import whole

PathLike = Union[str, "os.PathLike[str]"]
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def load(path: PathLike) -> np.ndarray:
    """Read a picture, turned as its EXIF data say, with transparency over white.

    Returns:
        RGB float32 (H, W, 3), 0..255.

    Raises:
        ImageError: there is no such file, it is broken or something else, or it is too large to be
            safe.
    """
    if not os.path.exists(path):
        raise ImageError(f"{path}: no such picture")
    if not os.path.isfile(path):  # a pipe or a device might be read without end
        raise ImageError(misplaced(path, "a picture"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _as_rgb(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(
            f"{path}: over {Image.MAX_IMAGE_PIXELS} pixels, too large to be safe; make it smaller "
            "first"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError) as e:
        found = misplaced(path, "a picture")
        raise ImageError(
            found
            or f"{path}: not a picture, or a broken one ({e}); "
            "open it in an editor and save it again"
        ) from None


def _as_rgb(image: Any) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit files, which Pillow would clip instead of scaling them
        grey = np.asarray(image, np.float32) / np.float32(1 if image.mode == "F" else 257)
        return np.repeat(np.clip(grey, 0, 255)[..., None], 3, 2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.asarray(image.convert("RGB"), np.float32)


def to_bytes(array: np.ndarray) -> np.ndarray:
    """RGB values as uint8, as in the notebook: clipped to 0..255, then truncated."""
    return np.asarray(np.clip(array, 0, 255).astype(np.uint8))


def save(path: PathLike, array: np.ndarray, recipe: str = "") -> None:
    """Write RGB (H, W, 3) as PNG or JPEG with `recipe` in its metadata; whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    image = Image.fromarray(to_bytes(array))
    kind = FORMATS[Path(path).suffix.lower()]
    with whole(path) as partial:
        if kind == "PNG":
            image.save(partial, kind, pnginfo=metadata.for_png(recipe))
        else:
            image.save(partial, kind, quality=95, subsampling=0, exif=metadata.for_jpeg(recipe))
