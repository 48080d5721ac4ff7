"""Pictures from files and to files."""

import io
import os
import struct
import warnings
from typing import Any, Tuple, Union

import numpy as np
from PIL import Image, ImageOps

from netfile import memory
from netfile.kinds import misplaced

from ..errors import ImageError, OutputError
from . import metadata
from .output import whole

PathLike = Union[str, "os.PathLike[str]"]
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_LARGEST_JPEG = 65500  # pixels, libjpeg's own limit
_LONG_RECIPE = 60000  # characters; EXIF has room for 64 KB
_BYTES_PER_PIXEL = 30  # measured, while it is decoded, turned and converted
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
            warnings.simplefilter("ignore")  # Pillow's own words on damaged metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.format == "EPS":
                    raise ImageError(f"{path}: is PostScript, a program; save it as a PNG")
                _check_memory(path, image.size)
                values = _as_rgb(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise metadata.too_large(path) from None
    except (ImageError, MemoryError):
        raise
    except Exception as e:  # Pillow's decoders fail in every way on damaged files
        raise metadata.broken(path, e) from None
    if not values.size:
        raise ImageError(f"{path}: has no pixels")
    return values


def _check_memory(path: PathLike, size: Tuple[int, int]) -> None:
    """Raise ImageError where a picture of this (width, height), decoded, would not fit."""
    needed, left = _BYTES_PER_PIXEL * size[0] * size[1], memory.free()
    if left and needed > left.bytes:
        raise ImageError(
            f"{path}: {size[0]}x{size[1]} pixels take {needed / 1e9:.1f} GB of memory to read, and "
            f"{left.bytes / 1e9:.1f} GB are {left.bound}; make it smaller first"
        )


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


def save(path: PathLike, array: np.ndarray, recipe: str = "", replace: bool = True) -> None:
    """Write RGB (H, W, 3) as PNG or JPEG with `recipe` in its metadata; whole or not at all.

    replace: whether it may replace a file.

    Raises:
        OutputError: the file cannot be written, or has a suffix other than those of FORMATS.
    """
    kind = _kind(path)
    image, encoded = Image.fromarray(to_bytes(array)), io.BytesIO()
    _encode(image, encoded, kind, recipe, path)
    with whole(path, replace) as partial:
        # not by Pillow, which passes over a disk that is full at the last bytes of a JPEG
        partial.write_bytes(encoded.getbuffer())


def check_saving(path: PathLike, size: Tuple[int, int], recipe: str = "") -> None:
    """Ask whether `save` could encode a picture, by encoding a tiny one.

    size: its (height, width).

    Raises:
        OutputError: Pillow cannot write the format, or the picture or its recipe does not fit.
    """
    kind = _kind(path)
    if kind == "JPEG" and max(size) > _LARGEST_JPEG:
        raise OutputError(
            f"{path}: the picture is {size[1]}x{size[0]}, a JPEG has at most {_LARGEST_JPEG} "
            "pixels a side; choose .png"
        )
    _encode(Image.new("RGB", (1, 1)), io.BytesIO(), kind, recipe, path)


def _kind(path: PathLike) -> str:
    suffix = os.path.splitext(os.fspath(path))[1]
    if suffix.lower() not in FORMATS:
        raise OutputError(
            f'{path}: unknown format "{suffix}"; end the name with {", ".join(FORMATS)}'
        )
    return FORMATS[suffix.lower()]


def _encode(image: Any, into: Any, kind: str, recipe: str, path: PathLike) -> None:
    try:
        if kind == "PNG":
            image.save(into, kind, pnginfo=metadata.for_png(recipe))
        else:
            image.save(into, kind, quality=95, subsampling=0, exif=metadata.for_jpeg(recipe))
    except (OSError, ValueError, SystemError, KeyError, struct.error) as e:
        if getattr(e, "errno", None) is not None:
            raise  # the system's own
        size = len(recipe)
        about = f"with a recipe of {size} characters " if size > _LONG_RECIPE else ""
        raise OutputError(
            f"{path}: {about}cannot be written as {kind}: {e}; choose another format"
        ) from None
