"""A picture's recipe, in the metadata of its file."""

import os
from typing import Any, Union

from PIL import Image

from ..errors import ImageError

_DESCRIPTION = 0x010E  # EXIF ImageDescription
_PNG_KEY = "deepdream"


def for_png(recipe: str) -> Any:
    """What Pillow's save() takes as `pnginfo`."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(_PNG_KEY, recipe)
    return info


def for_jpeg(recipe: str) -> bytes:
    """What Pillow's save() takes as `exif`."""
    exif = Image.Exif()
    exif[_DESCRIPTION] = recipe
    return exif.tobytes()


def read_recipe(path: Union[str, "os.PathLike[str]"]) -> str:
    """The recipe in a picture, or "" if it carries none.

    Raises:
        ImageError: the picture cannot be read.
    """
    if not os.path.exists(path):
        raise ImageError(f"{path}: no such picture")
    try:
        with Image.open(path) as image:
            text = image.info.get(_PNG_KEY) or image.getexif().get(_DESCRIPTION, "")
    except (OSError, SyntaxError, ValueError) as e:
        raise ImageError(f"{path}: not a picture that can be read ({e})") from None
    return str(text)
