"""Dreams in the built-in engine's GPU mode: the notebook's to the bit, one copy for each step."""

from pathlib import Path
from typing import Any, List

import numpy as np
import pytest

import deepdream
from deepdream.dream import objectives, on_device, smoothing
from deepdream.dream.passes import highest
from deepdream.dream.priors import tv
from tests.deepdream.dream.test_notebook_equality import CASES, both
from tests.support import gpu, notebook

END = "inception_3b/output"
MASK = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)


@pytest.fixture(autouse=True)
def gpu_mode(caffe: Any, monkeypatch: Any) -> Any:
    """GPU mode while a test runs, on PyTorch's CPU where there is no GPU."""
    pytest.importorskip("torch")
    if caffe.__name__ != "caffe_compat":
        pytest.skip("of the built-in engine")
    gpu.choose(monkeypatch.setenv)
    caffe.set_mode_gpu()
    yield
    caffe.set_mode_cpu()


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


def test_a_guided_dream_is_the_notebooks_to_the_bit(
    net: Any, reference: Any, picture: np.ndarray
) -> None:
    guide = np.ascontiguousarray(picture[::-1])
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
    there = on_device.slopes(net, objective, size, (3, -2))
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


@pytest.mark.parametrize(
    "more",
    [
        {"objective": KINDS["of two layers"]},
        {"objective": objectives.guide(END, np.ones((12, 2, 3), np.float32))},
        {"objective": objectives.neuron(END, 3)},
        {"smoothing": smoothing.named("laplacian")},
        {"prior": 0.01 * tv(2)},
    ],
    ids=["two layers", "guide", "neuron", "smoothing", "prior"],
)
def test_a_dream_is_that_of_the_cpu_but_for_rounding(
    more: Any, net: Any, caffe: Any, picture: np.ndarray
) -> None:
    there = dream(net, picture, **more)
    caffe.set_mode_cpu()
    np.testing.assert_allclose(there, dream(net, picture, **more), atol=0.02)
    assert np.abs(there - picture).mean() > 0.5


@pytest.mark.parametrize("objective", [None, KINDS["within a mask"]], ids=["notebook's", "masked"])
def test_a_step_copies_one_picture_and_no_activations(
    objective: Any, net: Any, picture: np.ndarray, monkeypatch: Any
) -> None:
    devices = pytest.importorskip("caffe_compat.devices")
    copied: List[int] = []

    def counted(of: Any) -> Any:
        def call(*args: Any) -> Any:
            copied.append(args[1].size if isinstance(args[1], np.ndarray) else args[0].size)
            return of(*args)

        return call

    for name in ("to_host", "to_device"):
        monkeypatch.setattr(devices, name, counted(getattr(devices, name)))
    steps: List[List[int]] = []

    def report(progress: Any) -> None:
        steps.append(list(copied))
        copied.clear()

    more = {} if objective is None else {"objective": objective}
    deepdream.deepdream(net, picture, 3, octave_n=1, end=END, report=report, **more)
    assert steps[1] == steps[2] == [3 * 60 * 80], steps


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
    with short, on_device.computing(net):
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
