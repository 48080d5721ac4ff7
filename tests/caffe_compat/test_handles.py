"""What programs hold of a net: pycaffe's blobs, layers and vectors, by pycaffe's names and types.

tests/parity/test_surface.py compares them with a real Caffe's; these run without one.
"""

import pickle

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat import _caffe
from caffe_compat.proto import caffe_pb2

TEXT = """
name: "two" force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 4 } } }
layer { name: "z" type: "InnerProduct" bottom: "data" top: "z"
        inner_product_param { num_output: 5 bias_term: false } }
layer { name: "a" type: "Power" bottom: "data" top: "a" power_param { scale: 2 } }
"""


@pytest.fixture
def net(tmp_path):
    (tmp_path / "net.prototxt").write_text(TEXT)
    return caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)


def test_layers_and_blobs_have_numbers(net):
    assert [list(net._bottom_ids(i)) for i in range(4)] == [[], [0], [1], [2]]
    assert [list(net._top_ids(i)) for i in range(4)] == [[0], [1, 2], [3], [4]]
    assert list(net._inputs) == [0] and list(net._outputs) == [4, 3]
    assert [net._blob_names[i] for i in net._outputs] == net.outputs == ["a", "z"]
    assert [tuple(b.shape) for b in net._blobs][0] == (2, 3, 4)
    assert net._blob_loss_weights == [0.0] * 5
    for wrong in (-1, 4):
        with pytest.raises(IndexError, match="numbered from 0 to 3"):
            net._bottom_ids(wrong)


def test_vectors_are_of_pycaffes_types(net):
    kinds = {
        "StringVec": (net._layer_names, net._blob_names, caffe.layer_type_list()),
        "IntVec": (net._inputs, net._outputs, net._top_ids(0), net.blobs["a"].shape),
        "BlobVec": (net._blobs, net.params["z"], net.layers[0].blobs, net.params["z"][:1]),
        "LayerVec": (net.layers, net.layers[1:]),
        "DtypeVec": (net._blob_loss_weights,),
    }
    for kind, vectors in kinds.items():
        assert all(type(vector) is getattr(_caffe, kind) for vector in vectors), kind
    assert type(net.layers[1]) is caffe.Layer and type(net.blobs["a"]) is _caffe.Blob


def test_a_shape_is_a_copy_that_can_be_changed(net):
    shape = net.blobs["data"].shape
    shape[0] = 7
    assert list(shape) == [7, 3, 4] and net.blobs["data"].shape == (2, 3, 4)
    net.blobs["data"].reshape(*shape)
    assert net.blobs["data"].data.shape == (7, 3, 4)


@pytest.mark.parametrize("wrong", [2.0, "2", (2, 3), [2], None])
def test_a_dimension_is_a_whole_number(net, wrong):
    with pytest.raises(TypeError):
        net.blobs["data"].reshape(wrong)
    net.blobs["data"].reshape(np.int64(2), 3, 4)


@pytest.mark.parametrize("which", ["data", "diff"])
def test_an_array_can_be_shaped_without_its_blob(net, which):
    array = getattr(net.params["z"][0], which)
    array.shape = (60,)
    array[3] = 5
    assert getattr(net.params["z"][0], which).shape == (5, 12)
    assert getattr(net.params["z"][0], which)[0, 3] == 5


@pytest.mark.parametrize("kind", ["IntVec", "StringVec", "BlobVec", "LayerVec", "BoolVec"])
def test_a_vector_takes_only_its_own_kind(kind):
    vector = getattr(_caffe, kind)()
    for add in (vector.append, lambda value: vector.extend([value])):
        with pytest.raises(TypeError):
            add(2.5)
    assert len(vector) == 0 and not vector
    with pytest.raises(IndexError):
        vector[0]


def test_native_things_cannot_be_copied_nor_made(net):
    for thing in (net, net.blobs["a"], net.layers[0], net._layer_names):
        with pytest.raises(RuntimeError, match="neither pickled nor copied"):
            pickle.dumps(thing)
    for kind in (_caffe.Blob, _caffe.Solver, _caffe.LayerParameter):
        with pytest.raises(RuntimeError, match="cannot be instantiated"):
            kind()


