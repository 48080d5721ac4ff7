"""The part of scikit-image that is here, and caffe.io.resize_image, which uses it."""

import importlib
import sys

import numpy as np
import pytest
from PIL import Image

import caffe_compat as caffe
from caffe_compat import skimage
from caffe_compat.skimage import transform

PICTURE = np.array([[1, 4, 0, 2], [7, 3, 5, 9], [8, 6, 2, 4.0]])[..., None]
# recorded from Caffe on scikit-image 0.18 without anti-aliasing: (size, order): first row, last row
RECORDED = {
    ((4, 6), 0): ([1, 4, 4, 0, 2, 2], [8, 6, 6, 2, 4, 4]),
    ((4, 6), 1): (
        [0.72917, 2.1875, 2.91667, 0.58333, 0.875, 1.45833],
        [5.83333, 6.125, 4.66667, 2.33333, 2.625, 2.91667],
    ),
    ((4, 6), 3): (
        [0.37479, 2.45667, 3.39463, 0.17155, 0.47552, 1.41735],
        [6.58861, 7.21576, 5.04347, 2.0435, 2.52374, 3.11304],
    ),
    ((2, 3), 0): ([1, 0, 2], [8, 2, 4]),
    ((2, 3), 1): ([2.70833, 2.5, 3.33333], [7.33333, 4, 4.83333]),
    ((2, 3), 2): ([1.73614, 2.20625, 2.70043], [7.94183, 3.58125, 4.54104]),
    ((2, 3), 3): ([2.64026, 2.49365, 3.5466], [8.6994, 3.99658, 5.43094]),
    ((2, 3), 5): ([1.79609, 2.20085, 2.79731], [8.03254, 3.3258, 4.67354]),
}


@pytest.mark.parametrize("size, order", RECORDED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int32])
def test_resize_image_is_caffes(size, order, dtype):
    resized = caffe.io.resize_image(PICTURE.astype(dtype), size, order)
    assert resized.shape == (*size, 1) and resized.dtype == np.float32
    np.testing.assert_allclose(resized[[0, -1], :, 0], RECORDED[size, order], atol=1e-5)


def test_other_numbers_of_channels_are_resized_by_zoom():
    resized = caffe.io.resize_image(np.dstack([PICTURE, -PICTURE]), (2, 3))
    wanted = [[-1, -2, -2], [-8, -4, -4]]  # recorded from Caffe: its corners are the picture's
    np.testing.assert_allclose(resized[..., 1], wanted, rtol=1e-6)


def test_a_constant_picture_stays_constant_at_its_borders():
    for value in (7, np.nan):
        resized = caffe.io.resize_image(np.full((3, 3, 3), value, np.float32), (5, 4))
        np.testing.assert_array_equal(resized, np.full((5, 4, 3), value, np.float32))


@pytest.mark.parametrize("shape", [(4, 5), (4, 3), (2, 4, 5, 3)])
def test_a_picture_has_three_axes(shape):
    with pytest.raises(ValueError, match=r"\(height, width, channels\), not of shape"):
        caffe.io.resize_image(np.zeros(shape), (3, 3))


def test_no_pixels_are_refused():
    with pytest.raises(ValueError, match=r"\(0, 3\)"):
        caffe.io.resize_image(PICTURE, (0, 3))


@pytest.mark.parametrize("mode", ["constant", "edge", "symmetric", "reflect", "wrap"])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_a_mode_gives_what_padding_would(mode, order, rng):
    picture = rng.uniform(-1, 1, (5, 6, 2))
    options = {"constant_values": 0.3} if mode == "constant" else {}
    padded = np.pad(picture, ((5, 5), (6, 6), (0, 0)), mode, **options)
    resized = skimage.transform.resize(picture, (7, 9), order, mode, 0.3, clip=False)
    wanted = skimage.transform.resize(padded, (21, 27), order, clip=False)[7:14, 9:18]
    np.testing.assert_allclose(resized, wanted, atol=1e-12)


def test_indices_far_beyond_a_picture_are_folded_back():
    index = np.arange(-9, 13)
    for mode in ("edge", "symmetric", "reflect", "wrap"):
        for length in (1, 2, 4):
            padded = np.pad(np.arange(length), (9, 13 - length), mode)
            np.testing.assert_array_equal(transform._inside(index, length, mode), padded)


@pytest.mark.parametrize("shape, to, wanted", [
    ((40, 50, 3), (32, 32, 3), (32, 32, 3)),
    ((40, 50, 3), [32, 30], (32, 30, 3)),
    ((40, 50), (32, 30), (32, 30)),
    ((40, 50), (32, 30, 1), (32, 30, 1)),
    ((40, 50, 3), (3, 20, 10), (3, 20, 10)),
    ((4, 5, 6, 7), (2, 3, 4), (2, 3, 4, 7)),
    ((40, 50, 5), np.array([4.0, 5.0]), (4, 5, 5)),
])  # fmt: skip
def test_resize_takes_any_shape(shape, to, wanted, rng):
    resized = caffe.io.resize(rng.uniform(size=shape), to)
    assert resized.shape == wanted and resized.dtype == np.float64


def test_resize_gives_integers_as_floats_or_keeps_their_range():
    grey = np.array([[0, 255], [255, 255]], np.uint8)
    assert caffe.io.resize(grey, (2, 2)).tolist() == [[0, 1], [1, 1]]
    assert caffe.io.resize(grey, (2, 2), preserve_range=True).tolist() == grey.tolist()


