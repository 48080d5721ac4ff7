"""Pictures from files and to files."""

import io
import os
import struct
import warnings
from contextlib import contextmanager
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple, Union

import numpy as np
from PIL import Image

from netfile.faults.kinds import misplaced
from netfile.system import memory

from ..errors import DreamError, ImageError, OutputError
from . import exif, metadata
from .arrays import New, is_whole, strips
from .output import whole
from .profiles import to_srgb

PathLike = Union[str, "os.PathLike[str]"]
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
}
# JPEG and AVIF lose a little, the others nothing
_QUALITY: Dict[str, Dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {},
    "AVIF": {"quality": 90, "subsampling": "4:4:4"},
}
LOSSY = frozenset({"JPEG", "AVIF"})
ENCODED_AT_ONCE = frozenset({"WEBP", "AVIF"})  # by several times the memory of the picture
_LARGEST = {"JPEG": 65500, "WEBP": 16383, "AVIF": 65535}  # pixels of a side, each format's limit
_ORIENTATION = 0x0112  # the EXIF tag, and what turns a picture of each value upright
_TRANSPOSE: Any = getattr(Image, "Transpose", Image)  # before Pillow 9.1 they were Image's
_TURNS = {
    2: _TRANSPOSE.FLIP_LEFT_RIGHT,
    3: _TRANSPOSE.ROTATE_180,
    4: _TRANSPOSE.FLIP_TOP_BOTTOM,
    5: _TRANSPOSE.TRANSPOSE,
    6: _TRANSPOSE.ROTATE_270,
    7: _TRANSPOSE.TRANSVERSE,
    8: _TRANSPOSE.ROTATE_90,
}
_LONG_RECIPE = 60000  # characters; EXIF has room for 64 KB
_DECODED, _PIXELS = 9, 12  # bytes for each pixel: as Pillow decodes and turns it, and as floats
SUFFIXES = frozenset({*FORMATS, ".bmp", ".gif"})


class Photo(NamedTuple):
    """A picture from a file.

    pixels: RGB float32 (H, W, 3), 0..255, or such an array in a file. tags: what its EXIF data say,
    as far as that is kept. converted: whether its ICC profile changed its pixels. notes: what a
    person should know, one line each.
    """

    pixels: Any
    tags: exif.Tags
    converted: bool
    notes: Tuple[str, ...]


def load(path: PathLike, profiles: bool = True) -> np.ndarray:
    """The pixels of a picture, RGB float32 (H, W, 3), 0..255; see `read`, whose errors it has."""
    return np.asarray(read(path, profiles).pixels)


def read(path: PathLike, profiles: bool = True, new: New = np.empty) -> Photo:
    """Read a picture, turned as its EXIF data say, with transparency over white.

    Args:
        path: the picture's file.
        profiles: whether its ICC profile is followed: its colours are converted to sRGB. A profile
            that is broken changes nothing, and is noted.
        new: makes the array of its pixels.

    Raises:
        ImageError: there is no such file, it is broken or something else, or it is too large to be
            safe.
        OutputError: `new` makes files, and there is no room for them.
    """
    with _opened(path) as image:
        _check_memory(path, image.size, _DECODED + (_PIXELS if new is np.empty else 0))
        profile = image.info.get("icc_profile") if profiles else None
        tags, notes = _tags(path, image)
        upright = _upright(image)
        width, height = upright.size
        if not width * height:
            raise ImageError(f"{path}: has no pixels")
        pixels = new((height, width, 3), np.float32)
        converted = note = ""
        for rows in strips(height, 3 * width):
            part = _part(upright, rows)
            if profile:
                part, converted, note = _managed(path, part, profile)
            pixels[rows] = _as_rgb(part, rows.start)
        notes += (note,) if note else ()
    return Photo(pixels, tags, bool(converted), notes)


def _part(image: Any, rows: slice) -> Any:
    width, height = image.size
    if rows == slice(0, height):
        return image
    return image.crop((0, rows.start, width, rows.stop))


