"""Layers that read files: what they give, batch by batch, and what they refuse."""

import builtins
import importlib
import re
from pathlib import Path
from typing import Any, List

import h5py
import numpy as np
import pytest
from PIL import Image

import caffe_compat as caffe
from caffe_compat.reading import pictures
from netfile.prototxt import parse_prototxt
from tests.support import datasets

LENET = """
name: "tiny"
layer { name: "data" type: "Data" top: "data" top: "label"
        data_param { source: "train.lmdb" batch_size: 16 backend: LMDB }
        transform_param { scale: 0.00390625 mean_value: 100 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "fc1" type: "InnerProduct" bottom: "pool1" top: "fc1"
        inner_product_param { num_output: 16 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "fc1" top: "fc1" }
layer { name: "fc2" type: "InnerProduct" bottom: "fc1" top: "fc2"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc2" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "fc2" bottom: "label" top: "accuracy"
        include { phase: TEST } }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLOG_minloglevel", "2")
    return tmp_path


def net(layer: str, phase: Any = caffe.TEST) -> Any:
    """The net of one reader with the tops data and label."""
    Path("net.prototxt").write_text(
        f'layer {{ name: "reader" top: "data" top: "label" {layer} }}\n'
    )
    return caffe.Net("net.prototxt", phase)


def batches(made: Any, count: int) -> List[Any]:
    """(data, label) of so many batches."""
    found = []
    for _ in range(count):
        made.forward()
        found.append((made.blobs["data"].data.copy(), made.blobs["label"].data.copy()))
    return found


def write_pictures(count: int = 3) -> List[np.ndarray]:
    """picture0.png ... and list.txt; returns the pictures, (H, W, 3) RGB."""
    made = [datasets.smooth(6, 8, i) for i in range(count)]
    for i, picture in enumerate(made):
        Image.fromarray(picture).save(f"picture{i}.png")
    lines = [f"picture{i}.png {5 + i}" for i in range(count)]
    Path("list.txt").write_text("\n".join(lines) + "\n")
    return made


IMAGES = 'type: "ImageData" image_data_param { source: "list.txt" batch_size: 2 '
ROWS = 'type: "HDF5Data" hdf5_data_param { source: "h5.txt" batch_size: 3 } '


def write_rows(**arrays: Any) -> None:
    with h5py.File("rows.h5", "w") as f:
        for name, values in arrays.items():
            f[name] = values
    Path("h5.txt").write_text("rows.h5\n")


# ---- what they give


def test_pictures_come_in_the_order_of_the_list_over_and_over():
    made = write_pictures()
    read = batches(net(IMAGES + "}"), 3)
    assert [list(label) for _, label in read] == [[5, 6], [7, 5], [6, 7]]
    np.testing.assert_array_equal(read[1][0][0], made[2][:, :, ::-1].transpose(2, 0, 1))


def test_a_crop_is_the_middle_in_tests_and_drawn_in_training():
    made = write_pictures(1)
    layer = IMAGES + "} transform_param { crop_size: 4 mean_value: 1 mean_value: 2 mean_value: 3 }"
    bgr = made[0][:, :, ::-1].transpose(2, 0, 1) - np.float32([[[1]], [[2]], [[3]]])
    middle = batches(net(layer), 1)[0][0][0]
    np.testing.assert_array_equal(middle, bgr[:, 1:5, 2:6])
    places = {
        (y, x)
        for data, _ in batches(net(layer, caffe.TRAIN), 8)
        for y in range(3) for x in range(5)
        if np.array_equal(data[0], bgr[:, y : y + 4, x : x + 4])
    }  # fmt: skip
    assert len(places) > 3


def test_a_mirror_turns_left_and_right():
    made = write_pictures(1)[0][:, :, ::-1].transpose(2, 0, 1)
    read = batches(net(IMAGES + "} transform_param { mirror: true }", caffe.TRAIN), 8)
    turned = [np.array_equal(data[0], made[:, :, ::-1]) for data, _ in read]
    assert 0 < sum(turned) < 8
    assert all(t or np.array_equal(data[0], made) for t, (data, _) in zip(turned, read))


def test_pictures_of_several_sizes_need_a_batch_each():
    write_pictures(1)
    Image.fromarray(datasets.smooth(10, 4, 0)).save("other.png")
    Path("list.txt").write_text("picture0.png 0\nother.png 1\n")
    alone = net(IMAGES.replace("batch_size: 2", "batch_size: 1") + "}")
    assert [data.shape for data, _ in batches(alone, 2)] == [(1, 3, 6, 8), (1, 3, 10, 4)]
    with pytest.raises(caffe.ShapeError, match=r"becomes \(3, 10, 4\).*\(3, 6, 8\)"):
        net(IMAGES + "}").forward()


def test_sizes_change_between_neighbours():
    four = np.uint8([[[0], [2]], [[4], [5]]])
    assert pictures.resize(four, 1, 1).tolist() == [[[3]]]
    ramp = np.arange(0, 256, 5, dtype=np.uint8)[None, :, None].repeat(3, 0)
    larger = pictures.resize(ramp, 3, 80)[0, :, 0].astype(int)
    assert (np.diff(larger) >= 0).all() and abs(larger[40] - 255 * 40.5 / 80) < 3


def test_rows_come_over_and_over_from_all_files():
    write_rows(data=np.arange(10).reshape(5, 2), label=np.arange(5))
    with h5py.File("more.h5", "w") as f:
        f["data"], f["label"] = np.full((2, 2), 9.5), [50, 51]
    Path("h5.txt").write_text("rows.h5\nmore.h5\n")
    read = batches(net(ROWS), 3)
    assert [list(label) for _, label in read] == [[0, 1, 2], [3, 4, 50], [51, 0, 1]]
    assert read[1][0].tolist() == [[6, 7], [8, 9], [9.5, 9.5]]


def test_a_database_gives_its_datums():
    pytest.importorskip("lmdb")
    arrays = [np.full((1, 2, 2), i, np.uint8) for i in range(3)]
    datums = [caffe.io.array_to_datum(a, 10 + i) for i, a in enumerate(arrays)]
    datasets.write_lmdb(Path("d.lmdb"), datums)
    layer = 'type: "Data" data_param { source: "d.lmdb" batch_size: 2 backend: LMDB }'
    read = batches(net(layer + " transform_param { scale: 0.5 }"), 2)
    assert [list(label) for _, label in read] == [[10, 11], [12, 10]]
    assert read[0][0][1].tolist() == [[[0.5, 0.5], [0.5, 0.5]]]


def test_a_small_net_learns_from_a_database(rng):
    pytest.importorskip("lmdb")
    for name, count in (("train.lmdb", 160), ("test.lmdb", 64)):
        datums = []
        for i in range(count):
            picture = rng.randint(0, 60, (1, 12, 12))
            y, x = divmod(i % 4, 2)
            picture[:, 6 * y : 6 * y + 6, 6 * x : 6 * x + 6] += 150  # one bright quarter
            datums.append(caffe.io.array_to_datum(picture.astype(np.uint8), i % 4))
        datasets.write_lmdb(Path(name), datums)
    Path("net.prototxt").write_text(LENET)
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" test_iter: 4 test_interval: 100 base_lr: 0.1 momentum: 0.9 '
        'lr_policy: "inv" gamma: 0.001 power: 0.75 weight_decay: 0.0005 max_iter: 40 '
        "snapshot_after_train: false test_initialization: false random_seed: 1"
    )
    solver = caffe.get_solver("solver.prototxt")
    solver.solve()
    test = solver.test_nets[0]
    solver.share_weights(test)
    scores = [float(test.forward()["accuracy"]) for _ in range(4)]
    assert np.mean(scores) > 0.95


def test_files_of_2013_say_in_other_places_what_is_done_to_pictures():
    text = """layers { name: "d" type: IMAGE_DATA top: "data" image_data_param {
              source: "list.txt" batch_size: 2 scale: 0.5 mirror: true crop_size: 4 } }"""
    layer = parse_prototxt(text, caffe.proto.caffe_pb2, "old").layer[0]
    p = layer.transform_param
    assert (p.scale, p.mirror, p.crop_size) == (0.5, True, 4)
    assert not layer.image_data_param.HasField("scale")


# ---- what they refuse


def refused(layer: str, why: str) -> None:
    """Making the net, or its first pass, raises one line that names the layer."""
    with pytest.raises((caffe.CaffeError, caffe.MissingFileError), match=why) as caught:
        net(layer).forward()
    assert "\n" not in str(caught.value) and "reader" in str(caught.value)


@pytest.mark.parametrize(
    "settings, rest, why",
    [
        ('source: "gone.txt"', "", "no such source: gone.txt"),
        ("", "", "no such source: it names none"),
        ('source: "list.txt" batch_size: 0', "", "batch_size 0"),
        ('source: "list.txt" new_height: 3', "", "new_height is 3 and new_width 0"),
        ('source: "list.txt" root_folder: "no/"', "", "no/picture0.png: there is no such file"),
        ('source: "list.txt" rand_skip: 4000000', "", "rand_skip drew"),
        ('source: "list.txt"', "transform_param { crop_size: 9 }", "6x8.*crop_size 9"),
        ('source: "list.txt"', "transform_param { mean_value: 1 mean_value: 2 }", "2 values of"),
        ('source: "list.txt"', 'transform_param { mean_file: "m" mean_value: 2 }', "keep one"),
        ('source: "list.txt"', 'transform_param { mean_file: "gone.bp" }', "gone.bp"),
        ('source: "words.txt"', "", "words.txt, line 2: not a path"),
        ('source: "empty.txt"', "", "the list is empty"),
        ('source: "text.txt"', "", "could not load the picture words.txt"),
    ],
)  # fmt: skip
def test_lists_of_pictures_that_cannot_be_read(settings, rest, why):
    write_pictures()
    Path("words.txt").write_text("picture0.png 1\nno number\n")
    Path("empty.txt").write_text("")
    Path("text.txt").write_text("words.txt 1\n")
    layer = f'type: "ImageData" image_data_param {{ {settings} }} {rest}'
    refused(layer, why)


def test_a_mean_of_another_size_is_refused():
    write_pictures()
    mean = caffe.io.array_to_blobproto(np.zeros((1, 3, 5, 5)))
    Path("mean.bp").write_bytes(mean.SerializeToString())
    refused(
        IMAGES + '} transform_param { mean_file: "mean.bp" }', r"\(3, 5, 5\).*picture \(3, 6, 8\)"
    )


@pytest.mark.parametrize(
    "arrays, rest, why",
    [
        ({"data": np.zeros((3, 2))}, "", "no dataset label; it has data"),
        ({"data": np.zeros((3, 2)), "label": np.zeros(4)}, "", r"as many rows.*\(3, 2\), \(4,\)"),
        ({"data": np.zeros((0, 2)), "label": np.zeros(0)}, "", "as many rows"),
        ({"data": np.zeros(3), "label": 7.0}, "", "dataset label holds float64 of shape"),
        ({"data": np.zeros(3), "label": np.bytes_([b"a"] * 3)}, "", "dataset label holds"),
        ({"data": np.zeros(3), "label": np.zeros(3)}, "transform_param { scale: 2 }", "transforms"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_read(arrays, rest, why):
    write_rows(**arrays)
    refused(ROWS + rest, why)


def test_reading_goes_on_when_a_file_is_back():
    write_rows(data=np.zeros((3, 2)), label=np.arange(3))
    Path("h5.txt").write_text("rows.h5\nlater.h5\n")
    with pytest.raises(caffe.MissingFileError, match="later.h5"):
        net(ROWS).forward()
    Path("later.h5").write_bytes(Path("rows.h5").read_bytes())
    made = net(ROWS)
    Path("later.h5").rename("away.h5")
    Path("rows.h5").rename("gone.h5")
    for _ in range(2):
        with pytest.raises(caffe.MissingFileError):
            batches(made, 3)
    Path("away.h5").rename("later.h5")
    Path("gone.h5").rename("rows.h5")
    assert len(batches(made, 2)) == 2


def test_files_that_are_no_hdf5_or_not_there():
    Path("h5.txt").write_text("net.prototxt")
    refused(ROWS, "not an HDF5 file")
    Path("h5.txt").write_text("gone.h5")
    refused(ROWS, "no such HDF5 file: gone.h5")
    Path("h5.txt").write_text(" \n")
    refused(ROWS, "the list of files is empty")


def test_a_dataset_that_no_machine_can_hold_is_refused():
    write_rows(label=np.zeros(3))
    with h5py.File("rows.h5", "a") as f:
        f.create_dataset("data", (10**14, 2), "f4", chunks=(1, 2))
    refused(ROWS, r"dataset data takes 800,000.0 GB")


def test_hdf5_without_h5py_names_the_command(monkeypatch):
    write_rows(data=np.zeros((3, 2)), label=np.zeros(3))
    real = importlib.import_module

    def without(name: str, package: Any = None) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(caffe.CaffeError, match=r"need h5py; install it with: pip install .*hdf5"):
        net(ROWS)


def test_databases_that_cannot_be_read(monkeypatch):
    pytest.importorskip("lmdb")
    data = 'type: "Data" data_param { source: "d.lmdb" batch_size: 1 backend: LMDB }'
    refused(data, "no such source")
    datasets.write_lmdb(Path("d.lmdb"), [])
    refused(data, "the database is empty")
    refused(data.replace("backend: LMDB", ""), "is an LMDB database; say backend: LMDB")
    datasets.write_lmdb(Path("d.lmdb"), [caffe.proto.caffe_pb2.Datum(channels=3, data=b"12")])
    refused(data, r"entry 0 says \(channels, height, width\) \(3, 0, 0\) and holds 2 values")
    datasets.write_lmdb(Path("d.lmdb"), [caffe.proto.caffe_pb2.Datum(encoded=True, data=b"12")])
    refused(data, "could not load the picture d.lmdb, entry 0")
    datasets.write_lmdb(Path("d.lmdb"), [caffe.proto.caffe_pb2.NetParameter(name="a net")])
    refused(data, "entry 0")
    Path("level").mkdir()
    refused(data.replace("d.lmdb", "level").replace("backend: LMDB", ""), "LevelDB.*--backend lmdb")
    real = builtins.open
    monkeypatch.setattr(builtins, "open", lambda f, *a, **k: _denied(f) or real(f, *a, **k))
    refused(data, "Permission denied")


def _denied(file: Any) -> None:
    if re.search(r"data\.mdb$", str(file)):
        raise PermissionError(13, "Permission denied", str(file))
