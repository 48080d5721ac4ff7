"""Contact sheets: many small pictures with captions on one."""

from typing import Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw

from .files import to_bytes
from .resize import bicubic

CELL, LABEL, GAP = 192, 34, 8  # pixels
Captioned = Tuple[np.ndarray, str]


def contact_sheet(rows: Sequence[Sequence[Captioned]]) -> np.ndarray:
    """RGB uint8 (H, W, 3): each row's (picture, caption) from left to right."""
    columns = max(len(row) for row in rows)
    size = (GAP + columns * (CELL + GAP), GAP + len(rows) * (CELL + LABEL))
    sheet = Image.new("RGB", size, (250, 248, 244))
    draw = ImageDraw.Draw(sheet)
    for r, row in enumerate(rows):
        for c, (picture, caption) in enumerate(row):
            x, y = GAP + c * (CELL + GAP), GAP + r * (CELL + LABEL)
            sheet.paste(Image.fromarray(to_bytes(bicubic(picture, (CELL, CELL)))), (x, y))
            draw.text((x, y + CELL + 3), caption, fill=(40, 40, 40))
    return np.asarray(sheet)