def test_a_subclass_may_use_any_name(tmp_path, net):
    class Mine(caffe.Net):
        def __init__(self, path):
            caffe.Net.__init__(self, path, caffe.TEST)
            self.name, self.parts, self.passes = "x", 1, 2

    mine = Mine(str(tmp_path / "net.prototxt"))
    mine.save(str(tmp_path / "mine.caffemodel"))
    saved = caffe_pb2.NetParameter.FromString((tmp_path / "mine.caffemodel").read_bytes())
    assert saved.name == "two" and set(mine.forward()) == {"a", "z"}


def test_a_saved_net_has_splits_and_phases_as_caffes_do(tmp_path, net):
    net.save(str(tmp_path / "net.caffemodel"))
    saved = caffe_pb2.NetParameter.FromString((tmp_path / "net.caffemodel").read_bytes())
    assert [layer.type for layer in saved.layer] == ["Input", "Split", "InnerProduct", "Power"]
    assert all(layer.HasField("phase") and layer.phase == caffe.TEST for layer in saved.layer)
    net.copy_from(str(tmp_path / "net.caffemodel"))


def test_a_missing_file_is_a_runtime_error_as_in_pycaffe(tmp_path):
    for args in (("/nowhere", caffe.TEST), (str(tmp_path), "/nowhere", caffe.TEST)):
        with pytest.raises(RuntimeError, match="no such"):
            caffe.Net(*args)


@pytest.mark.parametrize("call", ["save", "copy_from", "load_hdf5", "save_hdf5", "share_with"])
def test_a_number_is_no_file_and_no_net(net, call):
    with pytest.raises(TypeError):
        getattr(net, call)(1)


def test_either_form_of_arguments(tmp_path, net):
    path, weights = str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel")
    net.save(weights)
    for args, kwargs in (
        ((path, weights, caffe.TEST), {}),
        ((path, caffe.TEST), {"weights": weights}),
        ((path, caffe.TEST, 0, ["a"], weights), {}),
        ((), {"network_file": path, "phase": caffe.TEST, "level": 1, "stages": None}),
    ):
        assert len(caffe.Net(*args, **kwargs).layers) == 4
    with pytest.raises(TypeError, match="phase must be"):
        caffe.Net(path, weights)


def test_a_flatten_behind_a_reshape_ends_the_gradient_as_in_caffe(tmp_path):
    (tmp_path / "net.prototxt").write_text("""
    input: "x" input_shape { dim: 2 dim: 6 } force_backward: true
    layer { name: "r" type: "Reshape" bottom: "x" top: "r" reshape_param { shape { dim: 2 dim: 3
            dim: 2 } } }
    layer { name: "f" type: "Flatten" bottom: "r" top: "f" }
    """)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    net.blobs["x"].data[...] = 3
    assert (net.forward()["f"] == 3).all()
    net.blobs["f"].diff[...] = 1
    net.backward()
    assert (net.blobs["r"].diff == 1).all() and not net.blobs["x"].diff.any()


def test_a_reshapes_top_is_its_bottom_in_another_shape_from_the_start(tmp_path):
    (tmp_path / "net.prototxt").write_text("""
    input: "x" input_shape { dim: 2 dim: 6 } force_backward: true
    layer { name: "r" type: "Reshape" bottom: "x" top: "r"
            reshape_param { shape { dim: 3 dim: -1 } } }
    """)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    for which in ("data", "diff"):
        getattr(net.blobs["x"], which)[...] = np.arange(12).reshape(2, 6)
        assert (getattr(net.blobs["r"], which).ravel() == np.arange(12)).all()


def test_a_netspec_without_a_top_raises_both_kinds_of_error():
    for kind in (AttributeError, KeyError):
        with pytest.raises(kind, match="has no top 'x'; it has none"):
            caffe.NetSpec().x  # noqa: B018
    assert not hasattr(caffe.NetSpec(), "x")


def test_solver_files_can_be_written():
    solver = caffe_pb2.SolverParameter(train_net="a", test_iter=[3], base_lr=0.5)
    again = caffe_pb2.SolverParameter.FromString(solver.SerializeToString())
    assert again.test_iter == [3] and again.solver_mode == again.GPU and again.type == "SGD"
    assert caffe_pb2.SolverState(iter=4).iter == 4


def test_a_timer_stops_when_it_is_read():
    timer = caffe.Timer()
    assert timer.ms == 0
    timer.start()
    assert timer.ms == timer.ms > 0
    timer.stop()


def test_every_name_is_in_dir_and_found():
    assert {"_caffe", "pycaffe", "net_spec", "SGDSolver", "solver_count"} <= set(dir(caffe))
    assert all(hasattr(caffe, name) for name in dir(caffe) if name != "draw")
