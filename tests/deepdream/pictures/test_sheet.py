"""Contact sheets: what lies where, and captions of any text."""

import numpy as np
import pytest

from deepdream.pictures import contact_sheet
from deepdream.pictures.sheet import CELL, GAP, LABEL

RED, BLUE = (250.0, 0.0, 0.0), (0.0, 0.0, 250.0)


def filled(colour, height=10, width=10):
    return np.full((height, width, 3), colour, np.float32)


def test_pictures_without_captions_lie_side_by_side():
    row = [(filled(RED), ""), (filled(BLUE), "")]
    sheet = contact_sheet([row, row[::-1]], (10, 10), gap=0)
    assert sheet.shape == (20, 20, 3) and sheet.dtype == np.uint8
    assert (sheet[:10, :10] == RED).all() and (sheet[:10, 10:] == BLUE).all()
    assert (sheet[10:, :10] == BLUE).all() and (sheet[10:, 10:] == RED).all()


def test_captions_have_room_below_their_pictures():
    sheet = contact_sheet([[(filled(RED), "one"), (filled(BLUE), "")]])
    assert sheet.shape == (GAP + CELL + LABEL, GAP + 2 * (CELL + GAP), 3)
    below = sheet[GAP + CELL :]
    assert below[:, : GAP + CELL].min() < 100 <= below[:, GAP + CELL :].min()


@pytest.mark.parametrize("height, width, shown", [(10, 40, (48, 192)), (40, 10, (192, 48))])
def test_a_picture_keeps_its_shape(height, width, shown):
    sheet = contact_sheet([[(filled(RED, height, width), "")]]).astype(int)
    red = (abs(sheet - RED) < 5).all(2)
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    assert (len(rows), len(columns)) == shown
    # in the middle of its cell
    assert rows[0] + rows[-1] == columns[0] + columns[-1] == 2 * GAP + CELL - 1


@pytest.mark.parametrize("caption", ["w" * 3000, "dog\nas " + "m" * 200, "a\nb\nc\nd", "猫 \u2603"])
def test_a_caption_stays_below_its_picture(caption):
    blank, captioned = (
        contact_sheet([[(filled(RED), text), (filled(RED), ".")]]).astype(int)
        for text in ("", caption)
    )
    changed = (blank != captioned).any(2)
    assert changed.any() and not changed[:, GAP + CELL :].any() and not changed[-1].any()
