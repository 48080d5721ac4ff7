"""What a dream computes of tensors, beside what the host computes of arrays."""

from typing import Any, List, Tuple

import numpy as np
import pytest

from deepdream.dream import matching, nearest, preprocess, priors, smoothing
from deepdream.dream.on_device import blobs
from deepdream.dream.on_device import priors as priors_there
from deepdream.dream.on_device import smoothing as smoothing_there
from deepdream.dream.passes import new_request
from deepdream.errors import DeviceFailedError

SMOOTHINGS = [
    "gaussian",
    "gaussian:7.3",
    "gaussian:30",
    "laplacian",
    "laplacian:9",
    "natural",
    "natural:2",
    "gaussian+laplacian:2+natural",
]
SHAPES = [(3, 60, 80), (3, 61, 47), (3, 4, 5), (3, 3, 90), (1, 150, 70)]
PRIORS = {
    "tv": priors.tv(2),
    "tv:1": priors.tv(1),
    "tv:2.5": priors.tv(2.5),
    "alpha:6": priors.alpha_norm(6),
    "l2": priors.l2_norm(),
    "sum": 0.3 * priors.tv(1) + 2 * priors.alpha_norm(3),
}


@pytest.fixture
def there(caffe: Any) -> Any:
    """Brings an array to the device."""
    torch = pytest.importorskip("torch")
    devices = pytest.importorskip("caffe_compat.devices")
    return lambda values: torch.tensor(values, device=devices.device())


def far(found: Any, wanted: np.ndarray) -> float:
    """The difference, relative to the norm."""
    here = found.cpu().numpy()
    assert here.shape == wanted.shape
    difference = np.linalg.norm(np.float64(here) - wanted)
    return float(difference / np.linalg.norm(np.float64(wanted)))


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_smoothings_are_those_of_the_host(name: str, there: Any, rng: Any) -> None:
    how = smoothing.named(name)
    assert how is not None and smoothing_there.has_twin(how)
    for shape in SHAPES:
        g = rng.normal(0, 1e-3, shape).astype(np.float32)
        found = smoothing_there.smoothed(how, there(g))
        again = smoothing_there.smoothed(how, there(g))
        np.testing.assert_array_equal(found.cpu().numpy(), again.cpu().numpy())
        assert far(found, smoothing.smoothed(how, g)) < 1e-6, shape


def test_a_pyramid_of_next_to_nothing_is_that_of_the_host(there: Any, rng: Any) -> None:
    how = smoothing.Laplacian()
    g = rng.normal(0, 1e-25, (3, 20, 24)).astype(np.float32)  # its squares are no float32
    assert far(smoothing_there.smoothed(how, there(g)), how(g)) < 1e-6
    assert not smoothing_there.smoothed(how, there(0 * g)).any()


def test_what_has_no_twin_is_known() -> None:
    def own(g: np.ndarray) -> np.ndarray:
        return g

    class Wider(smoothing.Gaussian):
        pass

    for how in (own, Wider(), smoothing.Chain((smoothing.Natural(), own))):
        assert not smoothing_there.has_twin(how)


@pytest.mark.parametrize("name", PRIORS)
def test_priors_are_those_of_the_host(name: str, there: Any, rng: Any) -> None:
    x = rng.normal(0, 60, (1, 3, 40, 50)).astype(np.float32)
    found = priors_there.gradient(PRIORS[name], blobs.exact(there(x)))
    assert found is not None
    assert far(found, PRIORS[name].value_and_gradient(x)[1]) < 1e-6


def test_the_nearest_vector_is_that_of_the_host(there: Any, rng: Any, monkeypatch: Any) -> None:
    x = rng.normal(size=(6, 50)).astype(np.float32)
    y = rng.normal(size=(6, 40)).astype(np.float32)
    x[:, 7] = 0  # all products are equal here
    wanted = nearest.nearest(x, y)[0]
    for most in (nearest.MOST_PRODUCTS, 300):
        monkeypatch.setattr(nearest, "MOST_PRODUCTS", most)
        for sure in (False, True):
            found = nearest.nearest_there(there(x), there(y), sure)
            np.testing.assert_array_equal(found.cpu().numpy(), wanted)


