"""Caffemodels of every age, read piece by piece and whole, written, and refused when damaged."""

import os

import numpy as np
import pytest

from netfile import caffemodel, wire
from netfile.blobs import blob_array, blob_shape, blob_values, read_blob, set_values
from netfile.errors import WeightsError

WEIGHT = np.arange(12, dtype=np.float32).reshape(3, 4) / 8
BIAS = np.float32([1, 2, 3])
GARBAGE = [b"\xff" * 40, b"\x01" * 8]


@pytest.fixture
def messages(caffe):
    return caffe.io.caffe_pb2


def blob(messages, array, kind="shape"):
    """A BlobProto of an array, as a file of some age has it."""
    out = messages.BlobProto()
    if kind == "doubles":
        out.double_data.extend(array.ravel().tolist())
    else:
        out.data.extend(array.ravel().tolist())
    if kind == "legacy":
        shape = (1,) * (4 - array.ndim) + array.shape
        out.num, out.channels, out.height, out.width = shape
    else:
        out.shape.dim.extend(array.shape)
    out.diff.extend([7] * array.size)
    return out


def v2(messages):
    net = messages.NetParameter(name="net")
    net.layer.add(name="data", type="Input", top=["data"])
    blobs = [blob(messages, WEIGHT), blob(messages, BIAS, "doubles")]
    net.layer.add(name="fc", type="InnerProduct", bottom=["data"], top=["fc"], blobs=blobs)
    return net


def v1(messages):
    net = messages.NetParameter(name="net", input=["data"], input_dim=[1, 1, 1, 4])
    layer = net.layers.add(name="fc", bottom=["data"], top=["fc"])
    layer.type = layer.INNER_PRODUCT
    layer.blobs.extend([blob(messages, WEIGHT, "legacy"), blob(messages, BIAS, "legacy")])
    return net


def v0(messages):
    net = messages.NetParameter(name="net", input=["data"], input_dim=[1, 1, 1, 4])
    padding = net.layers.add(bottom=["data"], top=["padded"])
    padding.layer.name, padding.layer.type, padding.layer.pad = "pad", "padding", 2
    layer = net.layers.add(bottom=["padded"], top=["fc"])
    layer.layer.name, layer.layer.type, layer.layer.num_output = "fc", "conv", 3
    layer.layer.blobs.extend([blob(messages, WEIGHT, "legacy"), blob(messages, BIAS, "legacy")])
    return net


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.caffemodel"


@pytest.mark.parametrize("make", [v2, v1, v0])
def test_layers_one_by_one_and_the_whole_net(make, messages, path):
    path.write_bytes(make(messages).SerializeToString())
    with caffemodel.opened(path, messages) as layers:
        (fc,) = [layer for layer in layers if layer.blobs]
        kind = "Convolution" if make is v0 else "InnerProduct"
        assert (fc.name, fc.type) == ("fc", kind)
        assert [b.count for b in fc.blobs] == [12, 3]
        for stored, array in zip(fc.blobs, (WEIGHT, BIAS)):
            flat = np.full(array.size, np.nan, np.float32)
            stored.read_into(flat)
            np.testing.assert_array_equal(flat, array.ravel())
    whole = caffemodel.read_net(path, messages)
    assert not whole.layers and not whole.input
    assert [layer.type for layer in whole.layer] == ["Input", kind]
    np.testing.assert_array_equal(blob_values(whole.layer[1].blobs[0]), WEIGHT.ravel())
    assert list(whole.layer[1].blobs[1].diff) == [7] * 3
    wanted = [(3, 4), (3,)] if make is v2 else [(1, 1, 3, 4), (1, 1, 1, 3)]
    assert caffemodel.stored_shapes(path, messages)["fc"] == wanted
    assert [blob_shape(b) for b in whole.layer[1].blobs] == wanted


@pytest.mark.parametrize("make", [v2, v1, v0])
def test_the_whole_net_is_what_protobuf_would_read(make, messages, path):
    from netfile.upgrade import upgrade

    path.write_bytes(make(messages).SerializeToString())
    assert caffemodel.read_net(path, messages) == upgrade(make(messages))


def test_what_is_written_is_what_protobuf_would_write(messages, path):
    net = v2(messages)
    net.force_backward = True
    net.state.stage.append("x")
    with open(path, "wb") as f:
        caffemodel.write_net(f, net)
    assert path.read_bytes() == net.SerializeToString()


@pytest.mark.parametrize("make", [v2, v1, v0])
def test_a_file_that_was_cut_off_or_is_none_is_refused(make, messages, path):
    whole = make(messages).SerializeToString()
    for raw in [*GARBAGE, *(whole[:n] for n in range(1, len(whole), 7))]:
        path.write_bytes(raw)
        try:
            caffemodel.stored_shapes(path, messages)
        except WeightsError as e:
            assert str(path) in str(e) and "\n" not in str(e)
            assert f"cut off ({len(raw)} bytes); download it again" in str(e)
            with pytest.raises(WeightsError, match="cut off"):
                caffemodel.read_net(path, messages)
        else:  # cut between two fields, where no reader could tell
            assert messages.NetParameter.FromString(raw).SerializeToString() == raw


