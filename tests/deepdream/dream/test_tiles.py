"""The gradient by tiles is the gradient of the whole picture."""

import numpy as np
import pytest

import deepdream
from deepdream import nets
from deepdream.dream import objectives as o
from deepdream.dream import octaves, passes, step
from deepdream.dream.preprocess import reshape_input
from deepdream.dream.tiles import Tiled, as_objective
from deepdream.errors import ShortOfMemoryError, SizeError, TargetError

END = "inception_4c/output"
MASK = np.linspace(0, 1, 12)[:, None] * np.ones((1, 10))
# paddings, windows that hang over the edge, gaps, an average that counts its padding, branches
ODD = """
name: "odd"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 40 dim: 40 } } }
layer { name: "a" type: "Convolution" bottom: "data" top: "a"
        convolution_param { num_output: 6 kernel_h: 3 kernel_w: 5 stride: 2 pad_h: 1 pad_w: 2
                            weight_filler { type: "xavier" } } }
layer { name: "pool" type: "Pooling" bottom: "a" top: "pool"
        pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "gaps" type: "Convolution" bottom: "pool" top: "gaps"
        convolution_param { num_output: 6 kernel_size: 3 pad: 2 dilation: 2
                            weight_filler { type: "xavier" } } }
layer { name: "mean" type: "Pooling" bottom: "pool" top: "mean"
        pooling_param { pool: AVE kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "gaps" bottom: "mean" top: "sum" }
layer { name: "near" type: "LRN" bottom: "sum" top: "near"
        lrn_param { local_size: 3 alpha: 0.01 norm_region: WITHIN_CHANNEL } }
layer { name: "far" type: "Pooling" bottom: "near" top: "far"
        pooling_param { kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "top" type: "Convolution" bottom: "far" top: "top"
        convolution_param { num_output: 4 kernel_size: 3 pad: 1
                            weight_filler { type: "xavier" } } }
layer { name: "all" type: "Pooling" bottom: "top" top: "all"
        pooling_param { pool: AVE global_pooling: true } }
layer { name: "after" type: "ReLU" bottom: "all" top: "after" }
"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory, caffe):
    folder = tmp_path_factory.mktemp("odd")
    (folder / "deploy.prototxt").write_text(ODD)
    (folder / "readme.md").write_text(
        "---\nname: Odd\ncaffemodel: w.caffemodel\nmean: [104, 116, 122]\nend: top\n---\n"
    )
    caffe.set_random_seed(3)
    caffe.Net(str(folder / "deploy.prototxt"), caffe.TEST).save(str(folder / "w.caffemodel"))
    return nets.load_net(str(folder), caffe)


def check_equal(net, objective, size, tile, shift=(0, 0)):
    """Compare the two gradients; returns the number of tiles."""
    picture = np.float32(np.random.RandomState(5).uniform(-100, 130, (1, 3, *size)))
    tiled = Tiled(net, picture.copy(), objective, tile)
    passes.new_request(net)
    value, gradient = tiled.gradient(shift)
    reshape_input(net, size).data[...] = np.roll(picture, shift, (2, 3))
    whole, expected = passes.gradient(net, objective, shift=shift)
    expected = np.roll(expected, (-shift[0], -shift[1]), (2, 3))
    assert value == pytest.approx(whole, rel=1e-5)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=2e-6 * np.abs(expected).max())
    assert np.abs(expected).max() > 0
    return tiled.count


@pytest.mark.parametrize("layer, tile", [
    ("a", (22, 30)), ("pool", (28, 40)), ("gaps", (64, 60)), ("mean", (40, 36)), ("near", (64, 68)),
    ("far", (88, 88)), ("top", (120, 128)),
])  # fmt: skip
@pytest.mark.parametrize("size", [(211, 187), (192, 208), (129, 201)])
def test_the_gradient_by_tiles_is_the_whole_pictures(odd, layer, tile, size):
    assert check_equal(odd, o.l2(layer), size, tile, (7, -20)) > 3


@pytest.mark.parametrize("objective", [
    o.channel("top", 2), o.l2("top").within(MASK), o.neuron("top", 1), o.neuron("top", 1, 2, 3),
    o.score("top", 3), o.score("far", 3).within(MASK),
    o.l2("near") - 3 * o.channel("top", 1) + 0.1 * o.l2("a").within(MASK),
], ids=str)  # fmt: skip
def test_every_objective_can_be_made_by_tiles(odd, objective):
    assert check_equal(odd, objective, (203, 190), (128, 128), (-31, 12)) > 3


def test_a_guide_is_a_local_objective(odd, rng):
    features = odd.blobs["top"].shape[1], 3, 4
    check_equal(odd, o.guide("top", rng.normal(0, 30, features)), (203, 190), (128, 128))


def test_layers_that_end_before_the_pictures_border(net):
    # without padding the last rows of pixels belong to no place of their own
    for height in range(97, 105):
        assert check_equal(net, o.l2(END), (height, 75), (32, 48)) > 4


def test_a_dream_by_tiles_is_the_dream(net, rng):
    picture = np.float32(rng.randint(0, 256, (97, 130, 3)))
    whole, tiled = (
        deepdream.deepdream(net, picture, 2, 2, rng=np.random.RandomState(4), tile=tile)
        for tile in (None, (48, 56))
    )
    assert np.abs(whole - picture).mean() > 1
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=0.01)


def test_a_prior_sees_the_rolled_picture(net, rng):
    picture = np.float32(rng.uniform(-90, 90, (1, 3, 96, 80)))
    prior = 3 * deepdream.priors.tv()
    tiled = Tiled(net, picture.copy(), o.l2(END), (48, 48))
    step.make_step(net, prior=prior, rng=np.random.RandomState(1), tiled=tiled)
    reshape_input(net, (96, 80)).data[...] = picture
    step.make_step(net, prior=prior, rng=np.random.RandomState(1))
    np.testing.assert_allclose(tiled.data, net.blobs["data"].data, rtol=0, atol=0.01)


def test_a_layer_that_looks_at_the_whole_picture_is_named(odd):
    picture = np.zeros((1, 3, 200, 200), np.float32)
    with pytest.raises(TargetError, match=r'layer "all" \(Pooling\) looks at the whole picture'):
        Tiled(odd, picture, o.l2("after"), (128, 128))


def test_a_function_of_the_whole_layer_is_refused():
    assert as_objective(deepdream.objective_L2, END).layers == [END]
    with pytest.raises(TargetError, match="a function of the whole layer"):
        as_objective(lambda dst: None, END)
    with pytest.raises(TargetError, match="mine looks at the whole layer"):
        as_objective(o.Objective((o.Term(END, lambda x, m: (0.0, x), name="mine"),)), END)


def test_tiles_that_are_too_small_are_refused(odd):
    picture = np.zeros((1, 3, 200, 200), np.float32)
    with pytest.raises(SizeError, match=r"tiles of 40x48 are too small: .* needs \d+ pixels"):
        Tiled(odd, picture, o.l2("top"), (48, 40))


def test_memory_that_runs_out_leaves_the_last_good_picture(net, picture, monkeypatch):
    kept = []
    gradient = Tiled.gradient

    def failing(tiled, shift):
        if kept:
            raise MemoryError
        return gradient(tiled, shift)

    monkeypatch.setattr(Tiled, "gradient", failing)
    with pytest.raises(ShortOfMemoryError, match="step 2 of 3: no memory is left") as e:
        octaves.deepdream(
            net, picture, 3, 1, tile=(40, 40), report=lambda p: kept.append(p.picture)
        )
    np.testing.assert_array_equal(e.value.picture, kept[0])
