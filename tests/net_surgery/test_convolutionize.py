"""InnerProduct into Convolution: the same values, a map of them on larger pictures, refusals."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net_surgery import SurgeryError, convolutionize, truncate
from netfile.system.places import ROOT
from tests.support import nets
from tests.support.operating import INPUT, Bench, conv, distance, fc, layer

WHOLE = {
    "bvlc_googlenet": nets.bundled("bvlc_googlenet"),
    "caffenet": nets.caffenet(),
    "vgg16": nets.vgg16(),
    "v0": nets.v0(),
    "v1": nets.v1(),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_nets_give_the_same_values(name, bench):
    before = bench.files(WHOLE[name])
    after = convolutionize(*before, caffe=bench.caffe)
    assert "InnerProduct" not in after.prototxt.split("name:", 1)[1]
    (wanted,) = bench.outputs(before, None).values()
    (result,) = bench.outputs(after, None).values()
    assert distance(result, wanted) < 1e-5


def test_the_bundled_model_gives_the_same_values(bench):
    before = (
        str(ROOT / "prototxt/motif_googlenet/deploy.prototxt"),
        str(ROOT / "models/motif_googlenet/motif_googlenet.caffemodel"),
    )
    after = convolutionize(*before, caffe=bench.caffe)
    assert distance(bench.outputs(after, None)["prob"], bench.outputs(before, None)["prob"]) < 1e-5


def test_a_larger_picture_gives_a_map(bench, rng):
    after = convolutionize(*bench.files(nets.caffenet()), caffe=bench.caffe)
    prob = bench.outputs(after, rng.uniform(-100, 100, (1, 3, 291, 355)))["prob"]
    assert prob.shape == (1, 50, 3, 5)
    np.testing.assert_allclose(prob.sum(1), 1, rtol=1e-5)


def test_the_map_is_the_original_net_at_every_aligned_window(bench, rng):
    # no padding, so that a window knows nothing of what lies around it; strides 2 * 2 = 4
    text = (
        INPUT.format(1, 3, 22, 18)
        + conv("conv1", "data", "num_output: 6 kernel_size: 4 stride: 2")
        + layer("relu1", "ReLU", "conv1", "conv1")
    )
    text += layer(
        "pool1", "Pooling", "conv1", settings="pooling_param { kernel_size: 2 stride: 2 }"
    )
    text += (
        fc("fc1", "pool1", "num_output: 9")
        + layer("relu2", "ReLU", "fc1", "fc1")
        + fc("fc2", "fc1", "num_output: 5")
    )
    before = bench.files(text)
    picture = rng.uniform(-100, 100, (1, 3, 22 + 8, 18 + 12)).astype(np.float32)
    dense = bench.outputs(convolutionize(*before, caffe=bench.caffe), picture)["fc2-conv"]
    assert dense.shape == (1, 5, 3, 4)
    for i in range(3):
        for j in range(4):
            window = picture[:, :, 4 * i : 4 * i + 22, 4 * j : 4 * j + 18]
            assert distance(dense[0, :, i, j], bench.outputs(before, window)["fc2"]) < 1e-5


def test_names_blobs_and_what_came_from_which(bench):
    text = (
        INPUT.format(1, 3, 6, 5)
        + fc("fc6", "data", "num_output: 4")
        + layer("relu6", "ReLU", "fc6", "fc6")
        + layer("drop6", "Dropout", "fc6", "fc6")
    )
    text += fc("fc7", "fc6", "num_output: 3", top="scores") + layer("prob", "Softmax", "scores")
    after = convolutionize(*bench.files(text), caffe=bench.caffe)
    net = bench.net(after)
    assert list(net._layer_names) == ["data", "fc6-conv", "relu6", "drop6", "fc7-conv", "prob"]
    assert list(net.blobs) == ["data", "fc6-conv", "scores", "prob"]
    assert [tuple(b.data.shape) for b in net.params["fc6-conv"]] == [(4, 3, 6, 5), (4,)]
    assert [tuple(b.data.shape) for b in net.params["fc7-conv"]] == [(3, 4, 1, 1), (3,)]
    assert [(c.layer, c.now) for c in after.changes] == [("fc6", "fc6-conv"), ("fc7", "fc7-conv")]
    assert (
        "# fc6-conv: InnerProduct over 90 values made a Convolution over 3x6x5 (was fc6)"
        in after.prototxt
    )


def test_a_name_that_is_taken_gets_a_number(bench):
    text = (
        INPUT.format(1, 3, 4, 4)
        + conv("fc-conv", "data", "num_output: 2 kernel_size: 1")
        + fc("fc", "fc-conv", "num_output: 3")
    )
    assert list(bench.net(convolutionize(*bench.files(text), caffe=bench.caffe))._layer_names) == [
        "data",
        "fc-conv",
        "fc-conv2",
    ]


FC = fc("fc", "data", "num_output: 5")
FLAT = layer("flat", "Flatten", "data")
FC_OF_FLAT = fc("fc", "flat", "num_output: 5")
SHARED = 'param { name: "w" } param { name: "b" }'
AVERAGE = "pooling_param { pool: AVE global_pooling: true }"
LAST_AXIS = "softmax_param { axis: -1 }"
SCALE = 'scale_param { bias_term: true filler { type: "uniform" } }'


def reshape(batch):
    settings = f"reshape_param {{ shape {{ dim: {batch} dim: -1 }} }}"
    return layer("flat", "Reshape", "data", settings=settings)


def concat(a, b):
    return layer("join", "Concat", f'{a}" bottom: "{b}')


VARIANTS = {
    "transpose": fc("fc", "data", "num_output: 5 transpose: true"),
    "no bias": fc("fc", "data", "num_output: 5 bias_term: false"),
    "negative axis on a vector": FC + fc("out", "fc", "num_output: 3 axis: -1"),
    "Flatten": FLAT + FC_OF_FLAT,
    "Flatten, then in place": FLAT + layer("relu", "ReLU", "flat", "flat") + FC_OF_FLAT,
    "Flatten, then another blob":
        FLAT + layer("relu", "ReLU", "flat") + fc("fc", "relu", "num_output: 5"),
    "Reshape": reshape(0) + FC_OF_FLAT,
    "Reshape and Dropout": reshape(2) + layer("drop", "Dropout", "flat", "flat") + FC_OF_FLAT,
    "Flatten after a vector":
        FC + layer("flat", "Flatten", "fc") + fc("out", "flat", "num_output: 3"),
    "two heads on one Flatten":
        FLAT + fc("a", "flat", "num_output: 5") + fc("b", "flat", "num_output: 3"),
    "global pooling":
        layer("pool", "Pooling", "data", settings=AVERAGE) + fc("fc", "pool", "num_output: 5"),
    "Softmax of the last axis": FC + layer("prob", "Softmax", "fc", settings=LAST_AXIS),
    "Concat of vectors":
        fc("a", "data", "num_output: 5") + fc("b", "data", "num_output: 2") + concat("a", "b")
        + fc("out", "join", "num_output: 3"),
    "Scale and BatchNorm of a vector":
        FC + layer("bn", "BatchNorm", "fc", "fc") + layer("scale", "Scale", "fc", "fc", SCALE)
        + fc("out", "fc", "num_output: 3"),
    "shared weights":
        fc("a", "data", "num_output: 5", extra=SHARED)
        + fc("b", "data", "num_output: 5", extra=SHARED),
    "weights shared in another layout":
        conv("conv", "data", "num_output: 4 kernel_h: 2 kernel_w: 1")
        + fc("a", "data", "num_output: 4", extra='param { name: "w" }')
        + fc("b", "conv", "num_output: 4", extra='param { name: "w" share_mode: PERMISSIVE }'),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_give_the_same_values(name, bench, rng):
    shape = (2, 3, 4, 2) if "another layout" in name else (2, 3, 5, 4)
    before = bench.files(INPUT.format(*shape) + VARIANTS[name])
    after = convolutionize(*before, caffe=bench.caffe)
    picture = rng.uniform(-1, 1, shape)
    wanted, results = bench.outputs(before, picture), bench.outputs(after, picture)
    assert len(wanted) == len(results)
    for (name, value), result in zip(wanted.items(), results.values()):
        assert distance(result, value) < 1e-5, name


@given(
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_shape_gives_the_same_values(caffe, channels, height, width, outputs, transpose, bias):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(caffe, Path(folder))
        flags = f"transpose: {str(transpose).lower()} bias_term: {str(bias).lower()}"
        before = bench.files(
            INPUT.format(1, channels, height, width)
            + fc("fc", "data", f"num_output: {outputs} {flags}")
        )
        after = convolutionize(*before, caffe=caffe)
        assert (
            distance(bench.outputs(after, None)["fc-conv"], bench.outputs(before, None)["fc"])
            < 1e-5
        )


def data(phase, batch):
    return (
        'layer { name: "data" type: "Data" top: "data" top: "label" '
        f"include {{ phase: {phase} }} transform_param {{ crop_size: 24 }} "
        f"data_param {{ batch_size: {batch} }} }}\n"
    )


def judged(name, kind, bottom, settings=""):
    return layer(name, kind, f'{bottom}" bottom: "label', settings=settings)


TRAIN_VAL = "".join(
    [
        'name: "train_val"\n',
        data("TRAIN", 4),
        data("TEST", 2),
        conv("conv1", "data", "num_output: 6 kernel_size: 5 stride: 2"),
        layer("relu1", "ReLU", "conv1", "conv1"),
        layer(
            "loss1/pool",
            "Pooling",
            "conv1",
            settings="pooling_param { pool: AVE kernel_size: 5 stride: 3 }",
        ),
        fc("loss1/fc", "loss1/pool", "num_output: 8"),
        layer("loss1/relu", "ReLU", "loss1/fc", "loss1/fc"),
        fc("loss1/classifier", "loss1/fc", "num_output: 4"),
        judged("loss1/loss", "SoftmaxWithLoss", "loss1/classifier", "loss_weight: 0.3"),
        layer("pool1", "Pooling", "conv1", settings="pooling_param { kernel_size: 2 stride: 2 }"),
        fc("loss2/classifier", "pool1", "num_output: 4"),
        judged("loss2/loss", "SoftmaxWithLoss", "loss2/classifier"),
        judged("accuracy", "Accuracy", "loss2/classifier", "include { phase: TEST }"),
    ]
)
HEADS = ["loss1/classifier", "loss2/classifier"]


def test_a_train_val_net_with_two_heads(bench):
    (bench.folder / "train_val.prototxt").write_text(TRAIN_VAL)
    deploy = truncate(bench.folder / "train_val.prototxt", end=HEADS, caffe=bench.caffe)
    pair = bench.files(deploy.prototxt)
    shutil.copy(pair[1], bench.folder / "train_val.caffemodel")
    after = convolutionize(
        bench.folder / "train_val.prototxt",
        bench.folder / "train_val.caffemodel",
        caffe=bench.caffe,
    )
    assert {c.now for c in after.changes} == {
        "loss1/fc-conv",
        "loss1/classifier-conv",
        "loss2/classifier-conv",
    }
    assert "SoftmaxWithLoss" in after.prototxt and "crop_size: 24" in after.prototxt
    converted = truncate(after, end=[h + "-conv" for h in HEADS])
    wanted = bench.outputs(pair, None, *HEADS)
    results = bench.outputs(converted, None, *(head + "-conv" for head in HEADS))
    for head in HEADS:
        assert distance(results[head + "-conv"], wanted[head]) < 1e-5


def test_the_originals_are_left_alone(bench):
    before = bench.files(nets.caffenet())
    contents = [open(path, "rb").read() for path in before]
    convolutionize(*before, caffe=bench.caffe).save(bench.folder / "out", "caffenet-conv")
    assert [open(path, "rb").read() for path in before] == contents
    assert {p.name for p in (bench.folder / "out").iterdir()} == {
        "deploy.prototxt",
        "caffenet-conv.caffemodel",
        "surgery.json",
    }


def test_a_prototxt_alone(bench):
    prototxt, caffemodel = convolutionize(bench.files(nets.caffenet())[0], caffe=bench.caffe)
    assert caffemodel is None and 'type: "Convolution"' in prototxt


def test_twice_is_once(bench):
    once = convolutionize(*bench.files(nets.caffenet()), caffe=bench.caffe)
    assert convolutionize(once).prototxt == once.prototxt


@pytest.mark.parametrize("text, message", [
    (
        fc("fc", "data", "num_output: 5 axis: 2"),
        '"fc" .InnerProduct. multiplies .1, 3, 4, 4. from axis 2 on',
    ),
    (fc("fc", "data", "num_output: 5 axis: 0"), "from axis 0 on"),
    (
        FLAT + FC_OF_FLAT + layer("s", "Softmax", "flat"),
        '"flat" .Flatten. makes .1, 48. of .1, 3, 4, 4., which "fc" .InnerProduct. and "s" read',
    ),
    (
        layer("a", "Flatten", "data") + layer("b", "Flatten", "data") + concat("a", "b")
        + fc("fc", "join", "num_output: 5"),
        '"fc" .InnerProduct. reads .1, 96., "join", which is not a map',
    ),
    (
        FLAT + layer("s", "Softmax", "flat") + fc("fc", "s", "num_output: 5"),
        '"fc" .InnerProduct. reads .1, 48., "s"',
    ),
    (
        layer("x", "Unheard", "data") + fc("fc", "x", "num_output: 5"),
        '"fc" .InnerProduct.: the shape of its bottom cannot be worked out',
    ),
    (
        FC + layer("x", "Embed", "fc", settings="embed_param { num_output: 2 input_dim: 3 }"),
        '"x" .Embed. reads "fc-conv", which would become a map',
    ),
    (
        fc("fc", "data", "num_output: 5").replace('top: "fc"', ""),
        '"fc" .InnerProduct. has 0 tops .* it makes one top',
    ),
    (
        conv("c", "data", "num_output: 2 kernel_size: 9") + fc("fc", "c", "num_output: 5"),
        '"c" .Convolution. gets 4x4 values but looks at 9x9',
    ),
])  # fmt: skip
def test_what_cannot_be_converted_is_refused(text, message, bench):
    (bench.folder / "net.prototxt").write_text(INPUT.format(1, 3, 4, 4) + text)
    with pytest.raises(SurgeryError, match=message):
        convolutionize(bench.folder / "net.prototxt", caffe=bench.caffe)


def test_weights_of_another_net_are_refused(bench):
    weights = bench.files(INPUT.format(1, 3, 4, 4) + fc("fc", "data", "num_output: 5"))[1]
    other = bench.files(INPUT.format(1, 3, 5, 5) + fc("fc", "data", "num_output: 5"))[0]
    with pytest.raises(
        SurgeryError, match=r"its weights are \(5, 48\), 240 values, but .* takes \(5, 75\), 375"
    ):
        convolutionize(other, weights, caffe=bench.caffe)


def test_an_input_that_is_not_declared_can_be_given(bench):
    text = 'layer { name: "data" type: "Data" top: "data" data_param { batch_size: 4 } }' + fc(
        "fc", "data", "num_output: 5"
    )
    (bench.folder / "net.prototxt").write_text(text)
    with pytest.raises(SurgeryError, match="give the input's shape"):
        convolutionize(bench.folder / "net.prototxt", caffe=bench.caffe)
    given = convolutionize(
        bench.folder / "net.prototxt", caffe=bench.caffe, input_shape=(1, 1, 28, 28)
    )
    assert "over 1x28x28" in given.prototxt