def size_of(path: PathLike) -> Tuple[int, int]:
    """The (height, width) of a picture as `read` turns it, by its first bytes alone.

    Raises:
        ImageError: as `read`, but for what is wrong further on.
    """
    with _opened(path) as image:
        width, height = image.size
        # Pillow would decode all of a PNG to look for EXIF data behind its pixels
        tags = {} if image.format == "PNG" and "exif" not in image.info else image.getexif()
        turned = tags.get(_ORIENTATION, 1) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)


@contextmanager
def _opened(path: PathLike) -> Iterator[Any]:
    """A picture, open in Pillow; whatever is raised while it is becomes an ImageError."""
    if not os.path.exists(path):
        raise ImageError(f"{path}: no such picture")
    if not os.path.isfile(path):  # a pipe or a device might be read without end
        raise ImageError(misplaced(path, "a picture"))
    try:
        with warnings.catch_warnings():
            # Pillow's own words on damaged metadata, and on pictures that are merely large
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                if image.format == "EPS":
                    raise ImageError(f"{path}: is PostScript, a program; save it as a PNG")
                yield image
    except Image.DecompressionBombError:
        raise metadata.too_large(path) from None
    except (DreamError, MemoryError):
        raise
    except Exception as e:  # Pillow's decoders fail in every way on damaged files
        raise metadata.broken(path, e) from None


def _upright(image: Any) -> Any:
    """As ImageOps.exif_transpose, which fails where it cannot write all EXIF data again."""
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _tags(path: PathLike, image: Any) -> Tuple[exif.Tags, Tuple[str, ...]]:
    try:
        return exif.kept(image), ()
    except MemoryError:
        raise
    except Exception as e:  # as many kinds as there are ways to damage it
        return {}, (f"{path}: its EXIF data are damaged, and are not kept ({e})",)


def _managed(path: PathLike, image: Any, profile: bytes) -> Tuple[Any, str, str]:
    """A picture by its profile, the profile's name where it changed something, and a note or ""."""
    try:
        image, name = to_srgb(_over_white(image), profile)
    except ValueError as e:
        return image, "", f"{path}: its colour profile is not followed: {e}"
    return image, name, f"{path}: its colours are converted from {name} to sRGB" if name else ""


def _check_memory(path: PathLike, size: Tuple[int, int], of_each: int) -> None:
    """Raise ImageError where a picture of this (width, height), read, would not fit. of_each: bytes
    that each pixel takes."""
    needed, left = of_each * size[0] * size[1], memory.free()
    if left and needed > left.bytes:
        raise ImageError(
            f"{path}: {size[0]}x{size[1]} pixels take {needed / 1e9:.1f} GB of memory to read, and "
            f"{left.bytes / 1e9:.1f} GB are {left.bound}; make it smaller first"
        )


def _as_rgb(image: Any, top: int = 0) -> np.ndarray:
    """RGB float32 (H, W, 3). top: the number of its first row, for errors."""
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit files, which Pillow would clip instead of scaling them
        grey = np.asarray(image, np.float32) / np.float32(1 if image.mode == "F" else 257)
        wrong = np.argwhere(~np.isfinite(grey))
        if len(wrong):
            row, column = wrong[0]
            raise ValueError(
                f"its value in row {top + row}, column {column}, counted from 0, is "
                f"{grey[row, column]}"
            )
        return np.repeat(np.clip(grey, 0, 255)[..., None], 3, 2)
    return np.asarray(_over_white(image).convert("RGB"), np.float32)


def _over_white(image: Any) -> Any:
    """The picture itself where it has no transparency."""
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image)


def to_bytes(array: np.ndarray) -> np.ndarray:
    """RGB values as uint8, as in the notebook: clipped to 0..255, then truncated."""
    return np.asarray(np.clip(array, 0, 255).astype(np.uint8))


