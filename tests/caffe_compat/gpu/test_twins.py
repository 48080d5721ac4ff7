"""What passes in GPU mode do beside their values: what they keep, refuse and leave alone."""

from typing import Any, Dict

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat import devices
from caffe_compat.errors import ShapeError
from caffe_compat.layer_types import load_twins, registry
from caffe_compat.layer_types.registry import LAYERS, Layer, Source
from caffe_compat.proto import caffe_pb2
from tests.support import cases, gpu
from tests.support.gradcheck import build
from tests.support.nets import written

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("gpu_mode")]
# types whose passes are the same in both modes
ON_HOST = {"Python"}
WITH_BOTTOMS = [
    name
    for name, case in cases.LAYERS.items()
    if case["shapes"][0] and case["kind"] != "Python" and case["backward"]
]


def test_every_type_has_passes_of_its_own():
    load_twins()
    without = {
        name
        for name, cls in LAYERS.items()
        if cls.forward_gpu is Layer.forward_gpu or cls.backward_gpu is Layer.backward_gpu
    }
    assert {n for n in without if not issubclass(LAYERS[n], Source)} <= ON_HOST


def test_a_type_has_no_second_pair_of_passes():
    class Own(Layer):
        type = "Own"

    registry.twin(Own, Layer.forward_gpu, Layer.backward_gpu)
    with pytest.raises(ValueError, match='layer type "Own" has two twins in GPU mode'):
        registry.twin(Own, Layer.forward_gpu, Layer.backward_gpu)


ON_THE_CPU = {
    "Convolution layers over other than 1 to 3 axes": (
        'type: "Convolution" convolution_param { num_output: 1 kernel_size: 1 '
        "weight_filler { value: 2 } }",
        (1, 2, 2, 2, 2, 3),
    ),
    "Im2col layers over other than 2 axes": (
        'type: "Im2col" convolution_param { kernel_size: 2 }',
        (1, 2, 3, 3, 3),
    ),
    "Pooling layers with STOCHASTIC windows of more than 256 places": (
        'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 17 }',
        (1, 1, 17, 17),
    ),
    "Pooling layers whose windows reach far beyond the picture": (
        'type: "Pooling" pooling_param { pool: AVE kernel_size: 400 pad: 399 stride: 399 }',
        (1, 1, 4, 4),
    ),
}


def test_layers_that_run_on_the_cpu_say_why_once(capfd, monkeypatch):
    monkeypatch.setattr(registry, "_said", set())
    monkeypatch.setattr("caffe_compat.glog._level", 0)
    for _ in range(2):
        for text, shape in ON_THE_CPU.values():
            made = Layers(text, np.ones(shape))
            made.forward()
            assert made.top[0].data.any()
    said = [line.split("] ", 1)[1] for line in capfd.readouterr().err.splitlines() if "] " in line]
    assert said == [f"{why}: they run on the CPU" for why in ON_THE_CPU]


class Layers:
    """One layer, and its passes in the mode of the moment."""

    def __init__(self, name_or_text: str, *bottoms: Any, **kwargs: Any) -> None:
        caffe.set_random_seed(3)
        self.layer, self.bottom, self.top = build(name_or_text, *bottoms, **kwargs)
        if gpu.wanted():  # the plain passes, of which this calls the ones that it wants
            for name in ("forward", "backward"):
                vars(self.layer).pop(name)

    def run(self, name: str, *blobs: Any) -> None:
        if self.layer.on_gpu:
            load_twins()
            with devices.computing():
                getattr(self.layer, name + "_gpu")(*blobs)
        else:
            getattr(self.layer, name)(*blobs)

    def forward(self) -> None:
        self.layer.reshape(self.bottom, self.top)
        self.layer.ran_on_gpu = devices.on_gpu()
        self.run("forward", self.bottom, self.top)

    def backward(self, *wanted: bool) -> None:
        """As a net does, where the forward pass ran."""
        self.run("backward", self.top, wanted or [True] * len(self.bottom), self.bottom)


def of_case(name: str) -> Layers:
    case = cases.LAYERS[name]
    bottoms = [
        cases.values(i, shape, case["tie"], case["whole"].get(i))
        for i, shape in enumerate(case["shapes"])
    ]
    made = Layers(case["body"], *bottoms, tops=case["tops"], in_place=case["in_place"])
    for i, t in enumerate(made.top):
        t.diff[...] = cases.values(90 + i, t.shape)
    return made