def test_a_cubic_keeps_to_the_range_unless_told(rng):
    picture = rng.uniform(size=(9, 9)).round()
    assert caffe.io.resize(picture, (30, 30), 3).min() == 0
    assert caffe.io.resize(picture, (30, 30), 3, clip=False).min() < 0
    beyond = caffe.io.resize(np.ones((1, 9, 9)), (3, 9, 9), 2, cval=5)
    assert beyond.max() == 5  # the constant beyond the picture is not clipped


def test_smoothing_is_done_if_asked(rng):
    noise = rng.uniform(size=(64, 64))
    plain = caffe.io.resize(noise, (16, 16))
    assert caffe.io.resize(noise, (16, 16), anti_aliasing=True).std() < 0.6 * plain.std()


@pytest.mark.parametrize("to, options, message", [
    ((0, 3), {}, r"shape \(4, 5, 3\) to \(0, 3\)"),
    ((2.5, 3), {}, "2.5"),
    ((3,), {}, "too few axes"),
    ((), {}, "cannot resize"),
    ((3, 3), {"mode": "nearest"}, "'nearest'; there are constant, edge"),
    ((3, 3), {"order": 6}, "no order 6"),
])  # fmt: skip
def test_resize_refuses(to, options, message):
    with pytest.raises(ValueError, match=message):
        caffe.io.resize(np.zeros((4, 5, 3)), to, **options)


def test_rescale_goes_by_a_factor():
    assert skimage.transform.rescale(np.zeros((10, 20, 3)), 0.5).shape == (5, 10, 3)
    assert skimage.transform.rescale(np.zeros((10, 20)), (2, 1), order=0).shape == (20, 20)


def test_files_are_read_and_written_as_they_are(tmp_path, rng):
    colours = rng.randint(0, 256, (4, 5, 3)).astype(np.uint8)
    path = str(tmp_path / "x.png")
    for picture in (colours, colours[..., 0], np.dstack([colours, colours[..., 0]])):
        skimage.io.imsave(path, picture)
        np.testing.assert_array_equal(skimage.io.imread(path), picture)
    skimage.io.imsave(path, colours[..., :1] / 255)
    np.testing.assert_array_equal(skimage.io.imread(path), colours[..., 0])
    deep = rng.randint(0, 65536, (4, 5)).astype(np.uint16)
    Image.fromarray(deep).save(path)
    np.testing.assert_array_equal(skimage.io.imread(path), deep)
    Image.fromarray(colours[..., 0]).convert("P").save(path)
    np.testing.assert_array_equal(skimage.io.imread(path), colours[..., 0])
    Image.fromarray(colours).convert("1").save(path)
    assert set(np.unique(skimage.io.imread(path))) == {0, 255}
    skimage.io.imsave(path, colours)
    grey = skimage.io.imread(path, as_gray=True)
    np.testing.assert_array_equal(grey, skimage.io.imread(path, as_grey=True))
    np.testing.assert_allclose(grey, skimage.color.rgb2gray(colours / 255))


def test_conversions_between_bytes_and_floats():
    bytes_ = np.array([0, 51, 255], np.uint8)
    np.testing.assert_allclose(skimage.img_as_float(bytes_), [0, 0.2, 1])
    np.testing.assert_array_equal(skimage.img_as_ubyte(skimage.img_as_float32(bytes_)), bytes_)
    assert skimage.img_as_float(np.float32([2])).dtype == np.float32
    assert skimage.img_as_float64(np.array([True])).tolist() == [1]
    np.testing.assert_allclose(skimage.img_as_float(np.array([-32768, 32767], np.int16)), [-1, 1])
    assert skimage.img_as_ubyte(np.array([-1.0, 0.5])).tolist() == [0, 128]
    with pytest.raises(ValueError, match="must be between -1 and 1, not 0..255"):
        skimage.img_as_ubyte(np.array([0.0, 255]))
    with pytest.raises(ValueError, match="complex64"):
        skimage.img_as_float(np.zeros(3, np.complex64))


@pytest.fixture
def fresh(monkeypatch):
    """caffe.io, whose `skimage` nobody has asked for."""
    for name in [n for n in sys.modules if n.split(".")[0] == "skimage"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(vars(caffe.io), "skimage", raising=False)
    yield caffe.io
    vars(caffe.io).pop("skimage", None)


def test_caffe_io_has_a_part_of_scikit_image_where_none_is_installed(fresh, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    assert fresh.skimage is skimage and {"resize", "skimage", "zoom"} <= set(dir(fresh))
    for module in (fresh.skimage, *(getattr(skimage, n) for n in ("io", "transform", "color"))):
        with pytest.raises(AttributeError, match="no 'measure'.*: pip install scikit-image"):
            module.measure  # noqa: B018


def test_an_installed_scikit_image_is_the_programs(fresh, monkeypatch, tmp_path):
    (tmp_path / "skimage").mkdir()
    for name in ("__init__", "io", "transform"):
        (tmp_path / "skimage" / f"{name}.py").write_text("mine = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert fresh.skimage.io.mine and fresh.skimage.transform.mine
    assert caffe.io.resize is transform.resize


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        caffe.io.nothing  # noqa: B018
    assert caffe.io.zoom(np.zeros((2, 2)), 2).shape == (4, 4)


def test_postscript_is_not_run(tmp_path):
    path = str(tmp_path / "program.eps")
    Image.new("RGB", (4, 4)).save(path)
    with pytest.raises(OSError, match="is PostScript, a program"):
        skimage.io.imread(path)
