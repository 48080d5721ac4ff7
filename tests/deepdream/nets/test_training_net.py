"""Training nets given as models: their deploy form, and what their transform_param says."""

import numpy as np
import pytest

import deepdream
from deepdream import nets
from deepdream.errors import ModelError
from deepdream.nets.opening import read
from tests.support.nets import lenet

DATA = """
layer { name: "mnist" type: "Data" top: "data" top: "label" include { phase: TRAIN }
        transform_param { scale: 0.5 mean_value: 9 crop_size: 20 mirror: true }
        data_param { source: "train_lmdb" batch_size: 64 backend: LMDB } }
layer { name: "mnist" type: "Data" top: "data" top: "label" include { phase: TEST }
        transform_param { %s }
        data_param { source: "test_lmdb" batch_size: 100 backend: LMDB } }
"""
TRANSFORM = "scale: 0.00390625 mean_value: 33 crop_size: 28"
ENDS = """
layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
        include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""


def trained(path, caffe, data=DATA % TRANSFORM, ends=ENDS, readme=None):
    """A folder with a train_val.prototxt and the weights of its LeNet."""
    path.mkdir()
    deploy = path / "other.txt"
    deploy.write_text(lenet())
    caffe.set_random_seed(3)
    caffe.Net(str(deploy), caffe.TEST).save(str(path / "net.caffemodel"))
    text = lenet("data", data)
    (path / "train_val.prototxt").write_text(text[: text.index('layer { name: "prob"')] + ends)
    if readme is not None:
        (path / "readme.md").write_text(f"---\ncaffemodel: net.caffemodel\n{readme}\n---\n")
    return path


@pytest.fixture
def make(tmp_path, caffe):
    return lambda *args, **kwargs: trained(tmp_path / "model", caffe, *args, **kwargs)


def test_mean_scale_and_size_are_read_from_the_test_phase(make, caffe):
    model = nets.find(make())
    assert model.mean == (33,) and model.scale == 0.00390625
    assert model.notes == (
        "mean 33, input scale 0.00390625: from transform_param of layer "
        '"mnist" in train_val.prototxt',
    )
    opened = nets.open(model, caffe)
    assert opened.size == (28, 28) and tuple(opened.net.blobs["data"].shape) == (1, 1, 28, 28)
    picture = np.full((28, 28, 3), 90, np.float32)
    np.testing.assert_allclose(deepdream.preprocess(opened.net, picture), 57 / 256)


def test_it_is_the_deploy_net(make, caffe, tmp_path):
    opened = nets.open(str(make()), caffe)
    x = np.random.RandomState(1).uniform(-1, 1, (1, 1, 28, 28))
    opened.net.blobs["data"].data[...] = x
    shares = opened.output.predict(opened.net)
    folder = tmp_path / "model"
    deploy = caffe.Net(str(folder / "other.txt"), str(folder / "net.caffemodel"), caffe.TEST)
    deploy.blobs["data"].data[...] = x
    np.testing.assert_array_equal(shares, deploy.forward()["prob"])


def test_every_way_of_dreaming(make, run, photo, tmp_path, fast, engine_name):
    folder, out = make(), tmp_path / "out.png"
    for args in (
        ["--end", "conv2"],
        ["--end", "ip1"],  # made to take any size
        ["--objective", "score(3)"],
    ):
        code, said, err = run(
            "dream", photo, "-o", out, "--overwrite", "--model", folder, *fast, *args
        )
        assert code == 0, (args, err)
        assert "from transform_param" in said
        assert "equal to the bit" in run("replay", out, "--overwrite")[1]


def test_what_is_given_wins(make):
    folder = make(readme="mean: [1]\nscale: 2")
    assert nets.find(folder).mean == (1,) and nets.find(folder).scale == 2
    model = nets.find(folder, mean="5", scale=0.25)
    assert model.mean == (5,) and model.scale == 0.25 and not model.notes


def test_a_scale_is_read_where_only_the_mean_is_given(make):
    model = nets.find(make(), mean="5")
    assert model.mean == (5,) and model.scale == 0.00390625
    assert model.notes[0].startswith("scale 0.00390625: from transform_param")


def test_numbers_are_those_that_the_file_says(make):
    model = nets.find(make(DATA % "scale: 0.017 mean_value: 103.94 crop_size: 28"))
    assert model.scale == 0.017 and model.mean == (103.94,)


def test_no_mean_in_a_transform_is_no_mean(make):
    model = nets.find(make(DATA % "scale: 0.00390625 crop_size: 28"))
    assert model.mean == (0,) and model.scale == 0.00390625


def test_a_mean_file_is_looked_for_beside_the_net(make, caffe):
    folder = make(DATA % 'mean_file: "data/lists/mean.binaryproto" crop_size: 28')
    with pytest.raises(ModelError, match=r"takes the mean from data/lists/mean.binaryproto, which"):
        nets.find(folder)
    blob = caffe.io.caffe_pb2.BlobProto(num=1, channels=1, height=2, width=2)
    blob.data.extend([1.0, 2.0, 3.0, 6.0])
    (folder / "mean.binaryproto").write_bytes(blob.SerializeToString())
    model = nets.find(folder)
    assert model.mean == (3,) and "mean picture of 2x2" in model.notes[0]


def test_without_a_size_the_readme_says_it(make, tmp_path, caffe):
    folder = make(DATA % "scale: 0.00390625")
    with pytest.raises(ModelError, match=r'layer "mnist" \(Data\) does not say the size of its pi'):
        nets.open(str(folder), caffe)
    (folder / "readme.md").write_text("---\ncaffemodel: net.caffemodel\ninput_size: 28\n---\n")
    assert nets.open(str(folder), caffe).size == (28, 28)


@pytest.mark.parametrize(
    "data",
    [
        'layer { name: "in" type: "Input" top: "data" top: "label" input_param {'
        " shape { dim: 1 dim: 1 dim: 28 dim: 28 } shape { dim: 1 } } }",
        'layer { name: "in" type: "DummyData" top: "data" top: "label" dummy_data_param {'
        " shape { dim: 1 dim: 1 dim: 28 dim: 28 } shape { dim: 1 } } }",
        'layer { name: "in" type: "MemoryData" top: "data" top: "label" memory_data_param {'
        " batch_size: 1 channels: 1 height: 28 width: 28 } }",
        'layer { name: "in" type: "ImageData" top: "data" top: "label" image_data_param {'
        ' source: "list.txt" new_height: 28 new_width: 28 is_color: false } }',
        'layer { name: "in" type: "HDF5Data" top: "data" hdf5_data_param { source: "a" } }\n'
        'layer { name: "in2" type: "HDF5Data" top: "label" hdf5_data_param { source: "b" } }',
    ],
)
def test_sources_of_every_kind(data, make, caffe):
    folder = make(data, readme="mean: 0\ninput_size: 28")
    opened = nets.open(str(folder), caffe)
    assert opened.size == (28, 28) and list(opened.net.inputs) == ["data"]
    assert opened.output.scores == "ip2" and opened.output.end == "loss"


@pytest.mark.parametrize(
    "loss, last, end",
    [
        ("SigmoidCrossEntropyLoss", "Sigmoid", "loss"),
        ("HingeLoss", "InnerProduct", "ip2"),
        ("EuclideanLoss", "InnerProduct", "ip2"),
    ],
)
def test_other_losses(loss, last, end, make, caffe):
    opened = nets.open(str(make(ends=ENDS.replace("SoftmaxWithLoss", loss))), caffe)
    assert opened.description.layer[-1].type == last
    assert (opened.output.scores, opened.output.end) == ("ip2", end)


def test_a_layer_that_needs_a_label_for_more_than_a_measure_is_refused(make, caffe):
    ends = 'layer { name: "sum" type: "Eltwise" bottom: "ip2" bottom: "label" top: "sum" }'
    with pytest.raises(ModelError, match=r'layer "sum" \(Eltwise\) reads "label", which comes'):
        nets.open(str(make(ends=ends)), caffe)


def test_layers_of_the_other_phase_are_no_part_of_a_deploy_net(make, caffe):
    source = (
        'layer { name: "in" type: "Input" top: "data"'
        " input_param { shape { dim: 1 dim: 1 dim: 28 dim: 28 } } }"
    )
    only = "include { phase: TRAIN }"
    ends = f"""
    layer {{ name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }}
    layer {{ name: "labels" type: "Data" top: "label" {only} }}
    layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "l" {only} }}
    """
    opened = nets.open(str(make(source, ends, readme="mean: 0")), caffe)
    assert (opened.output.scores, opened.output.end) == ("ip2", "prob")


def test_a_net_without_data_in_the_test_phase(make, caffe):
    data = (DATA % TRANSFORM).replace("phase: TEST", "phase: TRAIN")
    with pytest.raises(ModelError, match="has no input in the TEST phase; give a deploy net"):
        read(nets.find(make(data)), caffe)


def test_old_files_have_scale_and_mean_in_the_data_layer(make, caffe):
    folder = make()
    text = (folder / "train_val.prototxt").read_text()
    start, end = (
        text.index("transform_param { scale: 0.003"),
        text.index('data_param { source: "te'),
    )
    text = text[:start] + text[end:]
    old = text.replace('"test_lmdb"', '"test_lmdb" scale: 0.25 crop_size: 28')
    (folder / "train_val.prototxt").write_text(old)
    assert nets.find(folder).scale == 0.25
    assert nets.open(str(folder), caffe).size == (28, 28)


def test_rates_of_every_phase_and_level(caffe):
    from deepdream.nets.training_net import as_deploy_net

    net = caffe.io.caffe_pb2.NetParameter()
    for name, rule in {
        "stays": {},
        "test": {"include": "phase"},
        "not": {"exclude": "phase"},
        "stage": {"include": "stage"},
        "level": {"include": "level"},
    }.items():
        layer = net.layer.add(name=name, type="ReLU", bottom=["data"], top=[name])
        for field, what in rule.items():
            state = getattr(layer, field).add()
            if what == "phase":
                state.phase = 1
            if what == "stage":
                state.stage.append("deploy")
            if what == "level":
                state.min_level = 1
    source = net.layer.add(name="in", type="MemoryData", top=["data"])
    source.memory_data_param.channels = 1
    kept = [layer.name for layer in as_deploy_net(net, {}, 8, "x").layer]
    assert kept == ["stays", "test", "in"]
