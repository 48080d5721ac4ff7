"""A picture's recipe, in the metadata of its file."""

import os
import stat
import warnings
from pathlib import Path
from typing import Any, Union

from PIL import Image

from netfile.kinds import misplaced

from ..errors import ImageError, OutputError

_DESCRIPTION = 0x010E  # EXIF ImageDescription
_PNG_KEY = "deepdream"
_JPEG_MOST = 65533  # bytes in one segment of a JPEG, which holds all of its EXIF data


def for_png(recipe: str) -> Any:
    """What Pillow's save() takes as `pnginfo`."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(_PNG_KEY, recipe)
    return info


def for_jpeg(recipe: str) -> bytes:
    """What Pillow's save() takes as `exif`.

    Raises:
        OutputError: the recipe is larger than a JPEG can hold.
    """
    exif = Image.Exif()
    exif[_DESCRIPTION] = recipe
    segment = exif.tobytes()
    if len(segment) > _JPEG_MOST:
        raise OutputError(
            f"the recipe has {len(recipe)} characters, and a JPEG holds about {_JPEG_MOST}; write "
            "a PNG, or give it a shorter objective"
        )
    return segment


def check_recipe(path: Union[str, "os.PathLike[str]"], recipe: str) -> None:
    """Ask whether a picture of this name can hold the recipe.

    Raises:
        OutputError: it cannot.
    """
    if Path(path).suffix.lower() in (".jpg", ".jpeg"):
        try:
            for_jpeg(recipe)
        except OutputError as e:
            raise OutputError(f"{path}: {e}") from None


def too_large(path: Union[str, "os.PathLike[str]"]) -> ImageError:
    """The error for a picture that could take all memory."""
    return ImageError(
        f"{path}: over {Image.MAX_IMAGE_PIXELS} pixels, too large to be safe; make it smaller first"
    )


def broken(path: Union[str, "os.PathLike[str]"], error: Exception) -> ImageError:
    """The error for a file that Pillow cannot read: what it is instead, or what Pillow says."""
    return ImageError(
        misplaced(path, "a picture")
        or f"{path}: not a picture, or a broken one ({error}); open it in an editor and save it "
        "again"
    )


def read_recipe(path: Union[str, "os.PathLike[str]"]) -> str:
    """The recipe in a picture, or "" if it carries none. In a JPEG it may be any description, by a
    camera or an editor.

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
            warnings.simplefilter("ignore")  # of damaged EXIF data
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                text = image.info.get(_PNG_KEY) or image.getexif().get(_DESCRIPTION, "")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_large(path) from None
    except MemoryError:
        raise
    except Exception as e:  # what a damaged file makes Pillow raise has no common base
        raise broken(path, e) from None
    return str(text)
