"""Classifier and Detector."""

import numpy as np
import pytest

import caffe_compat as caffe

CLASSES = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }"""
POOLED = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 dim: 16 dim: 16 } } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }"""


@pytest.fixture
def files(tmp_path):
    """Write a net and its weights: files(text) gives their names."""

    def call(text):
        path, weights = str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel")
        (tmp_path / "net.prototxt").write_text(text)
        caffe.Net(path, caffe.TEST).save(weights)
        return path, weights

    return call


def test_classifier_predicts_the_same_for_a_picture_as_the_net(files, rng):
    net = caffe.Classifier(
        *files(CLASSES),
        mean=np.float32([1, 2, 3]),
        channel_swap=(2, 1, 0),
        raw_scale=255,
        image_dims=(6, 6),
    )
    picture = rng.uniform(size=(6, 6, 3)).astype(np.float32)
    alone = net.predict([picture], oversample=False)
    wanted = net.forward(data=net.transformer.preprocess("data", picture[1:5, 1:5])[None])["prob"]
    np.testing.assert_allclose(alone, wanted, rtol=1e-5, atol=1e-7)
    assert net.predict([picture] * 2).shape == (2, 5)


def test_a_net_that_ends_in_global_pooling_gives_a_row_of_classes_for_each_picture(files, rng):
    net = caffe.Classifier(*files(POOLED), image_dims=(20, 20))
    picture = rng.uniform(size=(20, 20, 3)).astype(np.float32)
    assert net.predict([picture] * 2).shape == (2, 3)
    assert net.predict([picture] * 2, oversample=False).shape == (2, 3, 1, 1)


def test_a_mean_image_of_the_training_size_serves_a_smaller_input(files, rng):
    # as BVLC's classify.py passes it
    mean = rng.uniform(90, 130, (3, 20, 20))
    settings = {"image_dims": [20, 20], "raw_scale": 255.0, "channel_swap": [2, 1, 0]}
    net = caffe.Classifier(*files(POOLED), mean=mean, **settings)
    assert net.transformer.mean["data"].shape == (3, 16, 16)
    pictures = rng.uniform(size=(2, 30, 25, 3))
    for oversample in (True, False):
        found = net.predict(pictures, oversample).reshape(2, 3)
        means = pictures.mean((1, 2))[:, ::-1] * 255 - mean.mean((1, 2))
        np.testing.assert_allclose(found, means, atol=15)


@pytest.mark.parametrize("oversample", [True, False])
@pytest.mark.parametrize("dims", [(10, 10), (15, 16), (20, 12), np.array([15, 20])])
def test_image_dims_smaller_than_the_input_are_refused(dims, oversample, files, rng):
    net = caffe.Classifier(*files(POOLED), image_dims=dims)
    with pytest.raises(ValueError, match=rf"{dims[0]} x {dims[1]} .* to 16 x 16"):
        net.predict([rng.uniform(size=(30, 30, 3))], oversample)


def test_image_dims_may_be_a_pictures_shape(files, rng):
    picture = rng.random((24, 24, 3)).astype(np.float32)
    paths = files(POOLED)
    net, flat = (caffe.Classifier(*paths, image_dims=dims) for dims in ((20, 20, 3), (20, 20)))
    np.testing.assert_array_equal(net.predict([picture]), flat.predict([picture]))


def test_without_image_dims_the_whole_picture_is_the_input(files, rng):
    net = caffe.Classifier(*files(POOLED), image_dims=())
    picture = rng.uniform(size=(16, 16, 3)).astype(np.float32)
    predicted = net.predict([picture], False).reshape(3)
    np.testing.assert_allclose(predicted, picture.mean((0, 1)), rtol=1e-5, atol=1e-7)


WINDOWS = np.array([[10, 20, 50, 70], [0, 0, 90, 120], [60, 90, 89, 119]])


def detector(files, **options):
    return caffe.Detector(*files(POOLED), mean=np.array([10.0, 20, 30]), raw_scale=255, **options)


@pytest.mark.parametrize("pad", [None, 3])
def test_detector_gives_what_the_net_gives_for_each_window(pad, files, photo):
    # by a generator, as BVLC's detect.py of 2014 did
    pairs = ((name, WINDOWS) for name in [str(photo)])
    detections = detector(files, context_pad=pad).detect_windows(pairs)
    assert [d["prediction"].shape for d in detections] == [(3, 1, 1)] * 3
    assert detections[1]["filename"] == str(photo)
    np.testing.assert_array_equal([d["window"] for d in detections], WINDOWS)


def test_a_window_of_the_whole_picture_sees_all_of_it(files, photo):
    found = detector(files).detect_windows([(str(photo), WINDOWS)])[1]["prediction"]
    whole = caffe.io.load_image(str(photo)).mean((0, 1)) * 255 - [10, 20, 30]
    # the picture is made smaller without smoothing
    np.testing.assert_allclose(found.reshape(3), whole, atol=8)


def test_context_beyond_the_picture_is_the_mean(files, photo):
    net = detector(files, context_pad=3)
    assert net.crop_mean.shape == (1, 1, 3)
    picture = caffe.io.load_image(str(photo))
    corner = net.crop(picture, WINDOWS[2])
    np.testing.assert_allclose(corner[-1, -1] * 255, [10, 20, 30], rtol=1e-5, atol=1e-7)
    corner = net.crop(picture, np.array([0, 0, 20, 30]))
    np.testing.assert_allclose(corner[0, 0] * 255, [10, 20, 30], rtol=1e-5, atol=1e-7)
    assert np.abs(corner[-1, -1] * 255 - [10, 20, 30]).max() > 1


@pytest.mark.parametrize("window, pad", [
    ((95, 10, 120, 40), None), ((20, 20, 20, 60), None), ((50, 60, 40, 80), None),
    ((200, 10, 220, 30), 3), ((-90, -90, -50, -50), 3),
])  # fmt: skip
def test_a_window_without_a_pixel_is_refused(window, pad, files, photo):
    with pytest.raises(ValueError, match="the window .* does not lie in the picture.* 90 high"):
        detector(files, context_pad=pad).detect_windows([(str(photo), [window])])


def test_a_window_that_begins_outside_needs_context(files, photo):
    window = (-5, 10, 89, 40)  # would be the last rows of the picture
    with pytest.raises(ValueError, match="does not lie in the picture"):
        detector(files).detect_windows([(str(photo), [window])])
    assert detector(files, context_pad=3).detect_windows([(str(photo), [window])])


def test_the_mean_around_a_window_is_in_the_pictures_order(files):
    net = detector(files, context_pad=3, channel_swap=(1, 2, 0))
    np.testing.assert_allclose(net.crop_mean[0, 0] * 255, [30, 10, 20])


def test_no_windows_give_no_detections(files, photo):
    assert detector(files).detect_windows([(str(photo), [])]) == []
