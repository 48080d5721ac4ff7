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
    assert caffe.io.load_image(str(tmp_path / "x.png"), color=False).shape == (2, 3, 1)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16"])
def test_load_image_takes_every_mode(mode, tmp_path):
    image = (
        Image.fromarray(np.full((2, 3), 65535, np.uint16))
        if mode == "I;16"
        else Image.new("RGB", (3, 2), "white").convert(mode)
    )
    image.save(tmp_path / "x.png")
    np.testing.assert_allclose(caffe.io.load_image(str(tmp_path / "x.png")), np.ones((2, 3, 3)))


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


@pytest.mark.parametrize("call, message", [
    (lambda t: t.set_mean("data", np.zeros(2)), "2 values for 3 channels"),
    (lambda t: t.set_mean("data", np.zeros((3, 9, 9))), "incompatible"),
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


def test_classifier_predicts_the_same_for_a_picture_as_the_net(tmp_path, rng):
    path = tmp_path / "net.prototxt"
    path.write_text("""
    layer { name: "data" type: "Input" top: "data"
      input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
      inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
    layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }""")
    weights = str(tmp_path / "w.caffemodel")
    caffe.Net(str(path), caffe.TEST).save(weights)
    net = caffe.Classifier(
        str(path),
        weights,
        mean=np.float32([1, 2, 3]),
        channel_swap=(2, 1, 0),
        raw_scale=255,
        image_dims=(6, 6),
    )
    picture = rng.uniform(size=(6, 6, 3)).astype(np.float32)
    alone = net.predict([picture], oversample=False)
    wanted = net.forward(data=net.transformer.preprocess("data", picture[1:5, 1:5])[None])["prob"]
    np.testing.assert_allclose(alone, wanted, rtol=1e-5)
    assert net.predict([picture] * 2).shape == (2, 5)


def test_a_net_that_ends_in_global_pooling_gives_a_row_of_classes_for_each_picture(tmp_path, rng):
    path = tmp_path / "net.prototxt"
    path.write_text("""
    layer { name: "data" type: "Input" top: "data"
      input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
    layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
      pooling_param { pool: AVE global_pooling: true } }""")
    weights = str(tmp_path / "w.caffemodel")
    caffe.Net(str(path), caffe.TEST).save(weights)
    net = caffe.Classifier(str(path), weights, image_dims=(6, 6))
    picture = rng.uniform(size=(6, 6, 3)).astype(np.float32)
    assert net.predict([picture] * 2).shape == (2, 3)
    assert net.predict([picture] * 2, oversample=False).shape == (2, 3, 1, 1)


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
