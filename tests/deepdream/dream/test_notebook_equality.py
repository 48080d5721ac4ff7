"""The package against the transcribed notebook: equal to the bit on one engine, with one seed."""

import numpy as np
import pytest

import deepdream
from deepdream.nets import find
from tests.support import notebook


@pytest.fixture
def reference(small, caffe):
    return notebook.open_net(caffe, small.deploy, small.weights)


CASES = {
    "default": {},
    "another end": {"end": "inception_3b/5x5_reduce"},
    "clip off": {"clip": False},
    "few large octaves": {"octave_n": 2, "octave_scale": 1.8},
    "step and jitter": {"step_size": 4.0, "jitter": 3},
}
NAMES = {
    "octave_n": "octaves",
    "octave_scale": "ratio",
    "step_size": "size",
    "iter_n": "iterations",
}


def both(net, reference, picture, seed=5, **params):
    params = {"iter_n": 3, **params}
    np.random.seed(seed)
    expected = notebook.dream(reference, picture, **{NAMES.get(k, k): v for k, v in params.items()})
    np.random.seed(seed)
    return deepdream.deepdream(net, picture, **params), expected


@pytest.mark.parametrize("case", CASES)
def test_dream(case, net, reference, picture):
    dreamt, expected = both(net, reference, picture, **CASES[case])
    assert dreamt.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(dreamt, expected)
    assert np.abs(dreamt - picture).mean() > 1


def test_guided_dream(net, reference, picture, rng):
    guide = np.float32(rng.randint(0, 256, (50, 70, 3)))
    end = "inception_3b/output"
    ours = deepdream.objective_guide(deepdream.guide_features(net, guide, end))
    theirs = notebook.guide_objective(reference, guide, end)
    np.random.seed(5)
    expected = notebook.dream(reference, picture, 3, end=end, objective=theirs)
    np.random.seed(5)
    np.testing.assert_array_equal(
        deepdream.deepdream(net, picture, 3, end=end, objective=ours), expected
    )


def test_three_frames_of_the_zoom_loop(net, reference, picture):
    np.random.seed(5)
    expected = notebook.zoom_loop(reference, picture, 3, iterations=2)
    np.random.seed(5)
    dreamt = [np.uint8(frame) for frame in deepdream.zoom(net, picture, 3, iter_n=2)]
    np.testing.assert_array_equal(dreamt, expected)


def test_a_random_state_gives_what_the_global_generator_gives(net, picture):
    np.random.seed(9)
    expected = deepdream.deepdream(net, picture, 2)
    np.testing.assert_array_equal(
        deepdream.deepdream(net, picture, 2, rng=np.random.RandomState(9)), expected
    )


def test_a_dream_does_not_depend_on_the_dreams_before_it_on_the_same_net(net, reference, picture):
    np.random.seed(1)
    deepdream.deepdream(net, picture, 1, end="inception_4c/output")
    dreamt, expected = both(net, reference, picture, end="inception_3b/5x5_reduce")
    np.testing.assert_array_equal(dreamt, expected)


def test_the_default_model_too(caffe, picture):
    model = find("motif_googlenet")
    reference = notebook.open_net(caffe, model.deploy, model.weights)
    dreamt, expected = both(
        deepdream.load_net(model, caffe), reference, picture, iter_n=1, octave_n=2
    )
    np.testing.assert_array_equal(dreamt, expected)


def test_a_function_that_writes_one_place(net, reference, picture):
    # what it wrote at a smaller octave stays, until the blob needs more memory
    def one_place(dst):
        dst.diff[:, 1, 2, 3] = 1

    dreamt, expected = both(net, reference, picture, octave_n=3, objective=one_place)
    np.testing.assert_array_equal(dreamt, expected)
