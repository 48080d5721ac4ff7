"""Colours: ICC profiles, the photograph's colours under a dream, and sizes."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from deepdream import pictures
from deepdream.pictures.resize import at_most, size_at_most

# columns: red, green and blue of Adobe RGB (1998) in XYZ at D50, and the way from there to sRGB
ADOBE = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322],
                  [0.01947, 0.06087, 0.74457]])  # fmt: skip
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061],
                 [0.01392, 0.09708, 0.71410]])  # fmt: skip
GAMMA = 2.19921875


def s15(values):
    return b"".join(struct.pack(">i", round(float(v) * 65536)) for v in values)


def profile(space=b"RGB ", matrix=ADOBE):
    """The smallest ICC profile (version 2.1) of three primaries and a gamma, or of a gamma."""
    curve = b"curv" + struct.pack(">II", 0, 1) + struct.pack(">H", round(GAMMA * 256)) + b"\0\0"
    name = b"A wide one\0"
    text = b"desc" + struct.pack(">II", 0, len(name)) + name + b"\0" * 78
    tags = {b"desc": text + b"\0" * (-len(text) % 4), b"cprt": b"text\0\0\0\0none\0\0\0\0",
            b"wtpt": b"XYZ \0\0\0\0" + s15([0.9642, 1, 0.8249])}  # fmt: skip
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for letter, column in zip(b"rgb", matrix.T):
            tags[bytes([letter]) + b"XYZ"] = b"XYZ \0\0\0\0" + s15(column)
            tags[bytes([letter]) + b"TRC"] = curve
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for key, value in tags.items():
        table += key + struct.pack(">II", start + len(body), len(value))
        body += value
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x02100000, b"mntr", space, b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + s15([0.9642, 1, 0.8249])
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def expected(colours):
    """Adobe RGB as sRGB, worked out from the two definitions; uint8 (N, 3) to float (N, 3)."""
    linear = (colours / 255) ** GAMMA @ ADOBE.T @ np.linalg.inv(SRGB).T
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear,
                          1.055 * linear ** (1 / 2.4) - 0.055)  # fmt: skip


COLOURS = np.uint8([[200, 80, 80], [60, 180, 60], [40, 60, 170], [128, 128, 128], [255, 255, 255]])


def saved(tmp_path, image, icc, name="x.png"):
    image.save(tmp_path / name, icc_profile=icc)
    return tmp_path / name


def test_a_wide_gamut_is_converted_to_srgb(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOURS[None]), profile())
    read = pictures.read(path)
    np.testing.assert_allclose(read.pixels[0], expected(COLOURS), atol=2)
    assert np.abs(read.pixels[0] - COLOURS).max() > 10
    assert read.converted and read.notes == (
        f"{path}: its colours are converted from A wide one to sRGB",
    )
    as_it_is = pictures.read(path, profiles=False)
    np.testing.assert_array_equal(as_it_is.pixels[0], COLOURS)
    assert not as_it_is.converted and not as_it_is.notes


def test_transparency_goes_over_white_before(tmp_path):
    rgba = np.dstack([COLOURS[None], np.uint8([[255, 255, 255, 255, 0]])])
    rgba[0, 4, :3] = 0
    read = pictures.read(saved(tmp_path, Image.fromarray(rgba), profile()))
    np.testing.assert_allclose(read.pixels[0], expected(COLOURS), atol=2)


def test_a_grey_profile_is_followed(tmp_path):
    grey = Image.fromarray(np.uint8([[0, 60, 128, 255]]))
    read = pictures.read(saved(tmp_path, grey, profile(b"GRAY")))
    want = expected(np.repeat(np.uint8([0, 60, 128, 255])[:, None], 3, 1))
    np.testing.assert_allclose(read.pixels[0], want, atol=2)
    assert read.converted


def test_srgb_itself_changes_no_bit(tmp_path, rng):
    values = rng.randint(0, 256, (20, 30, 3)).astype(np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name in ("x.png", "x.tif", "x.webp"):
        image = Image.fromarray(values)
        options = {"lossless": True} if name == "x.webp" else {}
        image.save(tmp_path / name, icc_profile=srgb, **options)
        read = pictures.read(tmp_path / name)
        np.testing.assert_array_equal(read.pixels, values)
        assert not read.converted and not read.notes


@pytest.mark.parametrize("icc, why", [
    (b"nothing of the kind", "not followed"),
    (profile()[:200], "not followed"),
    (profile(b"GRAY"), "it is of GRAY, and the picture of the mode RGB"),
])  # fmt: skip
def test_a_profile_that_is_broken_is_a_note(icc, why, tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOURS[None]), icc)
    read = pictures.read(path)
    np.testing.assert_array_equal(read.pixels[0], COLOURS)
    (note,) = read.notes
    assert note.startswith(f"{path}: its colour profile is not followed: ") and why in note
    assert not read.converted


def test_the_values_of_a_mask_are_not_colours(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.uint8([[0, 128, 255]])), profile(b"GRAY"))
    np.testing.assert_allclose(pictures.load_mask(path), [[0, 128 / 255, 1]], atol=1e-6)


def test_the_photographs_colours_with_the_dreams_luminance(rng):
    photo, dream = (np.float32(rng.uniform(80, 170, (6, 8, 3))) for _ in "ab")
    both = pictures.with_colours_of(photo, dream)
    luma = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(both @ luma, dream @ luma, atol=1e-3)
    of_photo, of_both = (np.asarray(Image.fromarray(pictures.to_bytes(p)).convert("YCbCr"), int)
                         for p in (photo, both))  # fmt: skip
    np.testing.assert_allclose(of_both[..., 1:], of_photo[..., 1:], atol=1)
    np.testing.assert_array_equal(pictures.with_colours_of(photo, photo), photo)


@pytest.mark.parametrize("size, longest, made", [
    ((90, 120), 60, (45, 60)), ((120, 90), 60, (60, 45)), ((90, 120), 120, (90, 120)),
    ((90, 120), 500, (90, 120)), ((90, 120), 0, (90, 120)), ((1, 1000), 10, (1, 10)),
])  # fmt: skip
def test_sizes_go_down_only_and_keep_their_shape(size, longest, made):
    assert size_at_most(size, longest) == made
    assert at_most(np.zeros((*size, 3), np.float32), longest).shape == (*made, 3)
