"""What a photograph's EXIF data say, as far as it is true of its dream too.

Kept: the caption, who made the photograph, with what and when, and the user's comment. Not kept:
where it was made (GPS), the thumbnail, the camera's own block, whose inner offsets would be wrong,
and what describes the file. The orientation was applied to the pixels.
"""

from typing import Any, Dict

from PIL import Image

SUB = 0x8769  # the tag under which a second table of tags stands
_KEPT = {
    0x010D, 0x010E,  # DocumentName, ImageDescription
    0x010F, 0x0110, 0x0131, 0x0132,  # Make, Model, Software, DateTime
    0x013B, 0x013C, 0x8298,  # Artist, HostComputer, Copyright
    0x4746, 0x4749,  # Rating, RatingPercent
    0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F,  # Windows' title, comment, author, keywords, subject
}  # fmt: skip
# of the second table: MakerNote, Interoperability, what is true of the file's pixels, and offsets
_NOT_KEPT = {0x927C, 0xA005, 0xA001, 0xA002, 0xA003, 0x9101, 0x9102, 0xA20C, 0xA40B}
_COLOUR_SPACE, _WIDTH, _HEIGHT, _SRGB = 0xA001, 0xA002, 0xA003, 1
_LONGEST = 8000  # characters or items of a value; no caption has more, and a JPEG has not much room

Tags = Dict[int, Any]


def kept(image: Any) -> Tags:
    """The tags of an open picture that are kept: {tag: value}, and under SUB a second such table.

    Raises whatever Pillow raises for damaged EXIF data.
    """
    exif = image.getexif()
    # a TIFF's own tags, which older Pillows do not give by getexif
    first: Tags = dict(getattr(image, "tag_v2", None) or exif)
    # older Pillows have no get_ifd, or give both tables as one
    second = dict(exif.get_ifd(SUB)) if hasattr(exif, "get_ifd") else {}
    out = {t: _value(v) for t, v in first.items() if t in _KEPT and _is_short(v)}
    if _is_recipe(out.get(0x010E)):
        del out[0x010E]
    below = {t: _value(v) for t, v in second.items() if t not in _NOT_KEPT and _is_short(v)}
    if below:
        out[SUB] = below
    encoded(out)
    return out


def _is_short(value: Any) -> bool:
    return not hasattr(value, "__len__") or len(value) <= _LONGEST


def _value(value: Any) -> Any:
    """A text as its bytes where it has other letters than ASCII's; Pillow would write a ? for
    each, and has read each byte as a letter."""
    if isinstance(value, str) and any(ord(letter) > 127 for letter in value):
        return value.encode("latin-1", "replace")
    return value


def _is_recipe(text: Any) -> bool:
    """Whether a description is the recipe of an older JPEG of ours, and no caption."""
    return isinstance(text, str) and text.lstrip().startswith("{") and '"deepdream' in text


def of_picture(tags: Tags, width: int, height: int) -> Tags:
    """The tags, as they are true of a picture in sRGB of this size."""
    if SUB not in tags:
        return dict(tags)
    facts = {_COLOUR_SPACE: _SRGB, _WIDTH: width, _HEIGHT: height}
    return {**tags, SUB: {**tags[SUB], **facts}}


def encoded(tags: Tags) -> bytes:
    """EXIF data, as Pillow's save() takes them as `exif`."""
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    return bytes(exif.tobytes())
