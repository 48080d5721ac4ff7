"""Damaged pictures of every format that Pillow writes: a finite array, or an ImageError."""

import io
import os
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deepdream import pictures
from deepdream.errors import ImageError

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
MODES = ("RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "F", "I", "I;16", "YCbCr")
_NOT_PICTURES = {"PDF"}  # what Pillow writes and does not read


def encoded():
    """{format and mode: the bytes of a small picture}, for each that Pillow writes."""
    Image.init()
    values = np.random.RandomState(0).randint(0, 256, (20, 24, 3)).astype(np.uint8)
    rgb, made = Image.fromarray(values), {}
    for kind in sorted(set(Image.SAVE) - _NOT_PICTURES):
        for mode in MODES:
            out = io.BytesIO()
            try:
                image = rgb.convert("I").convert(mode) if mode == "I;16" else rgb.convert(mode)
                image.save(out, kind)
            except Exception:  # a format has no such mode, or is only a stub here
                continue
            made[f"{kind}-{mode}"] = out.getvalue()
    return made


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Pillow's on formats that it will drop
    ENCODED = encoded()
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "set", "cut", "insert", "repeat"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=4,
)


def changed(raw, changes):
    """The bytes after these changes, each at a share of the length."""
    raw = bytearray(raw)
    for how, share, new in changes:
        # headers, where damage does most, are hit as often as all that follows them
        at = (
            int(share * 2 * min(len(raw), 64)) if share < 0.5 else int((share - 0.5) * 2 * len(raw))
        )
        if how == "set":
            raw[at : at + len(new)] = new
        elif how == "cut":
            del raw[at : at + 50 * len(new)]
        elif how == "insert":
            raw[at:at] = new
        else:
            raw[at:at] = raw[at : at + 50]
    return bytes(raw)


@pytest.mark.parametrize("name", ENCODED)
def test_a_sound_picture_is_read_or_refused(name, tmp_path):
    read(tmp_path, ENCODED[name])


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=st.sampled_from(sorted(ENCODED)), changes=CHANGES)
def test_a_damaged_picture_is_read_or_refused(name, changes, tmp_path):
    read(tmp_path, changed(ENCODED[name], changes))


def read(folder, raw):
    path = folder / "x.png"
    path.write_bytes(raw)
    try:
        picture = pictures.load(path)
    except ImageError as e:
        assert str(path) in str(e)
        return
    assert picture.dtype == np.float32 and picture.ndim == 3 and picture.shape[2] == 3
    assert picture.size and np.isfinite(picture).all()
    assert picture.min() >= 0 and picture.max() <= 255
