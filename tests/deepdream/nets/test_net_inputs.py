"""Nets whose input has another name, one channel or a scale; and inputs that no dream can have."""

import json
import shutil

import numpy as np
import pytest

import deepdream
from deepdream import nets, pictures
from deepdream.dream import class_pictures, priors
from deepdream.dream.matching import match, multiply
from deepdream.errors import ModelError
from tests.support.nets import lenet

SCALE = 0.017
QUIET = {"iter_n": 2, "octave_n": 2}


def folder_of(path, caffe, text, facts, seed=3):
    """A model's folder with seeded weights; facts: lines of its readme, or None for no readme."""
    path.mkdir()
    (path / "deploy.prototxt").write_text(text)
    if facts is not None:
        (path / "readme.md").write_text(f"---\ncaffemodel: net.caffemodel\n{facts}\n---\n")
    caffe.set_random_seed(seed)
    caffe.Net(str(path / "deploy.prototxt"), caffe.TEST).save(str(path / "net.caffemodel"))
    return path


@pytest.fixture
def grey(tmp_path, caffe):
    """LeNet with an input called image, and a scale in its readme."""
    facts = "mean: [33]\nscale: 0.00390625\nend: conv2"
    return folder_of(tmp_path / "grey", caffe, lenet("image"), facts)


@pytest.fixture
def in_scale(small_folder, tmp_path, caffe):
    """The small model with its first weights divided by SCALE, and the scale in its readme."""
    folder = tmp_path / "scaled"
    shutil.copytree(small_folder, folder, ignore=shutil.ignore_patterns(".any_size"))
    net = caffe.Net(str(folder / "deploy.prototxt"), str(folder / "small.caffemodel"), caffe.TEST)
    net.params["conv1"][0].data[...] /= SCALE
    net.save(str(folder / "small.caffemodel"))
    readme = folder / "readme.md"
    readme.write_text(readme.read_text().replace("end:", f"scale: {SCALE}\nend:"))
    return folder


@pytest.fixture
def pair(in_scale, net, caffe):
    """The small net, and the one that has its scale in front."""
    return net, deepdream.load_net(str(in_scale), caffe)


def dreamt(net, picture, **params):
    return deepdream.deepdream(net, picture, rng=np.random.RandomState(4), **QUIET, **params)


def guided(net, picture):
    features = deepdream.guide_features(net, picture[:40, :50, ::-1], "inception_3b/output")
    return dreamt(
        net, picture, end="inception_3b/output", objective=deepdream.objective_guide(features)
    )


def matched(net, picture, **params):
    return match(
        net, picture, "inception_3b/output", prior=priors.tv(1.5), weight=0.5,
        evaluations=4, octave_n=2, **params,
    ).picture  # fmt: skip


def class_picture(name):
    method = class_pictures.METHODS[name]
    octaves = tuple(class_pictures.Octave(o.scale, 3, o.step_size, o.blur) for o in method.octaves)
    method = class_pictures.Method(
        octaves, method.noise, method.jitter, method.prior, method.between
    )
    return lambda net, _: class_pictures.visualise(net, "fc", 2, (32, 32), [5], method)


@pytest.mark.parametrize(
    "make",
    [
        dreamt,
        lambda net, picture: dreamt(net, picture, clip=False, step_size=4.0),
        lambda net, picture: dreamt(net, picture, prior=3.0 * priors.tv(1.5) + priors.l2_norm()),
        lambda net, picture: dreamt(net, picture, objective=deepdream.l2("inception_4c/output")),
        guided,
        lambda net, picture: list(deepdream.zoom(net, picture, 2, **QUIET, jitter=0))[-1],
        lambda net, picture: matched(net, picture, enhance=multiply(1.5)),
        lambda net, picture: matched(net, picture, target_img=picture[::-1]),
        class_picture("octaves"),
        class_picture("simonyan"),
        class_picture("yosinski-d"),
    ],
)
def test_a_scale_in_front_is_as_one_in_the_first_weights(make, pair, picture):
    without, with_scale = (make(net, picture) for net in pair)
    # float32's rounding; other units would differ by whole steps
    np.testing.assert_allclose(with_scale, without, atol=0.3)
    assert np.abs(with_scale - without).mean() < 0.01
    if without.shape == picture.shape:
        assert np.abs(without - picture).mean() > 0.3


def test_the_nets_input_is_the_mean_subtracted_and_then_scaled(pair, picture):
    _, net = pair
    x = deepdream.preprocess(net, picture)
    expected = (np.rollaxis(picture, 2)[::-1] - np.float32([[[104]], [[116]], [[122]]])) * SCALE
    np.testing.assert_allclose(x, expected, rtol=1e-5)
    np.testing.assert_allclose(deepdream.deprocess(net, x), picture, atol=1e-3)


