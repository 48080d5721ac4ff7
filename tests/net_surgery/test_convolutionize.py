"""InnerProduct into Convolution: the same values at the declared size, a map of them on larger pictures, refusals."""

import importlib
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepdream.nets.catalogue import ROOT
from net_surgery import SurgeryError, convolutionize, truncate
from tests.support import nets
from tests.support.operating import Bench, distance

INPUT = 'layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: {} dim: {} dim: {} dim: {} }} }} }}\n'
FILLERS = 'weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -0.1 max: 0.1 }'


def fc(name, bottom, settings, top=None, extra=""):
    body = f"{extra} inner_product_param {{ {settings} {FILLERS} }}"
    return layer(name, "InnerProduct", bottom, top, body)


def conv(name, bottom, settings):
    return f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" convolution_param {{ {settings} {FILLERS} }} }}\n'


def layer(name, kind, bottom, top=None, settings=""):
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top or name}" {settings} }}\n'


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
    (found,) = bench.outputs(after, None).values()
    assert distance(found, wanted) < 1e-5


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


VARIANTS = {
    "transpose": fc("fc", "data", "num_output: 5 transpose: true"),
    "no bias": fc("fc", "data", "num_output: 5 bias_term: false"),
    "negative axis on a vector": fc("fc", "data", "num_output: 5") + fc("out", "fc", "num_output: 3 axis: -1"),
    "Flatten": layer("flat", "Flatten", "data") + fc("fc", "flat", "num_output: 5"),
    "Flatten, then in place": layer("flat", "Flatten", "data") + layer("relu", "ReLU", "flat", "flat") + fc("fc", "flat", "num_output: 5"),
    "Flatten, then another blob": layer("flat", "Flatten", "data") + layer("relu", "ReLU", "flat") + fc("fc", "relu", "num_output: 5"),
    "Reshape": layer("flat", "Reshape", "data", settings="reshape_param { shape { dim: 0 dim: -1 } }") + fc("fc", "flat", "num_output: 5"),
    "Reshape and Dropout": layer("flat", "Reshape", "data", settings="reshape_param { shape { dim: 2 dim: -1 } }")
    + layer("drop", "Dropout", "flat", "flat") + fc("fc", "flat", "num_output: 5"),
    "Flatten behind a vector": fc("fc", "data", "num_output: 5") + layer("flat", "Flatten", "fc") + fc("out", "flat", "num_output: 3"),
    "two heads on one Flatten": layer("flat", "Flatten", "data") + fc("a", "flat", "num_output: 5") + fc("b", "flat", "num_output: 3"),
    "global pooling": layer("pool", "Pooling", "data", settings="pooling_param { pool: AVE global_pooling: true }")
    + fc("fc", "pool", "num_output: 5"),
    "Softmax of the last axis": fc("fc", "data", "num_output: 5") + layer("prob", "Softmax", "fc", settings="softmax_param { axis: -1 }"),
    "Concat of vectors": fc("a", "data", "num_output: 5") + fc("b", "data", "num_output: 2")
    + 'layer { name: "join" type: "Concat" bottom: "a" bottom: "b" top: "join" }\n' + fc("out", "join", "num_output: 3"),
    "Scale and BatchNorm of a vector": fc("fc", "data", "num_output: 5") + layer("bn", "BatchNorm", "fc", "fc")
    + layer("scale", "Scale", "fc", "fc", 'scale_param { bias_term: true filler { type: "uniform" } }') + fc("out", "fc", "num_output: 3"),
    "shared weights": fc("a", "data", "num_output: 5", extra='param { name: "w" } param { name: "b" }')
    + fc("b", "data", "num_output: 5", extra='param { name: "w" } param { name: "b" }'),
    "weights shared in another layout": conv("conv", "data", "num_output: 4 kernel_h: 2 kernel_w: 1")
    + fc("a", "data", "num_output: 4", extra='param { name: "w" }')
    + fc("b", "conv", "num_output: 4", extra='param { name: "w" share_mode: PERMISSIVE }'),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_give_the_same_values(name, bench, rng):
    shape = (2, 3, 4, 2) if "another layout" in name else (2, 3, 5, 4)
    before = bench.files(INPUT.format(*shape) + VARIANTS[name])
    after = convolutionize(*before, caffe=bench.caffe)
    picture = rng.uniform(-1, 1, shape)
    wanted, found = bench.outputs(before, picture), bench.outputs(after, picture)
    assert len(wanted) == len(found)
    for (name, value), result in zip(wanted.items(), found.values()):
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
def test_any_shape_gives_the_same_values(channels, height, width, outputs, transpose, bias):

    caffe = importlib.import_module(
        {"caffe": "caffe"}.get(os.environ.get("DEEPDREAM_TEST_ENGINE", ""), "caffe_compat")
    )
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


TRAIN_VAL = """
name: "train_val"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } transform_param { crop_size: 24 } data_param { batch_size: 4 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST } transform_param { crop_size: 24 } data_param { batch_size: 2 } }
""" + conv("conv1", "data", "num_output: 6 kernel_size: 5 stride: 2") + layer("relu1", "ReLU", "conv1", "conv1") + layer(
    "loss1/pool", "Pooling", "conv1", settings="pooling_param { pool: AVE kernel_size: 5 stride: 3 }"
) + fc("loss1/fc", "loss1/pool", "num_output: 8") + layer("loss1/relu", "ReLU", "loss1/fc", "loss1/fc") + fc(
    "loss1/classifier", "loss1/fc", "num_output: 4"
) + 'layer { name: "loss1/loss" type: "SoftmaxWithLoss" bottom: "loss1/classifier" bottom: "label" top: "loss1/loss" loss_weight: 0.3 }\n' + layer(
    "pool1", "Pooling", "conv1", settings="pooling_param { kernel_size: 2 stride: 2 }"
) + fc("loss2/classifier", "pool1", "num_output: 4") + """
layer { name: "loss2/loss" type: "SoftmaxWithLoss" bottom: "loss2/classifier" bottom: "label" top: "loss2/loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "loss2/classifier" bottom: "label" top: "accuracy" include { phase: TEST } }
"""  # fmt: skip
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
    wanted, found = (
        bench.outputs(pair, None, *HEADS),
        bench.outputs(converted, None, *(h + "-conv" for h in HEADS)),
    )
    for head in HEADS:
        assert distance(found[head + "-conv"], wanted[head]) < 1e-5


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
    (fc("fc", "data", "num_output: 5 axis: 2"), '"fc" .InnerProduct. multiplies .1, 3, 4, 4. from axis 2 on'),
    (fc("fc", "data", "num_output: 5 axis: 0"), "from axis 0 on"),
    (layer("flat", "Flatten", "data") + fc("fc", "flat", "num_output: 5") + layer("s", "Softmax", "flat"),
     '"flat" .Flatten. makes .1, 48. of .1, 3, 4, 4., which "fc" .InnerProduct. and "s" read'),
    (layer("a", "Flatten", "data") + layer("b", "Flatten", "data") + 'layer { name: "c" type: "Concat" bottom: "a" bottom: "b" top: "c" }'
     + fc("fc", "c", "num_output: 5"), '"fc" .InnerProduct. reads .1, 96., "c", which is not a map'),
    (layer("flat", "Flatten", "data") + layer("s", "Softmax", "flat") + fc("fc", "s", "num_output: 5"), '"fc" .InnerProduct. reads .1, 48., "s"'),
    (layer("x", "Unheard", "data") + fc("fc", "x", "num_output: 5"), '"fc" .InnerProduct.: the shape of its bottom cannot be worked out'),
    (fc("fc", "data", "num_output: 5") + layer("x", "Embed", "fc", settings="embed_param { num_output: 2 input_dim: 3 }"),
     '"x" .Embed. reads "fc-conv", which would become a map'),
    (conv("c", "data", "num_output: 2 kernel_size: 9") + fc("fc", "c", "num_output: 5"), '"c" .Convolution. gets 4x4 values but looks at 9x9'),
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
