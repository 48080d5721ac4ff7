"""Contact sheets: many small pictures on one, with captions or without."""

from typing import Any, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import Size
from .files import to_bytes
from .resize import bicubic

CELL, LABEL, GAP = 192, 34, 8  # pixels
_PAPER, _INK = (250, 248, 244), (40, 40, 40)
Captioned = Tuple[np.ndarray, str]


def contact_sheet(
    rows: Sequence[Sequence[Captioned]], cell: Size = (CELL, CELL), gap: int = GAP
) -> np.ndarray:
    """RGB uint8 (H, W, 3): each row's (picture, caption) from left to right.

    A picture keeps its shape within its cell. Captions have two lines at most, which end within
    theirs; without any, there is no room for them.

    Args:
        cell: (height, width) of each picture.
        gap: pixels between them.
    """
    height, width = cell
    label = LABEL if any(caption for row in rows for _, caption in row) else gap
    columns = max(len(row) for row in rows)
    size = (gap + columns * (width + gap), gap + len(rows) * (height + label))
    sheet = Image.new("RGB", size, _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    for r, row in enumerate(rows):
        for c, (picture, caption) in enumerate(row):
            x, y = gap + c * (width + gap), gap + r * (height + label)
            shown = Image.fromarray(to_bytes(bicubic(picture, _within(picture.shape[:2], cell))))
            left, top = (width - shown.width) // 2, (height - shown.height) // 2
            sheet.paste(shown, (x + left, y + top))
            for number, line in enumerate(caption.split("\n")[:2]):
                at = (x, y + height + 2 + number * LABEL // 2)
                draw.text(at, _fitted(line, width, font), fill=_INK, font=font)
    return np.asarray(sheet)


def _within(size: Size, cell: Size) -> Size:
    """The largest (height, width) of a picture's shape in a cell."""
    scale = min(cell[0] / size[0], cell[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _fitted(line: str, width: int, font: Any) -> str:
    """As much of a line as is so many pixels wide, in letters that the font has."""
    length = getattr(font, "getlength", None) or (lambda text: font.getsize(text)[0])
    try:
        length(line)
    except UnicodeEncodeError:  # the font of a Pillow without FreeType knows Latin letters only
        line = line.encode("latin-1", "replace").decode("latin-1")
    line = shown = line[:200]
    while shown and length(shown if shown == line else f"{shown}...") > width:
        shown = shown[:-1]
    return line if shown == line else f"{shown}..."
