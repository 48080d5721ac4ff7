"""Pictures of every kind in, PNG and JPEG with their recipe out."""

import os
import signal
import struct

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.errors import ImageError, OutputError
from deepdream.pictures import arrays
from deepdream.pictures import output as files
from netfile.system import memory

RAMP = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


def save(tmp_path, picture, name="x.png", **params):
    picture.save(tmp_path / name, **params)
    return str(tmp_path / name)


def grey(values):
    return np.repeat(np.float32(values)[..., None], 3, 2)


def test_rgb_comes_as_float_rgb(tmp_path, rng):
    x = rng.randint(0, 256, (4, 5, 3)).astype(np.uint8)
    loaded = pictures.load(save(tmp_path, Image.fromarray(x)))
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, x)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "1", "P", "CMYK", "HSV", "YCbCr"])
def test_every_mode_of_a_white_picture_is_white(mode, tmp_path):
    name = {"CMYK": "x.tif", "HSV": "x.png", "YCbCr": "x.jpg"}.get(mode, "x.png")
    picture = Image.new("RGB", (6, 4), "white").convert(mode)
    if mode == "HSV":
        picture = picture.convert("RGB")
    np.testing.assert_allclose(
        pictures.load(save(tmp_path, picture, name)), np.full((4, 6, 3), 255), atol=1
    )


def test_grey(tmp_path):
    np.testing.assert_array_equal(pictures.load(save(tmp_path, Image.fromarray(RAMP))), grey(RAMP))


def test_16_bit_is_scaled_not_clipped(tmp_path):
    np.testing.assert_allclose(
        pictures.load(save(tmp_path, Image.fromarray(RAMP.astype(np.uint16) * 257))), grey(RAMP)
    )


def test_palette_with_transparency_and_alpha_go_over_white(tmp_path):
    clear = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    np.testing.assert_array_equal(pictures.load(save(tmp_path, clear)), np.full((2, 2, 3), 255))
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    np.testing.assert_array_equal(
        pictures.load(save(tmp_path, palette, transparency=0)), np.full((2, 2, 3), 255)
    )


def test_exif_rotation_is_followed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    path = save(tmp_path, Image.fromarray(np.zeros((4, 6, 3), np.uint8)), "x.jpg", exif=exif)
    assert pictures.load(path).shape == (6, 4, 3)


@pytest.mark.parametrize("content, message", [
    (b"", "an empty file, given where a picture goes"),
    (b"<html>moved</html>", r"a web page \(HTML\), given where a picture goes"),
    (b'layer { name: "x" }', "a prototxt, given where a picture goes"),
    (b"\x89PNG\r\n\x1a\nbroken", "not a picture, or a broken one"),
    (b"\x07\x08\x01", "not a picture, or a broken one"),
])  # fmt: skip
def test_a_broken_picture_is_named(content, message, tmp_path):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(ImageError, match=f"x.png: {message}"):
        pictures.load(tmp_path / "x.png")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_named_with_its_place(value, tmp_path):
    values = np.full((4, 6), 7, np.float32)
    values[1, 2] = value
    path = save(tmp_path, Image.fromarray(values), "x.tif")
    with pytest.raises(ImageError, match=f"x.tif: .*row 1, column 2, counted from 0, is {value}"):
        pictures.load(path)


def test_float_values_are_clipped(tmp_path):
    path = save(tmp_path, Image.fromarray(np.float32([[-5, 1.5, 300]])), "x.tif")
    np.testing.assert_array_equal(pictures.load(path), grey([[0, 1.5, 255]]))