def test_pixels_stay_within_0_and_255_with_a_scale(pair, picture):
    result = dreamt(pair[1], picture, step_size=60.0)
    assert result.min() >= -1e-3 and result.max() <= 255.001


def test_a_flag_gives_what_the_readme_gives(in_scale, run, photo, tmp_path, fast):
    def dream(*args):
        out = tmp_path / "out.png"
        code, _, err = run(
            "dream",
            photo,
            "-o",
            out,
            "--model",
            in_scale,
            "--seed",
            1,
            *fast,
            *args,
            "--overwrite",
        )
        assert code == 0, err
        return pictures.load(out)

    wanted = dream()
    readme = in_scale / "readme.md"
    readme.write_text(readme.read_text().replace(f"scale: {SCALE}\n", ""))
    unscaled = dream()
    assert not np.array_equal(unscaled, wanted)
    assert np.array_equal(dream("--scale", SCALE), wanted)
    assert np.array_equal(dream("--input-scale", SCALE), wanted)
    # the recipe has it, so that the picture comes again without it in the readme
    assert json.loads(pictures.read_recipe(tmp_path / "out.png"))["model"]["scale"] == SCALE
    assert "equal to the bit" in run("replay", tmp_path / "out.png")[1]


def test_zoom_has_another_scale_and_takes_this_one_too(in_scale, run, photo, tmp_path, fast):
    code, _, err = run(
        "zoom", photo, "-o", tmp_path / "frames", "--model", in_scale, "--frames", 1, *fast,
        "--scale", "0.1", "--input-scale", "0.02",
    )  # fmt: skip
    recipe = json.loads(pictures.read_recipe(tmp_path / "frames" / "0000.jpg"))
    assert code == 0, err
    assert recipe["zoom"]["scale"] == 0.1 and recipe["model"]["scale"] == 0.02


@pytest.mark.parametrize("value", ["0", "-1", "'x'", "1/255", "[1, 2]", "True", "1e-30", "1e400"])
def test_scales_that_are_none(value, in_scale):
    readme = in_scale / "readme.md"
    readme.write_text(readme.read_text().replace(f"scale: {SCALE}", f"scale: {value}"))
    with pytest.raises(ModelError, match="readme.md: the input scale is .*; write a number"):
        nets.find(in_scale)


def test_one_value_is_the_mean_of_all_channels(small_folder, caffe):
    one, three = (
        deepdream.load_net(nets.find(small_folder, mean=mean), caffe)
        for mean in ("127", "127,127,127")
    )
    np.testing.assert_array_equal(one.transformer.mean["data"], three.transformer.mean["data"])


@pytest.mark.parametrize(
    "mean, message",
    [
        ("1,2", "the mean is '1,2', 2 values; write one value for all channels, or three"),
        ("1,2,3,4", "4 values"),
        ("1,nan,3", "neither numbers nor a mean file"),
        ("", "neither numbers nor a mean file"),
        ([1, True, 3], "neither numbers"),
        ({}, "neither numbers"),
    ],
)
def test_a_wrong_mean_does_not_blame_a_readme(mean, message, small_folder):
    with pytest.raises(ModelError) as e:
        nets.find(small_folder, mean=mean)
    assert message in str(e.value) and "readme" not in str(e.value)


def test_a_wrong_mean_in_a_readme_names_it(grey):
    readme = grey / "readme.md"
    readme.write_text(readme.read_text().replace("[33]", "[33, 34]"))
    with pytest.raises(ModelError, match=r"readme.md: the mean is \[33, 34\], 2 values"):
        nets.find(grey)


def test_three_values_do_not_suit_a_grey_net(grey, run, photo, tmp_path):
    out = tmp_path / "out.png"
    code, _, err = run("dream", photo, "-o", out, "--model", grey, "--mean", "104,117,123")
    assert code == 2 and not out.exists()
    assert '"image" is grey, with 1 channel, but the mean has 3 values (104, 117, 123)' in err


def test_a_grey_net_with_an_input_of_another_name(grey, caffe, picture):
    net = deepdream.load_net(str(grey), caffe)
    x = deepdream.preprocess(net, picture)
    luminance = picture @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(x, (luminance[None] - 33) * 0.00390625, atol=1e-5)
    result = dreamt(net, picture, end="conv2")
    assert result.shape == picture.shape and np.abs(result[..., 1] - luminance).mean() > 1
    assert (result == result[..., :1]).all()


