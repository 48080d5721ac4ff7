"""Dreams in the built-in engine's GPU mode: the notebook's to the bit, one copy for each step."""

from pathlib import Path
from typing import Any, List

import numpy as np
import pytest

import deepdream
from deepdream.dream import objectives, smoothing
from deepdream.dream.on_device import blobs
from deepdream.dream.passes import highest
from deepdream.dream.priors import Prior, alpha_norm, tv
from tests.deepdream.dream.test_notebook_equality import CASES, both
from tests.support import notebook

END = "inception_3b/output"
MASK = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
FEATURES = np.random.RandomState(2).uniform(0, 9, (12, 4, 5)).astype(np.float32)
PICTURE, ACTIVATIONS = 3 * 60 * 80, 12 * 15 * 20  # values


@pytest.fixture
def reference(small: Any, caffe: Any) -> Any:
    return notebook.open_net(caffe, small.deploy, small.weights)


@pytest.mark.parametrize("case", CASES)
def test_a_dream_is_the_notebooks_to_the_bit(
    case: str, net: Any, reference: Any, picture: np.ndarray
) -> None:
    dreamt, expected = both(net, reference, picture, **CASES[case])
    np.testing.assert_array_equal(dreamt, expected)
    assert np.abs(dreamt - picture).mean() > 1


@pytest.mark.parametrize("twice", [False, True])
def test_a_guided_dream_is_the_notebooks_to_the_bit(
    twice: bool, net: Any, reference: Any, picture: np.ndarray
) -> None:
    """twice: the guide has each of its features at several places, whose products tie."""
    guide = np.ascontiguousarray(picture[::-1])
    guide = np.concatenate([guide[:30], guide[:30]]) if twice else guide
    ours = deepdream.objective_guide(deepdream.guide_features(net, guide, END))
    theirs = notebook.guide_objective(reference, guide, END)
    dreams = []
    for dream, of, more in (
        (notebook.dream, reference, {"objective": theirs}),
        (deepdream.deepdream, net, {"objective": ours}),
    ):
        np.random.seed(5)
        dreams.append(dream(of, picture, 2, end=END, **more))
    np.testing.assert_array_equal(*dreams)


KINDS = {
    "l2": objectives.l2(END),
    "of two layers": 0.5 * objectives.l2(END) - 0.25 * objectives.channel("conv1", 1, 3),
    "of one blob twice": objectives.l2(END) + objectives.channel(END, 2),
    "within a mask": (objectives.l2(END) + objectives.channel("conv1", 2)).within(MASK),
    "strongest": objectives.strongest(END, 4),
    "strongest within a mask": objectives.strongest(END).within(MASK),
    "neuron": objectives.neuron(END, 3),
    "neuron within a mask": objectives.neuron(END, 3, 2, 5).within(MASK),
    "guide": objectives.guide(END, FEATURES, 2 * FEATURES[:, :1]),
    "guide within a mask": objectives.guide(END, FEATURES).within(MASK),
    "score": 3 * objectives.score(END, 2),
    "score within a mask": objectives.score(END, 2).within(MASK),
}


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_objectives_are_those_of_the_host(
    kind: str, net: Any, picture: np.ndarray
) -> None:
    objective, size = KINDS[kind], (60, 80)
    deepdream.dream.preprocess.reshape_input(net, size).data[0] = deepdream.preprocess(net, picture)
    net.forward(end=highest(net, objective.layers))
    there = blobs.slopes(net, objective, size, (3, -2))
    assert there is not None
    activations = {layer: net.blobs[layer].data for layer in objective.layers}
    expected = objective.value_and_gradients(activations, size, (3, -2))[1]
    assert set(there) == set(expected)
    for layer, slope in there.items():
        np.testing.assert_array_equal(slope.cpu().numpy(), expected[layer])
        assert np.abs(expected[layer]).max() > 0


def dream(net: Any, picture: np.ndarray, **more: Any) -> np.ndarray:
    made: np.ndarray = deepdream.deepdream(
        net, picture, 2, octave_n=2, end=END, rng=np.random.RandomState(3), **more
    )
    return made


def halved(gradient: np.ndarray) -> np.ndarray:
    assert isinstance(gradient, np.ndarray)
    return np.float32(0.5) * gradient[:, ::-1]