def as_image(array: Any) -> Any:
    """Pillow's 8-bit picture of an RGB array (H, W, 3) in memory, in a file, or Computed."""
    height, width = array.shape[:2]
    every = list(strips(height, 3 * width))
    if is_whole(array) and len(every) == 1:
        return Image.fromarray(to_bytes(array))
    image = Image.new("RGB", (width, height))
    for rows in every:
        image.paste(Image.fromarray(to_bytes(array[rows])), (0, rows.start))
    return image


def save(
    path: PathLike,
    array: Any,
    recipe: str = "",
    replace: bool = True,
    tags: Optional[exif.Tags] = None,
) -> None:
    """Write a picture with its recipe in its metadata; whole or not at all.

    Args:
        path: its suffix is one of FORMATS.
        array: RGB (H, W, 3) of any kind that `as_image` takes, which `to_bytes` makes 8 bits of.
        replace: whether it may replace a file.
        tags: a Photo's, to be kept.

    Raises:
        OutputError: the file cannot be written, or has another suffix.
    """
    image = as_image(array)
    with whole(path, replace) as partial, open(str(partial), "wb") as f:
        _encode(image, _Plain(f), path, recipe, tags or {})


class _Plain:
    """A file as an object without a number that the system knows. Pillow would write to that by
    itself, and pass over a disk that is full at the last bytes of a JPEG."""

    def __init__(self, file: Any) -> None:
        self.write, self.flush, self.seek, self.tell = file.write, file.flush, file.seek, file.tell


def encoded(
    path: PathLike, array: Any, recipe: str = "", tags: Optional[exif.Tags] = None
) -> bytes:
    """The bytes that `save` writes. Raises OutputError."""
    into = io.BytesIO()
    _encode(as_image(array), into, path, recipe, tags or {})
    return into.getvalue()  # not getbuffer(): Python 3.12.1 dies collecting one in a traceback


def check_saving(
    path: PathLike, size: Tuple[int, int], recipe: str = "", tags: Optional[exif.Tags] = None
) -> None:
    """Ask whether `save` could encode a picture, by encoding a tiny one.

    size: its (height, width).

    Raises:
        OutputError: Pillow cannot write the format, or the picture or its recipe does not fit.
    """
    kind = kind_of(path)
    if max(size) > _LARGEST.get(kind, max(size)):
        name = "WebP" if kind == "WEBP" else kind
        raise OutputError(
            f"{path}: the picture is {size[1]}x{size[0]}, {'an' if kind == 'AVIF' else 'a'} {name} "
            f"has at most {_LARGEST[kind]} pixels a side; choose .png"
        )
    _encode(Image.new("RGB", (1, 1)), io.BytesIO(), path, recipe, tags or {})


def kind_of(path: PathLike) -> str:
    """The format of a file of this name, as Pillow calls it. Raises OutputError."""
    suffix = os.path.splitext(os.fspath(path))[1]
    if suffix.lower() not in FORMATS:
        raise OutputError(
            f'{path}: unknown format "{suffix}"; end the name with {", ".join(FORMATS)}'
        )
    kind = FORMATS[suffix.lower()]
    Image.preinit()  # the usual formats; all of them take longer than a picture
    if kind not in Image.SAVE:
        Image.init()
    if kind not in Image.SAVE:
        import PIL

        raise OutputError(
            f"{path}: this Pillow ({PIL.__version__}) cannot write {suffix.lower()}; install a "
            "newer one, or choose .png"
        )
    return kind


def _encode(image: Any, into: Any, path: PathLike, recipe: str, tags: exif.Tags) -> None:
    kind = kind_of(path)
    tags = exif.of_picture(tags, *image.size)
    try:
        image.save(into, kind, **_QUALITY[kind], **metadata.options(kind, recipe, tags))
    except (OSError, ValueError, SystemError, KeyError, struct.error) as e:
        if getattr(e, "errno", None) is not None:
            raise  # the system's own
        size = len(recipe)
        about = f"with a recipe of {size} characters " if size > _LONG_RECIPE else ""
        raise OutputError(
            f"{path}: {about}cannot be written as {kind}: {e}; choose another format"
        ) from None