def test_files_without_layers_or_with_half_a_value_are_refused(messages, path):
    layer = messages.LayerParameter(name="fc").SerializeToString()
    half = wire.field_header(5, 7) + bytes(7)
    layer += wire.field_header(7, len(half)) + half
    nothing = messages.NetParameter(name="net").SerializeToString()
    for raw in (nothing, wire.field_header(100, len(layer)) + layer):
        path.write_bytes(raw)
        for read in (caffemodel.stored_shapes, caffemodel.read_net):
            with pytest.raises(WeightsError, match="not a caffemodel, or one that was cut off"):
                read(path, messages)


def test_files_that_are_empty_or_not_there_are_refused(messages, path):
    for read in (caffemodel.stored_shapes, caffemodel.read_net):
        path.write_bytes(b"")
        with pytest.raises(WeightsError, match="an empty file, given where a caffemodel goes"):
            read(path, messages)
        with pytest.raises(WeightsError, match="nothing: cannot be read: No such file"):
            read(path.with_name("nothing"), messages)


def test_mixed_versions_are_refused(messages, path):
    mixed = v2(messages)
    mixed.MergeFrom(v1(messages))
    old = v0(messages)
    old.MergeFrom(v1(messages))
    for net, message in ((mixed, "both V1 `layers`"), (old, '"fc" is in the V1 form among V0')):
        path.write_bytes(net.SerializeToString())
        for read in (caffemodel.stored_shapes, caffemodel.read_net):
            with pytest.raises(WeightsError, match=f"net.caffemodel: .*{message}"):
                read(path, messages)


def test_files_of_more_than_two_gigabytes(messages, path):
    """Protobuf refuses those. The file is sparse, and its large values are never looked at."""
    count = 600_000_000
    values = wire.field_header(5, 4 * count)
    shape = messages.BlobProto()
    shape.shape.dim.append(count)
    blob_head = shape.SerializeToString() + values
    size = len(blob_head) + 4 * count
    layer_head = messages.LayerParameter(name="large").SerializeToString()
    layer_head += wire.field_header(7, size) + blob_head
    with open(path, "wb") as f:
        f.write(wire.field_header(100, len(layer_head) + 4 * count) + layer_head)
        f.seek(4 * count, 1)
        f.write(v2(messages).SerializeToString())
    assert path.stat().st_size > 2**31
    shapes = {"large": [(count,)], "data": [], "fc": [(3, 4), (3,)]}
    assert caffemodel.stored_shapes(path, messages) == shapes
    with caffemodel.opened(path, messages) as layers:
        flat = np.empty(12, np.float32)
        layers[-1].blobs[0].read_into(flat)
    np.testing.assert_array_equal(flat, WEIGHT.ravel())


def test_a_file_that_is_cut_off_while_it_is_read_is_refused(messages, path):
    net = v2(messages)
    net.layer[1].blobs[0].data.extend([1.0] * 100_000)
    net.layer[1].blobs[0].shape.dim[:] = [100_012]
    path.write_bytes(net.SerializeToString())
    refusal = pytest.raises(WeightsError, match=r"net.caffemodel: .*cut off \(200000 bytes\)")
    with refusal, caffemodel.opened(path, messages) as layers:
        os.truncate(str(path), 200_000)
        layers[1].blobs[0].read_into(np.empty(100_012, np.float32))


@pytest.mark.parametrize("make", [v2, v1, v0])
def test_names_that_are_not_utf_8_are_read_as_in_prototxts(make, messages, path):
    raw = make(messages).SerializeToString()
    for old, new in ((b"\x02fc", b"\x02f\xe9"), (b"\x03net", b"\x03n\xe9t")):
        assert old in raw
        raw = raw.replace(old, new)
    path.write_bytes(raw)
    assert "f\ufffd" in caffemodel.stored_shapes(path, messages)
    assert caffemodel.read_net(path, messages).name == "n\ufffdt"


def test_values_of_blobs(messages, path):
    proto = blob(messages, WEIGHT)
    set_values(proto, np.float64(BIAS))
    assert blob_shape(proto) == (3,) and not proto.diff
    np.testing.assert_array_equal(blob_array(proto), BIAS)
    path.write_bytes(proto.SerializeToString())
    np.testing.assert_array_equal(read_blob(path, messages), BIAS)
    proto.shape.dim.append(2)
    with pytest.raises(WeightsError, match=r"says \(3, 2\) but holds 3 values"):
        blob_array(proto)
    proto.shape.dim[:] = [-1, -3]
    with pytest.raises(WeightsError, match=r"says \(-1, -3\) but holds 3 values"):
        blob_array(proto)
    path.write_bytes(b"\xff\xff")
    with pytest.raises(WeightsError, match="not a BlobProto"):
        read_blob(path, messages)