class Constant:
    """A prior's rule of a program's own."""

    def value_and_gradient(self, x: np.ndarray) -> Any:
        assert isinstance(x, np.ndarray) and x.dtype == np.float64
        return x.sum(), np.full_like(x, 0.01)


def grow_one(dst: Any) -> None:
    assert isinstance(dst.data, np.ndarray)
    dst.diff[:, 3] = dst.data[:, 3]


DREAMS = {
    "two layers": {"objective": KINDS["of two layers"]},
    "guide": {"objective": KINDS["guide"]},
    "neuron": {"objective": KINDS["neuron"]},
    "laplacian": {"smoothing": smoothing.named("laplacian")},
    "gaussian": {"smoothing": smoothing.named("gaussian:2")},
    "as the default model's": {
        "objective": KINDS["strongest"],
        "smoothing": smoothing.named("laplacian+natural"),
    },
    "prior": {"prior": 0.01 * tv(2)},
    "prior and smoothing": {"prior": 0.01 * tv(1), "smoothing": smoothing.named("natural")},
    "a prior of one's own": {"prior": Prior(((1.0, Constant()),))},
    "a smoothing of one's own": {"smoothing": halved, "prior": 1e-3 * alpha_norm(2)},
    "a smoothing of one's own alone": {"smoothing": halved},
    "a function of one's own": {"objective": grow_one},
}


@pytest.mark.parametrize("kind", DREAMS)
def test_a_dream_is_that_of_the_cpu_but_for_rounding(
    kind: str, net: Any, caffe: Any, picture: np.ndarray
) -> None:
    there = dream(net, picture, **DREAMS[kind])
    np.testing.assert_array_equal(dream(net, picture, **DREAMS[kind]), there)
    caffe.set_mode_cpu()
    np.testing.assert_allclose(there, dream(net, picture, **DREAMS[kind]), atol=0.02)
    assert np.abs(there - picture).mean() > 0.5


