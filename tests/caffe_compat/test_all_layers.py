"""Every layer type's gradient against finite differences, on the settings of the parity tests."""

import numpy as np
import pytest

from caffe_compat.layer_types.registry import LAYERS
from tests.support import cases
from tests.support.gradcheck import build, check_gradient

# their gradient is zero, or there is none to check: data, and what names other layers' code
NO_GRADIENT = {
    "Accuracy",
    "ArgMax",
    "Data",
    "DummyData",
    "HDF5Data",
    "ImageData",
    "Input",
    "MemoryData",
    "Parameter",
    "Python",
    "Silence",
    "Split",
    "Threshold",
}
# these have finer tests of their own, in the files named after them
ELSEWHERE = {
    "BatchNorm",
    "Bias",
    "Concat",
    "Dropout",
    "Eltwise",
    "Flatten",
    "InnerProduct",
    "LRN",
    "Pooling",
    "ReLU",
    "Reshape",
    "Scale",
    "Softmax",
}


def kind(case):
    return case["body"].split('"')[1]


CHECKED = [
    n
    for n, case in cases.LAYERS.items()
    if kind(case) not in NO_GRADIENT | ELSEWHERE and not case["in_place"] and case["backward"]
]
CHECKED = [
    n for n in CHECKED if np.prod(cases.LAYERS[n]["shapes"][0]) < 900
]  # each value costs two forward passes


def test_every_type_has_its_gradient_checked():
    assert {kind(cases.LAYERS[n]) for n in CHECKED} | NO_GRADIENT | ELSEWHERE == set(LAYERS)


def apart(rng, shape):
    """Values from -2 to 2, no two alike or near a kink at a multiple of a half."""
    count = int(np.prod(shape))
    values = np.linspace(-1.95, 1.95, count) if count > 1 else np.array([0.7])
    near = np.abs(values * 2 - np.round(values * 2)) < 0.05
    return rng.permutation(np.where(near, values + 0.06, values)).reshape(shape)


@pytest.mark.parametrize("name", CHECKED)
def test_gradient(name, rng):
    case = cases.LAYERS[name]
    bottoms = []
    for i, shape in enumerate(case["shapes"]):
        shape = {
            (2, 4, 9, 11): (1, 4, 5, 4),
            (2, 3, 9, 11): (1, 2, 7, 9),
            (2, 4, 5, 6, 7): (1, 2, 2, 3, 3),
        }.get(shape, shape)
        whole = case["whole"].get(i)
        bottoms.append(apart(rng, shape) if whole is None else rng.randint(0, whole, shape))
    if name == "MultinomialLogisticLoss":  # takes probabilities
        bottoms[0] = rng.uniform(0.2, 0.8, case["shapes"][0])
    layer, bottom, top = build(case["body"], *bottoms, tops=case["tops"])
    if hasattr(
        layer, "kept"
    ):  # an RNN's state goes on from pass to pass; each pass is to start alike
        forward = layer.forward
        layer.forward = lambda *blobs: ([s.data.fill(0) for s in layer.kept], forward(*blobs))
    skip = set(layer.no_gradient)
    check_gradient(
        layer,
        bottom,
        top,
        tolerance=2e-2,
        bottoms=[i for i in range(len(bottom)) if i not in skip],
        frozen=case["tops"] > 1,
    )
