"""skimage.io: pictures from files and to files, by Pillow."""

from typing import Any

import numpy as np

from . import color, util


def imread(fname: Any, as_gray: bool = False, as_grey: bool = False) -> np.ndarray:
    """A picture's values as its file has them: (H, W), (H, W, 3) or (H, W, 4).

    uint8 for most files, uint16 for 16-bit grey ones; float with `as_gray` (`as_grey`, its older
    name) if the file is in colour. A palette gives its colours. Of several frames, the first.
    """
    from PIL import Image

    with Image.open(fname) as image:
        if image.format == "EPS":  # Pillow would run it
            raise OSError(f"{fname}: is PostScript, a program; save it as a PNG")
        pixels = np.array(image.convert(_plain_mode(image)))
        if image.format == "PNG" and image.mode == "I":  # so Pillows below 11 open 16-bit grey ones
            pixels = pixels.astype(np.uint16)
    return color.rgb2gray(pixels) if as_gray or as_grey else pixels


def _plain_mode(image: Any) -> str:
    """The Pillow mode whose array is the picture's values."""
    mode = image.mode
    if mode == "P":
        colours = np.reshape(image.getpalette() or [0, 0, 0], (-1, 3))
        first, last = image.getextrema()
        if not np.diff(colours[first : last + 1]).any():
            return "L"
        return "RGBA" if image.format == "PNG" and "transparency" in image.info else "RGB"
    return {"1": "L", "CMYK": "RGB", "LA": "RGBA", "PA": "RGBA"}.get(mode, mode)


def imsave(fname: Any, arr: Any) -> None:
    """Save a picture, uint8 or float in -1..1, in the format that the file's name says."""
    from PIL import Image

    pixels = util.img_as_ubyte(arr)
    Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).save(fname)


def __getattr__(name: str) -> Any:
    raise util.missing(__name__, name)
