"""The steps of Caffe's own net surgery example.

Filters edited through net.params, and InnerProducts cast into Convolutions by hand.
"""

import numpy as np
import pytest

from net_surgery import convolutionize
from tests.support import nets
from tests.support.operating import distance

CONV = """
name: "convolution"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 1 dim: 100 dim: 100 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 3 kernel_size: 5 stride: 1
        weight_filler { type: "gaussian" std: 0.01 } bias_filler { type: "constant" value: 0 } } }
"""
# |-1 0 1|
# |-2 0 2|
# |-1 0 1|
SOBEL = np.outer([1, 2, 1], [-1, 0, 1])


@pytest.fixture
def grey():
    """A grey picture, 60 wide and 50 high, 0..1: bright on the right half.

    (Caffe's own load_image fails with newer scikit-images.)
    """
    picture = np.zeros((50, 60))
    picture[:, 30:] = 200 / 255
    return picture


@pytest.fixture
def net(bench, grey):
    net = bench.net(bench.files(CONV))
    batch = grey[np.newaxis, np.newaxis, :, :]
    net.blobs["data"].reshape(*batch.shape)
    net.blobs["data"].data[...] = batch
    return net


def test_a_bias_raises_its_feature_map(net):
    net.forward()
    before = net.blobs["conv"].data[0, 0].mean()
    net.params["conv"][1].data[0] = 1.0
    net.forward()
    assert net.blobs["conv"].data[0, 0].mean() == pytest.approx(before + 1, abs=1e-4)


def test_a_blur_and_a_sobel_bank_by_hand(net):
    size = net.params["conv"][0].data.shape[2:]
    row = np.exp(-((np.arange(size[0]) - size[0] // 2) ** 2) / 2.0)
    blur = np.outer(row, row) / row.sum() ** 2
    net.params["conv"][0].data[0] = blur
    net.params["conv"][0].data[1:] = 0
    net.params["conv"][0].data[1, 0, 1:-1, 1:-1] = SOBEL
    net.params["conv"][0].data[2, 0, 1:-1, 1:-1] = SOBEL.T
    net.forward()
    blurred, across, down = net.blobs["conv"].data[0]
    edge = 30 - size[0] // 2  # the bright half begins at this column of the map
    assert np.allclose(blurred[:, : edge - 3], 0) and np.allclose(
        blurred[:, edge + 3 :], 200 / 255, atol=1e-5
    )
    assert np.all(np.diff(blurred[20, edge - 2 : edge + 2]) > 0)
    assert np.abs(across[:, edge - 1 : edge + 1]).min() > 3 and np.allclose(
        across[:, : edge - 2], 0
    )
    assert np.allclose(down, 0, atol=1e-5)


def test_inner_products_cast_into_convolutions_by_hand(bench, rng):
    """As the example does it, over net.params, which must give what convolutionize gives."""
    before = bench.files(nets.caffenet())
    after = convolutionize(*before, caffe=bench.caffe)
    whole, full_conv = (
        bench.net(before),
        bench.caffe.Net(bench.files(after.prototxt)[0], before[1], bench.caffe.TEST),
    )
    names = ["fc6", "fc7", "fc8"]
    fc_params = {name: (whole.params[name][0].data, whole.params[name][1].data) for name in names}
    conv_params = {
        name: (full_conv.params[name + "-conv"][0].data, full_conv.params[name + "-conv"][1].data)
        for name in names
    }
    assert conv_params["fc6"][0].shape == (128, 64, 6, 6) and fc_params["fc6"][0].shape == (
        128,
        64 * 6 * 6,
    )
    for name in names:
        conv_params[name][0].flat = fc_params[name][0].flat
        conv_params[name][1][...] = fc_params[name][1]
    full_conv.save(str(bench.folder / "full_conv.caffemodel"))
    by_hand = bench.caffe.Net(
        bench.files(after.prototxt)[0], str(bench.folder / "full_conv.caffemodel"), bench.caffe.TEST
    )
    by_tool = bench.net(after)

    transformer = bench.caffe.io.Transformer({"data": (1, 3, 291, 323)})
    transformer.set_mean("data", np.float32([104, 117, 123]))
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 1, 0))
    transformer.set_raw_scale("data", 255.0)
    picture = transformer.preprocess("data", rng.uniform(0, 1, (291, 323, 3)))
    maps = []
    for net in (by_hand, by_tool):
        net.blobs["data"].reshape(1, 3, 291, 323)
        maps.append(net.forward_all(data=np.asarray([picture]))["prob"])
    assert maps[0].shape == (1, 50, 3, 4) and maps[0][0].argmax(axis=0).shape == (3, 4)
    assert np.array_equal(maps[0], maps[1])
    corner = picture[np.newaxis, :, :227, :227]
    assert distance(whole.forward_all(data=corner)["prob"], by_hand_at(by_hand, corner)) < 1e-5


def by_hand_at(net, picture):
    net.blobs["data"].reshape(*picture.shape)
    return net.forward_all(data=picture)["prob"]
