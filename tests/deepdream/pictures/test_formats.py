"""Formats that are written, and what stands in their metadata: the recipe beside the caption."""

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.errors import OutputError
from deepdream.pictures import exif, files, metadata

CAPTION, ORIENTATION, GPS = 0x010E, 0x0112, 0x8825
COMMENT, TAKEN, WIDTH, MAKER = 0x9286, 0x9003, 0xA002, 0x927C
RECIPE = '{"seed": 1, "path": "/a/\\u00e9"}'
Image.init()
SUFFIXES = [suffix for suffix, kind in files.FORMATS.items() if kind in Image.SAVE]
OLD = tuple(map(int, Image.__version__.split(".")[:2])) < (9, 0)


@pytest.fixture
def dream(rng):
    return rng.randint(0, 256, (20, 30, 3)).astype(np.uint8)


@pytest.fixture
def photo(tmp_path):
    """A JPEG as a camera and an editor leave it, 30 wide and 20 high, lying on its side."""
    tags = Image.Exif()
    tags[CAPTION], tags[ORIENTATION] = "At the caf\u00e9".encode(), 6
    tags[GPS] = {1: "N", 2: (1.0, 2.0, 3.0)}
    tags[exif.SUB] = {
        COMMENT: b"ASCII\0\0\0hello",
        TAKEN: "2015:06:17 12:00:00",
        WIDTH: 30,
        MAKER: b"offsets",
    }
    path = tmp_path / "photo.jpg"
    try:
        content = tags.tobytes()
    except AttributeError:  # older Pillows take texts alone
        tags[CAPTION] = "At the cafe"
        content = tags.tobytes()
    Image.new("RGB", (30, 20), (200, 100, 50)).save(path, exif=content)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pixels_and_recipe_come_back(suffix, dream, tmp_path):
    path = tmp_path / f"x{suffix}"
    long = RECIPE[:-1] + " " * 50_000 + "}"
    for recipe in ("", RECIPE, long):
        pictures.save(path, dream, recipe)
        assert pictures.read_recipe(path) == recipe
        again = pictures.load(path)
        if files.FORMATS[suffix] in files.LOSSY:
            # noise is the worst that there is for them
            assert np.abs(again - dream).mean() < 12
        else:
            np.testing.assert_array_equal(again, dream)


def test_a_format_that_pillow_lacks_is_said_to_be_one(dream, tmp_path, monkeypatch):
    monkeypatch.delitem(Image.SAVE, "WEBP")
    with pytest.raises(OutputError, match=r"x.webp: this Pillow \(.*\) cannot write .webp; inst"):
        pictures.save(tmp_path / "x.webp", dream)
    with pytest.raises(OutputError, match="cannot write"):
        files.check_saving(tmp_path / "x.webp", (20, 30))


@pytest.mark.parametrize("suffix, side", [(".webp", 16384), (".jpg", 65501)])
def test_a_side_too_long_for_a_format_is_found_before_the_work(suffix, side, tmp_path):
    with pytest.raises(OutputError, match=f"{side}x5, a .* has at most {side - 1} pixels a side"
                       if suffix == ".webp" else "65501x5"):  # fmt: skip
        files.check_saving(tmp_path / f"x{suffix}", (5, side))
    files.check_saving(tmp_path / "x.png", (5, side))


def tags_of(path):
    """({tag: value}, {tag of the second table: value}) of a picture, as any program reads them."""
    with Image.open(path) as image:
        first = dict(image.getexif())
        return first, dict(image.getexif().get_ifd(exif.SUB))


@pytest.mark.skipif(OLD, reason="older Pillows give both tables as one, and a TIFF's not at all")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_caption_keeps_its_place_beside_the_recipe(suffix, photo, dream, tmp_path):
    out = tmp_path / f"dream{suffix}"
    pictures.save(out, dream, RECIPE, tags=pictures.read(photo).tags)
    assert pictures.read_recipe(out) == RECIPE
    first, second = tags_of(out)
    caption = first[CAPTION]
    assert caption.encode("latin-1").decode() in ("At the caf\u00e9", "At the cafe")
    assert second[COMMENT] == b"ASCII\0\0\0hello" and second[TAKEN] == "2015:06:17 12:00:00"


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_what_is_not_true_of_the_dream_is_not_kept(suffix, photo, dream, tmp_path):
    read = pictures.read(photo)
    assert read.pixels.shape == (30, 20, 3) and not read.notes
    out = tmp_path / f"dream{suffix}"
    pictures.save(out, dream, RECIPE, tags=read.tags)
    first, second = tags_of(out)
    assert first.get(ORIENTATION, 1) == 1 and pictures.load(out).shape == dream.shape
    assert GPS not in first and MAKER not in second
    if not OLD:  # older Pillows make one of the two tables
        assert second[WIDTH] == 30 and second[0xA003] == 20 and second[0xA001] == 1


def test_a_plain_png_has_no_exif_data(dream, tmp_path):
    pictures.save(tmp_path / "photo.png", dream)
    assert not pictures.read(tmp_path / "photo.png").tags
    pictures.save(tmp_path / "x.png", dream, RECIPE, tags={})
    assert b"eXIf" not in (tmp_path / "x.png").read_bytes()


def test_a_recipe_in_the_place_of_older_versions_is_found(dream, tmp_path):
    tags = Image.Exif()
    tags[CAPTION] = recipe = '{"version": 1, "deepdream": "0.1"}'
    path = tmp_path / "old.jpg"
    Image.fromarray(dream).save(path, exif=tags.tobytes())
    assert pictures.read_recipe(path) == recipe
    # and the dream of such a picture is not captioned with it
    assert CAPTION not in pictures.read(path).tags


def test_damaged_exif_data_are_a_note(photo, monkeypatch):
    def damaged(image):
        raise SyntaxError("not a TIFF file")

    monkeypatch.setattr(exif, "kept", damaged)
    read = pictures.read(photo)
    assert not read.tags and read.notes == (
        f"{photo}: its EXIF data are damaged, and are not kept (not a TIFF file)",
    )


def test_exif_data_make_way_for_the_recipe_in_a_jpeg(dream, tmp_path):
    tags = {0x010F: "x" * 7000, 0x0110: "y" * 7000}
    recipe = RECIPE[:-1] + " " * 60_000 + "}"
    pictures.save(tmp_path / "x.jpg", dream, recipe, tags=tags)
    assert pictures.read_recipe(tmp_path / "x.jpg") == recipe
    assert len(metadata.options("JPEG", RECIPE, tags)["exif"]) > 14_000


def test_a_value_that_no_caption_has_is_not_kept(tmp_path):
    tags = Image.Exif()
    tags[CAPTION], tags[0x010F] = "x" * 20_000, "Camera"
    Image.new("RGB", (4, 4)).save(tmp_path / "x.jpg", exif=tags.tobytes())
    assert pictures.read(tmp_path / "x.jpg").tags == {0x010F: "Camera"}