def both(passes: Any, tolerance: float = 1e-6) -> None:
    """Compare what `passes` gives in GPU mode with what it gives in CPU mode."""
    there: Dict[str, np.ndarray] = passes()
    caffe.set_mode_cpu()
    for name, theirs in passes().items():
        theirs = theirs.astype(np.float64)  # whose squares do not overflow
        norm = np.linalg.norm(theirs) or 1
        assert np.linalg.norm(there[name] - theirs) / norm <= tolerance, name


# as in Caffe, a Flatten always gives its diff away
@pytest.mark.parametrize("name", [n for n in WITH_BOTTOMS if not n.startswith("Flatten")])
def test_bottoms_that_want_no_gradient_keep_their_diffs(name):
    made = of_case(name)
    made.forward()
    for b in made.bottom:
        if b not in made.top:
            b.diff[...] = 7
    made.backward(*[False] * len(made.bottom))
    assert all((b.diff == 7).all() for b in made.bottom if b not in made.top)


@pytest.mark.parametrize("name", WITH_BOTTOMS)
def test_without_a_forward_pass_gradients_are_those_of_the_cpu(name):
    def gradients() -> Any:
        made = of_case(name)
        with np.errstate(all="ignore"):
            made.backward(*(i not in made.layer.no_gradient for i in range(len(made.bottom))))
        blobs = [*made.bottom, *made.layer.blobs]
        return {str(i): blob.diff.copy() for i, blob in enumerate(blobs)}

    both(gradients)


CHAIN = """
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 4 dim: 5 dim: 6 } } }
layer { name: "x" type: "Power" bottom: "data" top: "x" power_param { scale: 1.5 } }
layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }
layer { name: "bias" type: "Bias" bottom: "x" top: "x"
        bias_param { num_axes: -1 filler { type: "uniform" min: -1 } } }
layer { name: "norm" type: "BatchNorm" bottom: "x" top: "x"
        batch_norm_param { use_global_stats: false } }
layer { name: "scale" type: "Scale" bottom: "x" top: "x"
        scale_param { bias_term: true filler { type: "uniform" } } }
layer { name: "prelu" type: "PReLU" bottom: "x" top: "x" }
layer { name: "swish" type: "Swish" bottom: "x" top: "x" }
layer { name: "last" type: "ReLU" bottom: "x" top: "x" relu_param { negative_slope: 0.5 } }
layer { name: "other" type: "Power" bottom: "data" top: "other" }
layer { name: "both" type: "Concat" bottom: "x" bottom: "other" top: "both" }
"""  # noqa: E501


@pytest.mark.parametrize("phase, items", [(caffe.TRAIN, 3), (caffe.TEST, 3), (caffe.TEST, 1)])
def test_a_chain_in_place_gives_each_layer_what_it_needs(tmp_path, phase, items):
    """With one item the chain's blob is a stretch of the Concat's."""
    path = written(tmp_path, CHAIN)

    def passes() -> Any:
        caffe.set_random_seed(4)
        net = caffe.Net(path, phase)
        net.blobs["data"].reshape(items, 4, 5, 6)
        for seed in range(2):
            net.blobs["data"].data[...] = cases.values(seed, (items, 4, 5, 6))
            net.forward()
        net.blobs["both"].diff[...] = cases.values(9, net.blobs["both"].data.shape)
        net.backward()
        found = {"input": net.blobs["data"].diff.copy()}
        assert found["input"].any()
        for layer, blobs in net.params.items():
            for i, blob in enumerate(blobs):
                found[f"{layer} {i} diff"] = blob.diff.copy()
                found[f"{layer} {i}"] = blob.data.copy()  # BatchNorm's statistics among them
        return found

    both(passes, 5e-6)


STOCHASTIC = 'type: "Pooling" pooling_param { pool: STOCHASTIC %s }'