def test_grey_pictures_pass_a_grey_net_unchanged(grey, caffe):
    net = deepdream.load_net(nets.find(grey, scale=1), caffe)
    levels = np.repeat(np.arange(256, dtype=np.float32).reshape(16, 16, 1), 3, 2)
    np.testing.assert_array_equal(deepdream.preprocess(net, levels)[0] + 33, levels[..., 0])


def test_every_command_takes_a_grey_net(grey, run, photo, tmp_path, fast, engine_name):
    engine = ["--engine", engine_name, "--model", grey]
    guide = ["--guide", photo, "--mask", photo]
    for words in (
        ["layers", *engine],
        ["dream", photo, "-o", tmp_path / "a.png", *engine, *fast, *guide],
        ["dream", photo, "-o", tmp_path / "b.png", *engine, *fast, "--objective", "score(3)"],
        ["zoom", photo, "-o", tmp_path / "zoom", *engine, *fast, "--frames", 2],
        ["match", photo, "-o", tmp_path / "c.png", "--enhance", "multiply:2", *engine,
         "--evaluations", 2, "--octaves", 2],
        ["heatmap", photo, "--class", 3, "-o", tmp_path / "d.png", *engine],
        ["compare", photo, "--record", tmp_path / "recording", *engine, *fast],
        ["compare", photo, "--with", tmp_path / "recording", "--engine", engine_name],
        ["replay", tmp_path / "b.png", "--engine", engine_name],
    ):  # fmt: skip
        code, said, err = run(*words)
        assert code == 0, (words, err)
    assert "equal to the bit" in said
    code, _, err = run("compare", photo, "--with", tmp_path / "recording", "--scale", 1)
    assert code == 2 and "--input-scale are the recording's; leave them out" in err


@pytest.mark.parametrize(
    "dims, message",
    [
        ("dim: 1 dim: 2 dim: 28 dim: 28", "has 2 channels; a net can be dreamt on that takes"),
        ("dim: 1 dim: 4 dim: 28 dim: 28", "has 4 channels"),
        ("dim: 1 dim: 784", "has the shape (1, 784), not (number, channels, height, width)"),
    ],
)
def test_inputs_that_are_no_pictures(dims, message, tmp_path, caffe, run, photo):
    text = lenet("image").replace("dim: 1 dim: 1 dim: 28 dim: 28", dims)
    text = text if "784" not in dims else text[: text.index('layer { name: "conv1"')]
    folder = folder_of(tmp_path / "none", caffe, text, "mean: 1")
    code, _, err = run("dream", photo, "-o", tmp_path / "out.png", "--model", folder)
    assert code == 2 and message in err and len(err.strip().splitlines()) == 1, err


def test_several_inputs_are_refused_with_the_reason(tmp_path, caffe, run, photo):
    second = (
        'layer { name: "m" type: "Input" top: "mask" input_param { shape { dim: 1 dim: 50 } } }\n'
        'layer { name: "sum" type: "Eltwise" bottom: "ip1" bottom: "mask" top: "sum" }\n'
    )
    text = lenet("image").replace('layer { name: "ip2"', second + 'layer { name: "ip2"')
    folder = folder_of(tmp_path / "two", caffe, text, "mean: 1")
    code, _, err = run("dream", photo, "-o", tmp_path / "out.png", "--model", folder)
    assert code == 2 and 'has 2 inputs ("image", "mask")' in err and "whose only input" in err


@pytest.mark.parametrize(
    "values, pixel",
    [
        (np.full((28, 28), 5.0), (5.0,)),
        (np.full((1, 28, 28), 5.0), (5.0,)),
        (np.full((1, 1, 28, 28), 5.0), (5.0,)),
        (np.float64(5), (5.0,)),
        (np.array([5.0]), (5.0,)),
        (np.array([[1.0, 2.0, 3.0]]), (1.0, 2.0, 3.0)),
        (np.ones((1, 3, 2, 2)) * np.array([1, 2, 3]).reshape(1, 3, 1, 1), (1.0, 2.0, 3.0)),
    ],
)
def test_mean_files_of_grey_and_colour(values, pixel, grey, tmp_path):
    np.save(tmp_path / "mean.npy", values)
    assert nets.find(grey, mean=str(tmp_path / "mean.npy")).mean == pixel


@pytest.mark.parametrize("content", [b"\x93NUMPY\x01\x00v\x00{'descr"])
def test_mean_files_that_are_broken(content, grey, tmp_path):
    (tmp_path / "mean.npy").write_bytes(content)
    with pytest.raises(ModelError, match="not a mean file, or a broken one"):
        nets.find(grey, mean=str(tmp_path / "mean.npy"))