def test_what_is_no_file_is_said_to_be_none(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path, message in (
        (tmp_path, "a folder, given where a picture goes; name a file"),
        (tmp_path / "pipe.png", "a pipe or a device, given where a picture"),
        ("/dev/zero", "a pipe or a device, given where a picture"),
        (tmp_path / "none.png", "no such picture"),
    ):
        with pytest.raises(ImageError, match=message):
            pictures.load(path)


def test_postscript_is_not_run(tmp_path):
    path = save(tmp_path, Image.fromarray(RAMP), "x.eps")
    with pytest.raises(ImageError, match="PostScript, a program"):
        pictures.load(path)


@pytest.mark.parametrize("error", [RuntimeError, KeyError, struct.error, ZeroDivisionError])
def test_whatever_a_decoder_raises_is_a_broken_picture(error, tmp_path, monkeypatch):
    def fail(*args):
        raise error("x")

    monkeypatch.setattr("deepdream.pictures.files._as_rgb", fail)
    with pytest.raises(ImageError, match="x.png: not a picture, or a broken one"):
        pictures.load(save(tmp_path, Image.fromarray(RAMP)))


def test_a_picture_larger_than_the_memory_is_not_decoded(tmp_path, monkeypatch):
    free = memory.Free(20 * RAMP.shape[0] * RAMP.shape[1], "left by ulimit -v")
    monkeypatch.setattr(memory, "free", lambda: free)
    with pytest.raises(ImageError, match=r"x.png: \d+x\d+ pixels take .* left by ulimit -v; make"):
        pictures.load(save(tmp_path, Image.fromarray(RAMP)))


def test_too_little_memory_is_not_a_broken_picture(tmp_path, monkeypatch):
    def too_much(*args):
        raise MemoryError

    monkeypatch.setattr("deepdream.pictures.files._as_rgb", too_much)
    with pytest.raises(MemoryError):
        pictures.load(save(tmp_path, Image.fromarray(RAMP)))


def test_a_picture_is_saved_in_a_known_format_only(tmp_path):
    with pytest.raises(OutputError, match='unknown format ".bmp"'):
        pictures.save(tmp_path / "x.bmp", np.zeros((4, 4, 3)))


def test_a_truncated_picture_is_named(tmp_path, rng):
    path = save(
        tmp_path, Image.fromarray(rng.randint(0, 256, (50, 50, 3)).astype(np.uint8)), "x.jpg"
    )
    raw = open(path, "rb").read()
    open(path, "wb").write(raw[: len(raw) // 2])
    with pytest.raises(ImageError, match="x.jpg"):
        pictures.load(path)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    # what Pillow warns of is merely large
    assert pictures.load(save(tmp_path, Image.new("RGB", (12, 12)))).shape == (12, 12, 3)
    with pytest.raises(ImageError, match="over 200 pixels"):
        pictures.load(save(tmp_path, Image.new("RGB", (50, 50))))


def test_saving_clips_and_truncates_as_the_notebook(tmp_path):
    pictures.save(tmp_path / "x.png", np.float32([[[-5, 1.9, 300]]]))
    np.testing.assert_array_equal(pictures.load(tmp_path / "x.png"), [[[0, 1, 255]]])


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.JPEG"])
def test_the_recipe_comes_back(name, tmp_path):
    pictures.save(tmp_path / name, np.zeros((4, 4, 3)), '{"seed": 1, "path": "/a/\\u00e9"}')
    assert pictures.read_recipe(tmp_path / name) == '{"seed": 1, "path": "/a/\\u00e9"}'
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(image, into, *args, **options):
        into.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pictures.save(tmp_path / "x.png", np.zeros((4, 4, 3)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name, message",
    [("x.bmpp", 'unknown format ".bmpp"'), ("no/x.png", "no such folder"), ("x", 'format ""')],
)
def test_a_bad_destination_is_found_before_the_work(name, message, tmp_path):
    with pytest.raises(OutputError, match=message):
        files.check_file(tmp_path / name, pictures.FORMATS)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_disk_that_is_full_at_the_last_bytes_is_told(suffix, tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / f"a{suffix}"
    picture = np.random.RandomState(0).uniform(0, 255, (20, 30, 3))
    pictures.save(path, picture)
    whole = path.read_bytes()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) - 10, limits[1]))
        with pytest.raises(OutputError):
            pictures.save(path, picture)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == whole and os.listdir(tmp_path) == [path.name]


def _kinds(rng):
    """Pictures of many modes, (name of a file, Pillow's picture, options of save)."""
    height, width = 23, 17
    rgb = Image.fromarray(rng.randint(0, 256, (height, width, 3)).astype(np.uint8))
    alpha = Image.fromarray(rng.randint(0, 256, (height, width)).astype(np.uint8))
    clear = rgb.copy()
    clear.putalpha(alpha)
    deep = Image.fromarray(rng.randint(0, 65536, (height, width)).astype(np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "rgb.png", rgb, {}
    yield "turned.jpg", rgb, {"exif": exif, "quality": 100}
    yield "clear.png", clear, {}
    yield "palette.png", rgb.quantize(16), {"transparency": 3}
    yield "deep.png", deep, {}
    yield "float.tif", Image.fromarray(np.float32(rng.uniform(0, 255, (height, width)))), {}
    yield "grey.tif", alpha, {}
    yield "ink.tif", rgb.convert("CMYK"), {}


@pytest.mark.parametrize("kind", range(8))
def test_strips_are_read_as_the_whole(kind, tmp_path, rng, monkeypatch):
    name, image, options = list(_kinds(rng))[kind]
    path = save(tmp_path, image, name, **options)
    whole = pictures.load(path)
    monkeypatch.setattr(arrays, "_MOST", 3 * 17 * 4)
    np.testing.assert_array_equal(pictures.load(path), whole)
    file = pictures.read(path, new=arrays.Scratch(tmp_path)).pixels
    assert isinstance(file, arrays.FileArray)
    np.testing.assert_array_equal(file[:], whole)


def test_strips_follow_the_profile_as_the_whole(tmp_path, rng, monkeypatch):
    ImageCms = pytest.importorskip("PIL.ImageCms")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    rgb = Image.fromarray(rng.randint(0, 256, (23, 17, 3)).astype(np.uint8))
    path = save(tmp_path, rgb, icc_profile=profile)
    whole = pictures.read(path)
    monkeypatch.setattr(arrays, "_MOST", 3 * 17 * 4)
    part = pictures.read(path)
    assert part.notes == whole.notes and len(part.notes) == 1
    np.testing.assert_array_equal(part.pixels, whole.pixels)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_picture_in_a_file_is_saved_as_one_in_memory(suffix, tmp_path, rng, monkeypatch):
    pixels = np.float32(rng.uniform(-20, 280, (23, 17, 3)))
    file = arrays.Scratch(tmp_path)(pixels.shape)
    file[...] = pixels
    one, other, third = (tmp_path / f"{name}{suffix}" for name in "abc")
    pictures.save(one, pixels, "recipe")
    monkeypatch.setattr(arrays, "_MOST", 3 * 17 * 4)
    pictures.save(other, file, "recipe")
    pictures.save(third, arrays.Computed(pixels.shape, lambda rows: pixels[rows]), "recipe")
    assert one.read_bytes() == other.read_bytes() == third.read_bytes()
    colours = pictures.with_colours_of(file, arrays.Computed(pixels.shape, lambda r: pixels[r] / 2))
    np.testing.assert_array_equal(colours[:], pictures.with_colours_of(pixels, pixels / 2))


def test_a_value_that_is_no_number_is_named_with_its_place_in_the_whole(tmp_path, monkeypatch):
    values = np.zeros((23, 17), np.float32)
    values[20, 3] = np.nan
    monkeypatch.setattr(arrays, "_MOST", 3 * 17 * 4)
    with pytest.raises(ImageError, match="row 20, column 3"):
        pictures.load(save(tmp_path, Image.fromarray(values), "x.tif"))
