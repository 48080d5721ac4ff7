"""Truncating, folding, average pooling, layers out of place, force_backward: the values after."""

import numpy as np
import pytest

from net_surgery import (
    SurgeryError,
    average_pooling,
    convolutionize,
    fold,
    force_backward,
    out_of_place,
    truncate,
)
from net_surgery.errors import FormatError
from tests.support import nets
from tests.support.operating import INPUT, conv, distance, fc, layer

SCALE = (
    'scale_param { bias_term: true filler { type: "uniform" min: 0.5 max: 2 } '
    'bias_filler { type: "uniform" min: -1 max: 1 } }'
)


def names(operated):
    return [layer.name for layer in operated.net.layer]


# ---- truncate


def test_truncating_leaves_what_the_end_needs_and_its_values(bench):
    before = bench.files(nets.bundled("motif_googlenet"))
    after = truncate(*before, end="inception_3b/5x5_reduce", caffe=bench.caffe)
    assert names(after)[-1] == "inception_3b/5x5_reduce" and "inception_3b/1x1" not in names(after)
    assert not any(name.startswith("inception_4") for name in names(after))
    assert {stored.name for stored in after.weights.layer} <= set(names(after))
    wanted = bench.net(before)
    wanted.blobs["data"].data[...] = 7
    wanted.forward(end="inception_3b/5x5_reduce")
    net = bench.net(after)
    assert list(net.outputs) == ["inception_3b/5x5_reduce"]
    net.blobs["data"].data[...] = 7
    net.forward()
    assert np.array_equal(
        net.blobs["inception_3b/5x5_reduce"].data, wanted.blobs["inception_3b/5x5_reduce"].data
    )


def test_a_layer_is_cut_off_before_its_relu_a_blob_after_it(bench):
    text = (
        INPUT.format(1, 3, 6, 6)
        + conv("conv", "data", "num_output: 2 kernel_size: 3")
        + layer("relu", "ReLU", "conv", "conv")
    )
    text += layer("pool", "Pooling", "conv", "out", "pooling_param { kernel_size: 2 }")
    pair = bench.files(text)
    assert names(truncate(*pair, end="conv", caffe=bench.caffe)) == ["data", "conv"]
    assert names(truncate(*pair, end="relu", caffe=bench.caffe)) == ["data", "conv", "relu"]
    assert names(truncate(*pair, end="out", caffe=bench.caffe)) == ["data", "conv", "relu", "pool"]


def test_an_unknown_end_gets_the_nearest_names(bench):
    with pytest.raises(
        SurgeryError, match='no layer "inception_3b/outptu"; did you mean inception_3b/output'
    ):
        truncate(
            *bench.files(nets.bundled("motif_googlenet")),
            end="inception_3b/outptu",
            caffe=bench.caffe,
        )


# ---- fold

C = conv("c", "data", "num_output: 4 kernel_size: 3")
BN = layer("bn", "BatchNorm", "c", "c")
S = layer("s", "Scale", "c", "c", SCALE)
GAIN = 'scale_param { filler { type: "uniform" } }'
FOLDS = {
    "in place": C + BN + S,
    "apart": C + layer("bn", "BatchNorm", "c") + layer("s", "Scale", "bn", settings=SCALE),
    "no bias": conv("c", "data", "num_output: 4 kernel_size: 3 bias_term: false") + BN,
    "Scale alone": C + layer("s", "Scale", "c", "c", GAIN),
    "groups": conv("c", "data", "num_output: 6 kernel_size: 3 group: 3") + BN,
    "InnerProduct": fc("c", "data", "num_output: 4") + BN + S,
    "transposed InnerProduct": fc("c", "data", "num_output: 4 transpose: true") + BN,
    "two in a row":
        C + layer("bn", "BatchNorm", "c") + layer("r", "ReLU", "bn", "bn")
        + conv("d", "bn", "num_output: 5 kernel_size: 1") + layer("bn2", "BatchNorm", "d", "d")
        + layer("s2", "Scale", "d", "d", SCALE),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDS)
def test_folding_gives_the_same_values(name, bench):
    before = bench.files(
        INPUT.format(2, 3, 5, 6)
        + FOLDS[name]
        + layer("end", "ReLU", FOLDS[name].rsplit('top: "', 1)[1].split('"')[0])
    )
    after = fold(*before, caffe=bench.caffe)
    assert not {"BatchNorm", "Scale"} & {layer.type for layer in after.net.layer}
    assert distance(bench.outputs(after, None)["end"], bench.outputs(before, None)["end"]) < 1e-5


ONE = conv("c", "data", "num_output: 2 kernel_size: 1")
OF_THE_BATCH = "batch_norm_param { use_global_stats: false }"


@pytest.mark.parametrize("text, message", [
    (layer("bn", "BatchNorm", "data"), "it follows data (Input), which is neither"),
    (ONE + layer("bn", "BatchNorm", "c") + layer("r", "ReLU", "c"), "r reads c as well"),
    (ONE + layer("bn", "BatchNorm", "c", "c", OF_THE_BATCH), "it measures each batch anew"),
    (ONE + layer("s", "Scale", "c", "c", "scale_param { axis: 2 }"), "not the channels"),
])  # fmt: skip
def test_what_cannot_be_folded_stays_and_is_told(text, message, bench):
    before = bench.files(INPUT.format(2, 3, 5, 6) + text)
    after = fold(*before, caffe=bench.caffe)
    assert message in after.changes[0].what
    wanted, results = bench.outputs(before, None), bench.outputs(after, None)
    for value, result in zip(wanted.values(), results.values()):
        assert np.array_equal(result, value)


