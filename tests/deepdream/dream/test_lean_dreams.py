"""Dreams hold no more than they need, and nobody can tell by their pictures or their blobs."""

from contextlib import nullcontext

import numpy as np
import pytest

import deepdream
from deepdream.dream import class_pictures, objectives

END = "inception_4c/output"


@pytest.fixture
def without(monkeypatch, net):
    """Let nets hold everything from here on, as those of other engines."""
    if not hasattr(net, "lean"):
        pytest.skip("this engine's nets hold everything")
    plain = lambda net: nullcontext()  # noqa: E731
    return lambda: monkeypatch.setattr(type(net), "lean", plain, raising=False)


def dream(net, picture, **settings):
    rng = np.random.RandomState(4)
    return deepdream.deepdream(net, picture, 2, 3, end=END, rng=rng, **settings)


def dreams(net, picture):
    yield dream(net, picture)
    both = objectives.l2(END) - 0.3 * objectives.channel("inception_3b/1x1", 2)
    yield dream(net, picture, objective=both)
    yield dream(net, picture, objective=objectives.l2("conv1"))
    yield deepdream.match(net, picture, END, lambda x: 2 * x, evaluations=3).picture
    method = class_pictures.Method((class_pictures.Octave(1.0, 2, (4.0, 4.0), (0, 0)),), noise=20)
    yield class_pictures.visualise(net, "fc", 1, (32, 32), [3, 4], method)
    yield dream(net, picture)


def test_pictures_are_those_of_nets_that_hold_everything(net, picture, without):
    lean = list(dreams(net, picture))
    without()
    for number, (one, other) in enumerate(zip(lean, dreams(net, picture))):
        assert np.array_equal(one, other), number


def test_objectives_and_reports_see_other_blobs_as_they_are(net, picture, without):
    def seen():
        found = []

        def objective(dst):
            found.append(net.blobs["inception_3b/output"].data.copy())
            dst.diff[...] = dst.data

        def report(progress):
            found.append(net.blobs["pool1"].data.copy())

        dream(net, picture, objective=objective, report=report)
        return found

    lean = seen()
    without()
    assert all(np.array_equal(one, other) for one, other in zip(lean, seen()))
    assert len(lean) == 12


def test_after_a_dream_values_are_those_of_its_last_pass_and_diffs_are_zero(net, picture, without):
    dream(net, picture)
    assert not net.blobs["pool1"].diff.any() and net.blobs["data"].diff.any()
    values = {name: blob.data.copy() for name, blob in net.blobs.items()}
    without()
    dream(net, picture)
    reached = list(net._layer_names).index(END)
    for name in {
        top for layer in list(net._layer_names)[: reached + 1] for top in net.top_names[layer]
    }:
        assert np.array_equal(values[name], net.blobs[name].data), name


def test_a_program_goes_on_with_another_layer_after_a_dream(net, picture, without):
    def gradient():
        net.forward(end="pool1")
        net.blobs["pool1"].diff[...] = net.blobs["pool1"].data
        net.backward(start="pool1")
        return net.blobs["data"].diff.copy()

    dream(net, picture)
    lean = gradient()
    without()
    assert np.array_equal(gradient(), lean)
