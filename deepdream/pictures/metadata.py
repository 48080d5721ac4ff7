"""A picture's recipe, in the metadata of its file, beside what its photograph's EXIF data say.

A PNG has it in a text of its own, every other format in the EXIF tag ImageHistory (TIFF/EP), so
that a caption keeps its place. JPEGs of older versions have it as their ImageDescription.
"""

import os
import stat
import warnings
from pathlib import Path
from typing import Any, Dict, Optional, Union

from PIL import Image

from netfile.faults.kinds import misplaced

from ..errors import ImageError, OutputError
from . import exif

_DESCRIPTION = 0x010E  # EXIF ImageDescription
_HISTORY = 0x9213  # EXIF ImageHistory
_PNG_KEY = "deepdream"
_JPEG_MOST = 65533  # bytes in one segment of a JPEG, which holds all of its EXIF data


def options(kind: str, recipe: str, tags: exif.Tags) -> Dict[str, Any]:
    """What Pillow's save() takes for a file of this kind ("PNG", "JPEG", ...).

    tags: of the photograph, as `exif.kept` gives them.

    Raises:
        OutputError: the recipe is larger than the file can hold.
    """
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text(_PNG_KEY, recipe)
        return {"pnginfo": info, **({"exif": exif.encoded(tags)} if tags else {})}
    every = {**tags, **({_HISTORY: recipe} if recipe else {})}
    if kind == "TIFF":
        from PIL.TiffImagePlugin import ImageFileDirectory_v2

        directory: Any = ImageFileDirectory_v2()
        for tag, value in every.items():
            directory[tag] = value
        return {"tiffinfo": directory}
    if not every:
        return {}
    return {"exif": _for_jpeg(recipe, tags) if kind == "JPEG" else exif.encoded(every)}


def _for_jpeg(recipe: str, tags: exif.Tags) -> bytes:
    """EXIF data in one segment: if need be, without the photograph's.

    Raises:
        OutputError: the recipe is larger than that.
    """
    for kept in (tags, {}):
        segment = exif.encoded({**kept, _HISTORY: recipe} if recipe else dict(kept))
        if len(segment) <= _JPEG_MOST:
            return segment
    raise OutputError(
        f"the recipe has {len(recipe)} characters, and a JPEG holds about {_JPEG_MOST}; write "
        "a PNG, or give it a shorter objective"
    )


def check_recipe(path: Union[str, "os.PathLike[str]"], recipe: str) -> None:
    """Ask whether a picture of this name can hold the recipe.

    Raises:
        OutputError: it cannot.
    """
    if Path(path).suffix.lower() in (".jpg", ".jpeg"):
        try:
            _for_jpeg(recipe, {})
        except OutputError as e:
            raise OutputError(f"{path}: {e}") from None


def too_large(path: Union[str, "os.PathLike[str]"]) -> ImageError:
    """The error for a picture that could take all memory: of over twice as many pixels as Pillow
    warns of, where it refuses by itself."""
    most = 2 * int(Image.MAX_IMAGE_PIXELS or 0)
    return ImageError(f"{path}: over {most} pixels, too large to be safe; make it smaller first")


def broken(path: Union[str, "os.PathLike[str]"], error: Exception) -> ImageError:
    """The error for a file that Pillow cannot read: what it is instead, or what Pillow says."""
    return ImageError(
        misplaced(path, "a picture")
        or f"{path}: not a picture, or a broken one ({error}); open it in an editor and save it "
        "again"
    )


def _in_exif(image: Any) -> Optional[str]:
    """What an open picture has where recipes are, or where older versions have put them."""
    # a TIFF's own tags, which older Pillows do not give by getexif
    tags = getattr(image, "tag_v2", None) or image.getexif()
    text: Optional[str] = tags.get(_HISTORY) or tags.get(_DESCRIPTION)
    return text


def read_recipe(path: Union[str, "os.PathLike[str]"]) -> str:
    """The recipe in a picture, or "" if it carries none. It may be any description, by a camera
    or an editor.

    Raises:
        ImageError: the picture cannot be read.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise ImageError(f"{path}: no such picture") from None
    except (OSError, ValueError) as e:
        raise ImageError(f"{path}: cannot be read ({e})") from None
    if not stat.S_ISREG(mode):
        raise ImageError(misplaced(path, "a picture"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged EXIF data, and of large pictures
            with Image.open(path) as image:
                text = image.info.get(_PNG_KEY) or _in_exif(image) or ""
    except Image.DecompressionBombError:
        raise too_large(path) from None
    except MemoryError:
        raise
    except Exception as e:  # what a damaged file makes Pillow raise has no common base
        raise broken(path, e) from None
    return str(text)