def test_of_vectors_that_are_equally_near_the_first_is_taken(there: Any) -> None:
    x = np.eye(3, dtype=np.float32)[:, [0, 1, 1, 2, 0]]
    y = np.float32([[1, 2, 2, 0], [3, 0, 3, 3], [0, 0, 0, 0]])
    found = nearest.nearest_there(there(x), there(y))
    assert found.tolist() == nearest.nearest(x, y)[0].tolist() == [1, 0, 0, 0, 1]
    assert nearest.nearest_there(there(x), there(y), sure=True) is None


@pytest.mark.parametrize("off, is_sure", [(1e-6, False), (1e-3, True)])
def test_products_that_rounding_may_turn_are_not_sure(
    off: float, is_sure: bool, there: Any, rng: Any
) -> None:
    x, y = rng.uniform(0, 1, (64, 5)).astype(np.float32), rng.uniform(0, 1, (64, 1))
    y = np.float32(np.concatenate([y, y * (1 + off)], 1))
    found = nearest.nearest_there(there(x), there(y), sure=True)
    assert (found is not None) == is_sure
    assert found is None or found.tolist() == [1] * 5


def test_matching_is_that_of_the_host(net: Any, caffe: Any, copied: List[int]) -> None:
    """And copies the picture to the device, and its gradient back."""
    layer = "inception_3b/output"
    x = np.random.RandomState(1).normal(0, 40, 3 * 60 * 80)
    target = np.random.RandomState(2).normal(0, 1, (1, 12, 15, 20)).astype(np.float32)

    def evaluated() -> List[Tuple[float, np.ndarray]]:
        preprocess.reshape_input(net, (60, 80))
        new_request(net)
        match = matching.Matching(net, layer, target, priors.tv(2), 1e-7)
        found = []
        for factor in (1, 0.5, 0.25):
            copied.clear()
            value, gradient = match(factor * x)
            found.append((value, gradient))
        return found

    of_device = evaluated()
    assert copied == [x.size, x.size]
    caffe.set_mode_cpu()
    for (value, gradient), (wanted, wanted_gradient) in zip(of_device, evaluated()):
        assert abs(value - wanted) < 1e-6 * wanted
        norm = np.linalg.norm(wanted_gradient)
        assert np.linalg.norm(gradient - wanted_gradient) < 1e-6 * norm


def test_a_match_whose_device_fails_gives_the_best_picture(
    net: Any, caffe: Any, picture: np.ndarray, monkeypatch: Any
) -> None:
    made: List[matching.Evaluation] = []

    def fail(*args: Any, **kwargs: Any) -> None:
        raise caffe.DeviceError("the GPU failed")

    def report(evaluation: matching.Evaluation) -> None:
        made.append(evaluation)
        if len(made) == 2:
            monkeypatch.setattr(net, "forward", fail)

    words = "octave 1 of 1, evaluation 3: the GPU failed"
    with pytest.raises(DeviceFailedError, match=words) as e:
        matching.match(
            net, picture, "inception_3b/output", matching.multiply(3), octave_n=1, report=report
        )
    assert e.value.picture is not None and e.value.picture.shape == picture.shape
    assert np.abs(e.value.picture - picture).mean() > 0.1


def test_a_class_pictures_step_copies_its_pictures_and_their_gradient(
    net: Any, copied: List[int]
) -> None:
    from deepdream.dream import class_pictures

    steps: List[List[int]] = []

    def report(done: int, of: int) -> None:
        steps.append(list(copied))
        copied.clear()

    method = class_pictures.Method((class_pictures.Octave(1.0, 3, (4, 2), (0, 0)),), noise=20)
    class_pictures.visualise(net, "fc", 1, (32, 32), [3, 4], method, report)
    assert steps[1] == steps[2] == [2 * 3 * 32 * 32] * 2, steps