def test_folding_needs_weights(bench):
    with pytest.raises(SurgeryError, match="give the caffemodel too"):
        fold(bench.files(nets.caffenet())[0], None, caffe=bench.caffe)


# ---- small ones


def test_average_pooling(bench):
    after = average_pooling(*bench.files(nets.caffenet()), caffe=bench.caffe)
    text = nets.caffenet().replace(
        "pooling_param { kernel_size", "pooling_param { pool: AVE kernel_size"
    )
    wanted = bench.outputs(bench.files(text, after.caffemodel), None)["prob"]
    assert np.array_equal(bench.outputs(after, None)["prob"], wanted)
    some = average_pooling(*bench.files(nets.caffenet()), layers=["pool1"], caffe=bench.caffe)
    assert [c.layer for c in some.changes] == ["pool1"]
    with pytest.raises(SurgeryError, match='"conv1" is a Convolution, not a Pooling'):
        average_pooling(*bench.files(nets.caffenet()), layers=["conv1"], caffe=bench.caffe)


def test_layers_out_of_place_keep_what_they_read(bench):
    before = bench.files(nets.caffenet())
    after = out_of_place(*before, caffe=bench.caffe)
    wanted = bench.outputs(before, None)["prob"]
    assert np.array_equal(bench.outputs(after, None)["prob"], wanted)
    values = bench.outputs(after, None, "conv1", "relu_conv1", "fc6", "relu_fc6", "drop_fc6")
    assert values["conv1"].min() < 0 and np.array_equal(
        np.maximum(values["conv1"], 0), values["relu_conv1"]
    )
    assert values["fc6"].min() < 0 and np.array_equal(values["relu_fc6"], values["drop_fc6"])
    only = out_of_place(*before, layers=["relu_conv1"], caffe=bench.caffe)
    assert np.array_equal(bench.outputs(only, None)["prob"], wanted)


def test_force_backward_lets_gradients_reach_the_input(bench):
    text = INPUT.format(1, 3, 6, 6) + conv("conv", "data", "num_output: 2 kernel_size: 3")
    net = bench.net(force_backward(*bench.files(text), caffe=bench.caffe))
    net.forward()
    net.blobs["conv"].diff[...] = 1
    net.backward()
    assert np.abs(net.blobs["data"].diff).max() > 0


def test_operations_follow_each_other(bench):
    text = (
        INPUT.format(1, 3, 6, 6)
        + FOLDS["in place"]
        + layer("r", "ReLU", "c", "c")
        + fc("fc", "c", "num_output: 3")
    )
    before = bench.files(text)
    after = convolutionize(out_of_place(fold(*before, caffe=bench.caffe)))
    assert [c.what.split()[0] for c in after.changes] == [
        "BatchNorm",
        "Scale",
        "ReLU",
        "InnerProduct",
    ]
    assert distance(bench.outputs(after, None)["fc-conv"], bench.outputs(before, None)["fc"]) < 1e-5


# ---- files


def test_broken_files_are_named(bench):
    (bench.folder / "x.prototxt").write_text('layer { name: "x" type "ReLU" }')
    with pytest.raises(FormatError, match="x.prototxt: syntax error at line:column 1:"):
        convolutionize(bench.folder / "x.prototxt", caffe=bench.caffe)
    with pytest.raises(FormatError, match="nothing.prototxt: cannot be read: No such file"):
        convolutionize(bench.folder / "nothing.prototxt", caffe=bench.caffe)
    prototxt, weights = bench.files(nets.caffenet())
    raw = open(weights, "rb").read()
    open(weights, "wb").write(raw[: len(raw) // 2])
    with pytest.raises(
        FormatError, match=f"not a caffemodel, or one that was cut off .{len(raw) // 2} bytes"
    ):
        convolutionize(prototxt, weights, caffe=bench.caffe)
    (bench.folder / "both.prototxt").write_text(
        'layer { name: "a" type: "ReLU" } layers { name: "b" type: RELU }'
    )
    with pytest.raises(FormatError, match="both.prototxt: the net has both V1"):
        convolutionize(bench.folder / "both.prototxt", caffe=bench.caffe)


def test_a_folder_that_is_there_is_not_written_to(bench):
    after = force_backward(bench.files(nets.caffenet())[0], caffe=bench.caffe)
    (bench.folder / "out").mkdir()
    (bench.folder / "out" / "mine.txt").touch()
    with pytest.raises(FormatError, match="already exists and is not empty; name a new folder"):
        after.save(bench.folder / "out")
    with pytest.raises(FormatError, match="cannot be written: .*no is not a folder"):
        after.save(bench.folder / "no" / "out")
    assert [p.name for p in (bench.folder / "out").iterdir()] == ["mine.txt"]
