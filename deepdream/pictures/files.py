"""Pictures from files and to files."""

import os
import warnings
from pathlib import Path
from typing import Any, Union

import numpy as np
from PIL import Image, ImageOps

from ..errors import ImageError
from . import metadata
from .output import check_file, whole

PathLike = Union[str, "os.PathLike[str]"]
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def load(path: PathLike) -> np.ndarray:
    """Read a picture, turned as its EXIF data say, with transparency over white.

    Returns:
        RGB float32 (H, W, 3), 0..255.

    Raises:
        ImageError: there is no such file, it is broken, or it is too large to be safe.
    """
    if os.path.isdir(path):
        raise ImageError(f"{path}: is a folder, not a picture")
    if not os.path.exists(path):
        raise ImageError(f"{path}: no such picture")
    if not os.path.isfile(path):
        raise ImageError(f"{path}: is a device or a pipe, not a picture file; copy it to a file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own words on damaged metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.format == "EPS":
                    raise ImageError(f"{path}: is PostScript, a program; save it as a PNG")
                values = _as_rgb(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(
            f"{path}: over {Image.MAX_IMAGE_PIXELS} pixels, too large to be safe; make it smaller "
            "first"
        ) from None
    except (ImageError, MemoryError):
        raise
    except Exception as e:  # Pillow's decoders fail in every way on damaged files
        raise ImageError(
            f"{path}: not a picture, or a broken one ({e}); open it in an editor and save it again"
        ) from None
    if not values.size:
        raise ImageError(f"{path}: has no pixels")
    return values


def _as_rgb(image: Any) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit files, which Pillow would clip instead of scaling them
        grey = np.asarray(image, np.float32) / np.float32(1 if image.mode == "F" else 257)
        wrong = np.argwhere(~np.isfinite(grey))
        if len(wrong):
            row, column = wrong[0]
            raise ValueError(
                f"its value in row {row}, column {column}, counted from 0, is {grey[row, column]}"
            )
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
        OutputError: the file cannot be written, or its name ends in neither.
    """
    check_file(path, FORMATS)
    image = Image.fromarray(to_bytes(array))
    kind = FORMATS[Path(path).suffix.lower()]
    with whole(path) as partial:
        if kind == "PNG":
            image.save(partial, kind, pnginfo=metadata.for_png(recipe))
        else:
            image.save(partial, kind, quality=95, subsampling=0, exif=metadata.for_jpeg(recipe))