COPIES = {
    "notebook's": ({}, [PICTURE]),
    "notebook's guide": ({"objective": objectives.objective_guide(FEATURES)}, [PICTURE]),
    # whose products are equal, so that NumPy's must decide
    "notebook's guide of pairs": (
        {"objective": objectives.objective_guide(np.repeat(FEATURES, 2, 1))},
        [ACTIVATIONS] * 3 + [PICTURE],
    ),
    "masked": ({"objective": KINDS["within a mask"]}, [PICTURE]),
    "guide": ({"objective": KINDS["guide"]}, [PICTURE]),
    "default model's": (DREAMS["as the default model's"], []),
    "gaussian": (DREAMS["gaussian"], []),
    "prior": (DREAMS["prior"], []),
    "prior and smoothing": (DREAMS["prior and smoothing"], []),
    "a smoothing of one's own": (DREAMS["a smoothing of one's own alone"], [PICTURE, PICTURE]),
    "a function of one's own": (DREAMS["a function of one's own"], [ACTIVATIONS] * 3 + [PICTURE]),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_step_copies_no_more_than_it_must(
    kind: str, net: Any, picture: np.ndarray, copied: List[int], monkeypatch: Any
) -> None:
    more, wanted = COPIES[kind]
    monkeypatch.setattr(blobs, "_SECONDS", np.inf)  # until the picture is copied anyway
    steps: List[List[int]] = []

    def report(progress: Any) -> None:
        steps.append(list(copied))
        copied.clear()

    deepdream.deepdream(net, picture, 3, octave_n=1, end=END, report=report, **more)
    assert steps[1] == steps[2] == wanted, steps


def test_where_exactness_is_given_up_a_guides_choice_is_the_devices(
    net: Any, caffe: Any, picture: np.ndarray, copied: List[int], monkeypatch: Any
) -> None:
    caffe.set_fast()
    try:
        wanted = COPIES["notebook's guide of pairs"][0], [PICTURE]
        monkeypatch.setitem(COPIES, "fast", wanted)
        test_a_step_copies_no_more_than_it_must("fast", net, picture, copied, monkeypatch)
    finally:
        caffe.set_fast(False)


def test_a_picture_can_be_looked_at_in_the_middle(net: Any, picture: np.ndarray) -> None:
    seen: List[np.ndarray] = []
    alone = dream(net, picture)
    looked = dream(net, picture, report=lambda progress: seen.append(progress.picture))
    np.testing.assert_array_equal(alone, looked)
    np.testing.assert_array_equal(seen[-1], looked)


def test_a_gradient_of_nothing_leaves_the_picture(net: Any, picture: np.ndarray) -> None:
    with pytest.raises(deepdream.ZeroGradientError):
        dream(net, picture, objective=0 * objectives.l2(END))
    net.blobs["data"].reshape(1, 3, 60, 80)
    net.blobs["data"].data[0] = before = deepdream.preprocess(net, picture)
    with pytest.raises(deepdream.ZeroGradientError):
        deepdream.make_step(net, end=END, objective=0 * objectives.l2(END))
    np.testing.assert_array_equal(net.blobs["data"].data[0], before)


@pytest.mark.parametrize("how", ["", "laplacian+natural", "gaussian"])
def test_a_gradient_that_is_no_number_leaves_the_picture(
    how: str, net: Any, picture: np.ndarray
) -> None:
    net.blobs["data"].reshape(1, 3, 60, 80)
    net.blobs["data"].data[0] = before = deepdream.preprocess(net, picture)
    for factor, size in ((np.inf, 1.5), (np.nan, 1.5), (1, 3e38)):
        more = {"smoothing": smoothing.named(how), "step_size": size}
        with pytest.raises(deepdream.NotFiniteError):
            deepdream.make_step(net, objective=factor * objectives.l2(END), **more)
        np.testing.assert_array_equal(net.blobs["data"].data[0], before)


@pytest.mark.parametrize("kind", ["DeviceError", "DeviceMemoryError"])
def test_a_device_that_fails_leaves_a_good_picture(
    kind: str, net: Any, caffe: Any, picture: np.ndarray, monkeypatch: Any
) -> None:
    good: List[np.ndarray] = []
    lost = {
        "DeviceError": lambda: caffe.DeviceError("the GPU failed"),
        "DeviceMemoryError": lambda: caffe.DeviceMemoryError("a pass", 10**9, (10, 10**9), "cuda"),
    }[kind]

    def fail(*args: Any, **kwargs: Any) -> None:
        raise lost()

    def report(progress: Any) -> None:
        good.append(progress.picture)
        if progress.step == 2:  # from here on the device gives nothing any more
            monkeypatch.setattr(net, "forward", fail)
            devices = pytest.importorskip("caffe_compat.devices")
            monkeypatch.setattr(devices, "to_host", fail)

    with pytest.raises(deepdream.DreamError, match="octave 1 of 1, step 3 of 4: ") as e:
        deepdream.deepdream(net, picture, 4, octave_n=1, end=END, report=report)
    np.testing.assert_array_equal(e.value.picture, good[-1])
    assert np.abs(good[-1] - picture).mean() > 0.5


def test_a_command_whose_device_fails_keeps_the_last_good_picture(
    run: Any, caffe: Any, photo: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    passes: List[int] = []
    forward = caffe.Net._forward

    def failing(net: Any, *span: int) -> Any:
        passes.append(1)
        if len(passes) > 3:
            raise caffe.DeviceMemoryError("a pass", 4 * 10**9, (10**9, 2 * 10**9), "cuda:0")
        return forward(net, *span)

    monkeypatch.setattr(caffe.Net, "_forward", failing)
    words = ["-o", tmp_path / "out.png", "--gpu", 0, "--octaves", 1, "--quiet"]
    code, _, err = run("dream", photo, *words)
    assert code == 2 and len(err.strip().splitlines()) == 1, err
    assert "takes 4.00 GB on the device cuda:0, of which 1.00 GB of 2.00 GB are free" in err
    assert "leave out --gpu" in err
    kept = deepdream.load_image(str(tmp_path / "out-last-good.png"))
    assert kept.shape == (90, 120, 3) and str(tmp_path / "out-last-good.png") in err


def test_memory_that_is_short_between_two_passes_is_the_devices_error(net: Any, caffe: Any) -> None:
    short = pytest.raises(caffe.DeviceMemoryError, match="between two passes takes 2.15 GB")
    with short, blobs.computing(net):
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
