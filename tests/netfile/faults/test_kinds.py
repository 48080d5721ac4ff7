"""What a file is: told by what it holds, where it cannot be what was asked for."""

import gzip
import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from netfile import caffemodel
from netfile.blobs import read_blob
from netfile.errors import FormatError, NetError, WeightsError
from netfile.faults.kinds import kind_of, misplaced
from netfile.prototxt import read_prototxt

NET = 'name: "net"\nlayer { name: "data" type: "Input" top: "data" }\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def messages(caffe):
    return caffe.io.caffe_pb2


def picture(kind):
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind)
    return out.getvalue()


def array():
    out = io.BytesIO()
    np.save(out, np.zeros((3, 4, 4)))
    return out.getvalue()


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("archive/data.pkl", b"x")
    return out.getvalue()


def field(number, value):
    from netfile.wire import field_header

    return field_header(number, len(value)) + value


ONNX = b"\x08\x07" + field(2, b"pytorch") + field(7, field(2, b"graph")) + field(8, b"\x10\x09")
SOLVERSTATE = b"\x08\xe8\x07" + field(2, b"net_iter_1000.caffemodel") + field(3, field(5, bytes(8)))
MEAN = b"\x08\x01\x10\x03\x18\x02\x20\x02" + field(5, np.arange(12, dtype="<f4").tobytes())
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n"
SAMPLES = [
    (b"", "an empty file"), (picture("PNG"), "a PNG picture"), (picture("JPEG"), "a JPEG picture"),
    (picture("GIF"), "a GIF picture"), (picture("BMP"), "a BMP picture"),
    (picture("TIFF"), "a TIFF picture"), (array(), "a NumPy array"), (archive(), "a zip archive"),
    (gzip.compress(b"net"), "a gzip archive"), (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
    (pickle.dumps({"conv1": [1.0] * 99}, 2), "a Python pickle"),
    (pickle.dumps({"conv1": [1.0] * 99}), "a Python pickle"), (POINTER, "a Git LFS pointer"),
    (b"\n <!DOCTYPE html>\n<html><title>404</title></html>", "a web page (HTML)"),
    (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML file"),
    (b'{"error": "Not found"}', "a JSON file"), (b"%PDF-1.4\n", "a PDF"),
    (NET.encode("utf-16"), "text in UTF-16"), (NET.encode("utf-16-le"), "text in UTF-16"),
    (NET.encode("utf-16-be"), "text in UTF-16"), (NET.encode("utf-32"), "text in UTF-32"),
    (bytes(5000), "nothing but zero bytes"), (ONNX, "an ONNX model"),
    (SOLVERSTATE, "a solverstate"), (MEAN, "a binaryproto, such as a mean file"),
    (b"net: 'train_val.prototxt'\nbase_lr: 0.01\n", "a solver's prototxt"),
]  # fmt: skip


@pytest.mark.parametrize("raw, what", SAMPLES, ids=[what for _, what in SAMPLES])
def test_a_file_of_another_kind_is_called_what_it_is(raw, what, messages, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(raw)
    for read, wanted in ((read_prototxt, "a prototxt"), (caffemodel.stored_shapes, "a caffemodel")):
        if raw == b"" and wanted == "a prototxt":
            assert not read(path, messages).layer  # as in Caffe
            continue
        with pytest.raises(FormatError) as e:
            read(path, messages)
        said = str(e.value)
        assert said.startswith(f"{path}: {what}") and f"given where {wanted} goes" in said
        assert said.isprintable()
    assert misplaced(path, "a picture") == "" or not what.endswith("picture")


def test_a_caffemodel_and_a_prototxt_the_wrong_way_round(messages, tmp_path):
    net, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    net.write_bytes(b"\xef\xbb\xbf# a comment\n" + NET.encode())
    proto = messages.NetParameter(name="net")
    proto.layer.add(name="fc").blobs.add(data=[1, 2, 3])
    weights.write_bytes(proto.SerializeToString())
    assert [layer.name for layer in read_prototxt(net, messages).layer] == ["data"]
    said = "a caffemodel, given where a prototxt goes; are the two files the wrong way round?"
    with pytest.raises(FormatError) as e:
        read_prototxt(weights, messages)
    assert str(e.value) == f"{weights}: {said}"
    with pytest.raises(WeightsError, match="a prototxt, given where a caffemodel goes; are the"):
        caffemodel.stored_shapes(net, messages)
    with pytest.raises(WeightsError, match="a prototxt, given where a binaryproto"):
        read_blob(net, messages)
    weights.write_bytes(proto.SerializeToString() * 2 + b"\xa2\x06\x50")  # cut off
    with pytest.raises(FormatError, match="a caffemodel, given where a prototxt goes"):
        read_prototxt(weights, messages)


@pytest.mark.parametrize("read", [read_prototxt, caffemodel.stored_shapes, read_blob])
def test_folders_and_pipes(read, messages, tmp_path):
    import os

    with pytest.raises(FormatError, match=": a folder, given where a .*; name a file in it"):
        read(tmp_path, messages)
    os.mkfifo(str(tmp_path / "pipe"))
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(FormatError, match=": a pipe or a device, given where a"):
            read(path, messages)  # and does not wait for it


quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@quick
@given(
    st.binary(max_size=300)
    | st.builds(lambda a, b: a + b, st.sampled_from([raw for raw, _ in SAMPLES]), st.binary())
    | st.builds(lambda raw, n: raw[:n], st.sampled_from([raw for raw, _ in SAMPLES]), st.integers())
)
@example(b"\x1b[31m\x00\xff")
def test_whatever_a_file_holds_its_error_is_printable(messages, folder, raw):
    path = folder / "x"
    path.write_bytes(raw)
    kind_of(path)
    for read in (read_prototxt, caffemodel.stored_shapes, caffemodel.read_net, read_blob):
        try:
            read(path, messages)
        except NetError as e:
            assert str(e).isprintable() and str(path) in str(e) and len(str(e)) < 700