@pytest.mark.parametrize("phase", [caffe_pb2.TRAIN, caffe_pb2.TEST])
@pytest.mark.parametrize(
    "window",
    [
        "kernel_size: 3 stride: 2",
        "kernel_h: 2 kernel_w: 3 round_mode: FLOOR",
        "kernel_size: 1 stride: 3",
        "kernel_size: 17 stride: 9",
        "global_pooling: true",
    ],
)
def test_stochastic_pooling_chooses_what_the_cpu_chooses(phase, window):
    def passes() -> Any:
        x = np.abs(cases.values(1, (2, 3, 12, 18)))
        made = Layers(STOCHASTIC % window, x[:, :, :7, :9] if "glob" in window else x, phase=phase)
        made.forward()
        made.top[0].diff[...] = cases.values(5, made.top[0].shape)
        made.backward()
        return {"gradient": made.bottom[0].diff.copy(), "chosen": made.top[0].data.copy()}

    there = passes()
    caffe.set_mode_cpu()
    theirs = passes()
    np.testing.assert_array_equal(there["chosen"], theirs["chosen"])
    np.testing.assert_allclose(there["gradient"], theirs["gradient"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["LSTM", "RNN"])
def test_hidden_states_go_on_from_pass_to_pass_in_either_mode(name):
    def passes(*on_gpu: bool) -> np.ndarray:
        made = of_case(name)
        for there in on_gpu:
            caffe.set_mode_gpu() if there else caffe.set_mode_cpu()
            made.forward()
        return made.top[0].data.copy()

    wanted = passes(False, False, False)
    assert not np.allclose(wanted, passes(False), rtol=1e-3)
    for order in ((True, True, True), (True, False, True), (False, True, False)):
        np.testing.assert_allclose(passes(*order), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name, bottom",
    [
        ("SoftmaxWithLoss", 1),
        ("InfogainLoss", 1),
        ("HingeLoss", 1),
        ("MultinomialLogisticLoss", 1),
        ("Accuracy", 1),
        ("BatchReindex", 1),
        ("Embed", 0),
    ],
)
def test_a_number_that_is_none_is_refused_before_the_device_sees_it(name, bottom):
    made = of_case(name)
    for wrong in (99, -1):
        made.bottom[bottom].data.reshape(-1)[0] = wrong
        with pytest.raises(ShapeError, match=f"there is no .* {wrong}; they are numbered from 0"):
            made.forward()
    made.bottom[bottom].data.reshape(-1)[0] = 0
    made.forward()


def test_what_is_divided_by_is_the_number_that_counts():
    param = "loss_param { normalization: %s %s }"
    for settings in ("VALID", "FULL", "BATCH_SIZE", "NONE"):
        for ignored in ("", "ignore_label: 1"):
            text = f'type: "SigmoidCrossEntropyLoss" {param % (settings, ignored)}'
            values = cases.values(1, (3, 4)), cases.values(2, (3, 4), below=2)

            def passes(text: str = text, values: Any = values) -> Any:
                made = Layers(text, *values, tops=2)
                made.forward()
                made.top[0].diff[...] = 3
                made.backward(True, False)
                out = [made.top[0].data, made.top[1].data, made.bottom[0].diff]
                return {str(i): a.copy() for i, a in enumerate(out)}

            caffe.set_mode_gpu()
            both(passes)


@pytest.mark.parametrize("on_gpu", [True, False])
def test_the_mode_may_change_between_the_passes_of_a_pyramid(on_gpu):
    def gradient(first: bool, then: bool) -> np.ndarray:
        made = of_case("SPP")
        for there, run in ((first, made.forward), (then, made.backward)):
            caffe.set_mode_gpu() if there else caffe.set_mode_cpu()
            run()
        return made.bottom[0].diff.copy()

    changed, wanted = gradient(on_gpu, not on_gpu), gradient(on_gpu, on_gpu)
    assert wanted.any()
    np.testing.assert_array_equal(changed, wanted)


def test_an_infogain_matrix_of_a_file_is_the_one_of_a_blob(tmp_path, rng):
    matrix = rng.uniform(0, 1, (3, 3)).astype(np.float32)
    blob = caffe.io.array_to_blobproto(matrix.reshape(1, 1, 3, 3))
    (tmp_path / "H.binaryproto").write_bytes(blob.SerializeToString())
    values = cases.values(1, (4, 3)), cases.values(2, (4,), below=3)
    source = f'infogain_loss_param {{ source: "{tmp_path}/H.binaryproto" }}'
    of_file = Layers(f'type: "InfogainLoss" {source}', *values)
    of_blob = Layers('type: "InfogainLoss"', *values, matrix)
    for made in (of_file, of_blob):
        made.forward()
        made.top[0].diff[...] = 1
        made.backward(True, False, False)
    np.testing.assert_array_equal(of_file.top[0].data, of_blob.top[0].data)
    np.testing.assert_array_equal(of_file.bottom[0].diff, of_blob.bottom[0].diff)
    assert of_file.bottom[0].diff.any()
