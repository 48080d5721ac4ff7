"""Colours by a picture's ICC profile, brought to sRGB by Pillow's LittleCMS."""

import io
from typing import Any, Tuple

import numpy as np
from PIL import Image

_RELATIVE: Any = 1  # the rendering intent relative colorimetric; Pillow's names moved
_BLACK_POINT: Any = 0x2000  # compensation, as editors and browsers have it
_SAME = 2  # grey levels; a profile that changes no colour more is sRGB itself
# colour space of a profile: the modes of pictures that it fits, and the one to convert from
_MODES = {
    "RGB": (("RGB", "RGBA", "P", "PA", "1", "L", "LA"), "RGB"),
    "GRAY": (("L", "LA", "1"), "L"),
    "CMYK": (("CMYK",), "CMYK"),
}


def to_srgb(image: Any, profile: bytes) -> Tuple[Any, str]:
    """A picture without transparency in sRGB.

    Args:
        image: Pillow's, of any mode.
        profile: of the picture, as its file embeds it; it may be anything.

    Returns:
        The picture, and "" or the name of the profile that it was converted from. A profile that
        is sRGB by itself leaves the picture as it is.

    Raises:
        ValueError: the profile is broken, or does not fit the picture.
    """
    try:
        from PIL import ImageCms

        source: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = str(source.profile.xcolor_space).strip()
        modes, mode = _MODES.get(space, ((), ""))
        if image.mode not in modes:
            raise ValueError(f"it is of {space}, and the picture of the mode {image.mode}")
        convert = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", _RELATIVE, _BLACK_POINT
        )
        if mode == "RGB" and _changes_nothing(ImageCms, convert):
            return image, ""
        image = ImageCms.applyTransform(image.convert(mode), convert)
        return image, _name(ImageCms, source) or space
    except MemoryError:
        raise
    except ImportError:
        raise ValueError("this Pillow was built without LittleCMS") from None
    except Exception as e:  # whatever LittleCMS or Pillow say of a damaged one
        raise ValueError(str(e) or type(e).__name__) from None


def _changes_nothing(cms: Any, convert: Any) -> bool:
    """Whether colours all over the cube stay as they are."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(27, 27, 3)
    converted = np.asarray(cms.applyTransform(Image.fromarray(colours), convert))
    return bool(np.abs(converted.astype(int) - colours).max() <= _SAME)


def _name(cms: Any, profile: Any) -> str:
    try:
        return " ".join(str(cms.getProfileDescription(profile)).split())[:80]
    except Exception:
        return ""
