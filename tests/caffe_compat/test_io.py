"""caffe.io, Blob and Classifier."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import caffe_compat as caffe
from caffe_compat.proto import caffe_pb2
from netfile import blobs


def test_load_image_gives_rgb_in_0_to_1(tmp_path):
    Image.fromarray(np.full((2, 3, 3), (255, 0, 51), np.uint8)).save(tmp_path / "x.png")
    x = caffe.io.load_image(str(tmp_path / "x.png"))
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, np.broadcast_to([1, 0, 0.2], (2, 3, 3)), rtol=1e-6)
    with open(tmp_path / "x.png", "rb") as opened:
        np.testing.assert_array_equal(caffe.io.load_image(opened), x)


def test_a_colour_picture_is_loaded_as_its_luminance(tmp_path):
    for mode, alpha in (("RGB", ()), ("RGBA", (7,))):
        Image.new(mode, (3, 2), (255, 0, 51, *alpha)).save(tmp_path / "x.png")
        x = caffe.io.load_image(str(tmp_path / "x.png"), color=False)
        assert x.shape == (2, 3, 1) and x.dtype == np.float32
        np.testing.assert_allclose(x, 0.2125 + 0.2 * 0.0721, rtol=1e-6)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "CMYK", "I;16", "I", "F"])
def test_load_image_takes_every_mode(mode, tmp_path):
    image = (
        Image.fromarray(np.full((2, 3), 65535, np.uint16))
        if mode == "I;16"
        else Image.fromarray(np.full((2, 3), 2**31 - 1, np.int32))
        if mode == "I"
        else Image.fromarray(np.ones((2, 3), np.float32))
        if mode == "F"
        else Image.new("RGB", (3, 2), "white").convert("L" if mode == "LA" else "RGB").convert(mode)
    )
    path = str(tmp_path / ("x.tif" if mode in ("I", "F", "CMYK") else "x.png"))
    image.save(path)
    for color, shape in ((True, (2, 3, 3)), (False, (2, 3, 1))):
        np.testing.assert_allclose(caffe.io.load_image(path, color), np.ones(shape), rtol=1e-6)


@pytest.mark.parametrize("transparent", [False, True])
def test_a_palette_is_loaded_as_its_colours(transparent, tmp_path):
    image = Image.new("P", (3, 2), 1)
    image.putpalette([0, 0, 0, 255, 0, 51])
    image.save(tmp_path / "x.png", **({"transparency": 1} if transparent else {}))
    x = caffe.io.load_image(str(tmp_path / "x.png"))
    np.testing.assert_allclose(x, np.broadcast_to([1, 0, 0.2], (2, 3, 3)), rtol=1e-6)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "x.png").write_text("none")
    for name in ("x.png", "y.png"):
        with pytest.raises(OSError, match=name):
            caffe.io.load_image(str(tmp_path / name))


@pytest.fixture
def transformer():
    t = caffe.io.Transformer({"data": (1, 3, 4, 5)})
    t.set_transpose("data", (2, 0, 1))
    t.set_channel_swap("data", (2, 1, 0))
    t.set_raw_scale("data", 255)
    t.set_mean("data", np.float32([1, 2, 3]))
    t.set_input_scale("data", 0.5)
    return t


def test_transformer_preprocess_in_its_order(transformer, rng):
    x = rng.uniform(size=(4, 5, 3)).astype(np.float32)
    wanted = (x.transpose(2, 0, 1)[::-1] * 255 - np.array([1, 2, 3])[:, None, None]) * 0.5
    np.testing.assert_allclose(transformer.preprocess("data", x), wanted, rtol=1e-5, atol=1e-5)


def test_transformer_deprocess_is_the_inverse(transformer, rng):
    x = rng.uniform(size=(4, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(
        transformer.deprocess("data", transformer.preprocess("data", x)), x, atol=1e-6
    )


def test_transformer_resizes_to_the_input(transformer):
    assert transformer.preprocess("data", np.ones((9, 7, 3), np.float32)).shape == (3, 4, 5)


def test_transformer_keeps_the_picture_and_gives_float32(rng):
    t = caffe.io.Transformer({"data": (1, 3, 4, 5)})
    t.set_transpose("data", (2, 0, 1))
    t.set_raw_scale("data", np.float64(255))
    t.set_mean("data", np.array([1.0, 2, 3]))
    t.set_input_scale("data", np.array([0.1, 0.2, 0.3])[:, None, None])
    for dtype in (np.float32, np.float64):
        picture = rng.uniform(size=(4, 5, 3)).astype(dtype)
        before = picture.copy()
        x = t.preprocess("data", picture)
        assert x.dtype == t.deprocess("data", x).dtype == np.float32
        np.testing.assert_array_equal(picture, before)


def test_a_mean_that_has_more_channels_than_the_input_is_refused(rng):
    t = caffe.io.Transformer({"data": (1, 1, 4, 5)})
    t.set_transpose("data", (2, 0, 1))
    t.set_mean("data", np.arange(60.0).reshape(3, 4, 5))
    with pytest.raises(ValueError, match="broadcast"):
        t.preprocess("data", rng.uniform(size=(4, 5, 1)))


def test_a_mean_of_another_size_is_resized():
    t = caffe.io.Transformer({"data": (10, 3, 2, 3)})
    t.set_mean("data", np.arange(48.0).reshape(3, 4, 4))
    assert t.mean["data"].dtype == np.float32
    wanted = [[2.1667, 3.5, 4.8333], [10.1667, 11.5, 12.8333]]  # recorded from Caffe
    np.testing.assert_allclose(t.mean["data"][0], wanted, atol=1e-4)
    np.testing.assert_allclose(t.mean["data"][2], np.add(wanted, 32), atol=1e-4)


def test_a_mean_of_one_pixel_fades_as_caffes_does():
    t = caffe.io.Transformer({"data": (1, 3, 2, 3)})
    t.set_mean("data", np.array([10, 20, 30]).reshape(3, 1, 1))
    wanted = [[[10] * 3] * 2, [[15, 17.5, 15]] * 2, [[20, 25, 20]] * 2]  # recorded from Caffe
    np.testing.assert_allclose(t.mean["data"], wanted, rtol=1e-6)


def test_a_mean_of_the_inputs_size_or_one_that_is_constant_stays():
    t = caffe.io.Transformer({"data": [1, 3, 2, 3]})
    mean = np.arange(18.0).reshape(3, 2, 3)
    t.set_mean("data", mean)
    np.testing.assert_array_equal(t.mean["data"], mean)
    assert t.mean["data"].dtype == np.float64
    t.set_mean("data", np.full((3, 9, 9), 127.0))
    np.testing.assert_array_equal(t.mean["data"], np.full((3, 2, 3), 127))
    t = caffe.io.Transformer({"data": (1, 1, 2, 3)})
    t.set_mean("data", mean[0])
    np.testing.assert_array_equal(t.mean["data"], mean[0])


@pytest.mark.parametrize("call, message", [
    (lambda t: t.set_mean("data", np.zeros(2)), "2 values for 3 channels"),
    (lambda t: t.set_mean("data", np.zeros((1, 3, 4, 5))), r"invalid: \(1, 3, 4, 5\)"),
    (lambda t: t.set_mean("data", np.zeros((4, 5))), r"invalid: \(4, 5\)"),
    (lambda t: t.set_mean("data", np.float32(3)), "invalid"),
    (lambda t: t.set_transpose("data", (0, 1)), "dimensions"),
    (lambda t: t.set_channel_swap("data", (0, 1)), "channels"),
    (lambda t: t.set_mean("dota", np.zeros(3)), "dota"),
])  # fmt: skip
def test_transformer_refuses_what_does_not_fit(call, message, transformer):
    with pytest.raises(ValueError, match=message):
        call(transformer)


def test_oversample_is_corners_and_centre_and_their_mirrors(rng):
    x = rng.uniform(size=(6, 8, 3))
    crops = caffe.io.oversample([x], (4, 4))
    assert crops.shape == (10, 4, 4, 3)
    np.testing.assert_allclose(crops[3], x[2:, 4:], rtol=1e-6)
    np.testing.assert_allclose(crops[4], x[1:5, 2:6], rtol=1e-6)
    np.testing.assert_allclose(crops[5], crops[0][:, ::-1])
    assert crops.dtype == np.float32


@pytest.mark.parametrize("crop", [(7, 4), (4, 9)])
def test_oversample_refuses_a_crop_larger_than_the_images(crop):
    with pytest.raises(ValueError, match="6 x 8 .* cannot be cropped to"):
        caffe.io.oversample(np.zeros((1, 6, 8, 3)), crop)


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=300))
def test_blob_values_survive_the_wire(values):
    array = np.array(values, np.float32)
    np.testing.assert_array_equal(blobs.blob_values(caffe.io.array_to_blobproto(array)), array)


def test_double_data_is_read_as_float():
    proto = caffe_pb2.BlobProto(double_data=[0.5, 2])
    np.testing.assert_array_equal(blobs.blob_values(proto), np.float32([0.5, 2]))
    assert blobs.blob_shape(proto) == (2,)


def test_blob_legacy_accessors_and_their_limit():
    blob = caffe.Blob(2, 3)
    assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (2, 3, 1, 1, 6)
    with pytest.raises(caffe.ShapeError, match="5 axes"):
        _ = caffe.Blob(1, 1, 1, 1, 1).num


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=6))
def test_a_blob_of_any_history_has_its_shape_and_starts_at_zero(shapes):
    blob = caffe.Blob(0)
    for shape in shapes:
        blob.reshape(*shape)
        assert blob.data.shape == blob.diff.shape == shape and blob.count == shape[0] * shape[1]
    assert not blob.data.any() and not blob.diff.any()


@pytest.mark.parametrize(
    "kind", ["constant", "uniform", "gaussian", "xavier", "msra", "positive_unitball"]
)
def test_fillers_repeat_with_the_seed_and_have_their_scale(kind):
    from caffe_compat.fillers import fill

    param = caffe_pb2.FillerParameter(type=kind, value=0.3, max=0.6, mean=0.3, std=0.1)
    blob = caffe.Blob(40, 30, 3, 3)
    values = []
    for _ in range(2):
        caffe.set_random_seed(5)
        fill(blob, param)
        values.append(blob.data.copy())
    np.testing.assert_array_equal(*values)
    mean, std = {
        "constant": (0.3, 0), "uniform": (0.3, 0.6 / 12**0.5), "gaussian": (0.3, 0.1),
        "xavier": (0, 270**-0.5),
        "msra": (0, (2 / 270) ** 0.5), "positive_unitball": (1 / 270, 1 / 270 / 3**0.5),
    }[kind]  # fmt: skip
    assert values[0].mean() == pytest.approx(mean, abs=3e-3)
    assert values[0].std() == pytest.approx(std, rel=0.05, abs=1e-6)


def test_bilinear_filler_is_a_tent():
    from caffe_compat.fillers import fill

    blob = caffe.Blob(1, 1, 4, 4)
    fill(blob, caffe_pb2.FillerParameter(type="bilinear"))
    np.testing.assert_allclose(blob.data[0, 0, 1], np.outer([0.75], [0.25, 0.75, 0.75, 0.25])[0])


def test_datum_and_blobproto_round_trips(rng):
    array = rng.randint(0, 255, (3, 4, 5)).astype(np.uint8)
    datum = caffe.io.array_to_datum(array, 7)
    assert datum.label == 7 and datum.data == array.tobytes()
    back = caffe.io.datum_to_array(datum)
    np.testing.assert_array_equal(back, array)
    back += 1  # programs write into it
    real = rng.normal(size=(1, 2, 3))
    np.testing.assert_allclose(
        caffe.io.datum_to_array(caffe.io.array_to_datum(real)), real, rtol=1e-6
    )
    blob = caffe.io.array_to_blobproto(real, diff=2 * real)
    np.testing.assert_allclose(
        caffe.io.blobproto_to_array(blob, return_diff=True), 2 * real, rtol=1e-6
    )
    both = caffe.io.blobprotovector_str_to_arraylist(
        caffe.io.arraylist_to_blobprotovector_str([real, real[0]])
    )
    assert [a.shape for a in both] == [(1, 2, 3), (2, 3)]
    with pytest.raises(ValueError, match="channels, height, width"):
        caffe.io.array_to_datum(array[0])


def test_a_blobproto_without_a_shape_is_a_scalar_or_refused():
    one = caffe.io.caffe_pb2.BlobProto(data=[123])
    assert caffe.io.blobproto_to_array(one) == 123
    assert caffe.io.blobproto_to_array(one).dtype == np.float64
    one.num = one.channels = one.height = one.width = 1
    one.shape.dim.append(1)
    assert caffe.io.blobproto_to_array(one).shape == (1, 1, 1, 1)
    with pytest.raises(ValueError):
        caffe.io.blobproto_to_array(caffe.io.caffe_pb2.BlobProto(data=[1, 2]))
