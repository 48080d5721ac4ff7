"""Models of other people: what their files are, whose their layers are, names of any kind."""

import shutil

import pytest
from google.protobuf import text_format

import deepdream
from deepdream.errors import ModelError
from netfile import wire


@pytest.fixture
def foreign(small_folder, tmp_path):
    """A copy of the small model."""
    return shutil.copytree(small_folder, tmp_path / "foreign")


@pytest.fixture
def dream(run, foreign, photo, fast):
    """Dream with it; returns (exit code, stderr)."""

    def call():
        code, _, err = run(
            "dream", photo, "-o", foreign / "x.png", "--overwrite", "--model", foreign, *fast
        )
        assert "Traceback" not in err
        return code, err

    return call


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_layer_of_another_caffe(foreign, dream):
    change(foreign / "deploy.prototxt", 'type: "ReLU"', 'type: "Permute"')
    code, err = dream()
    assert code == 2 and "SSD's Permute is not in this Caffe; " in err
    change(foreign / "deploy.prototxt", 'type: "Permute"', 'type: "Permute" permute_param { }')
    code, err = dream()
    assert code == 2 and ": line " in err and "SSD's permute_param is not in this Caffe; " in err


def test_ceil_mode_and_a_byte_order_mark(foreign, dream):
    path = foreign / "deploy.prototxt"
    change(path, "pooling_param {", "pooling_param { ceil_mode: true")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert dream()[0] == 0
    change(path, "ceil_mode: true", "ceil_mode: false")
    code, err = dream()
    assert code == 2 and "wants [(4, 250), (4,)]" in err  # rounded down, the fc reads less


def test_the_two_files_the_wrong_way_round(foreign, dream):
    deploy, weights = foreign / "deploy.prototxt", foreign / "small.caffemodel"
    raw = deploy.read_bytes()
    shutil.copyfile(str(weights), str(deploy))
    code, err = dream()
    assert (
        code == 2 and "deploy.prototxt: a caffemodel, given where a prototxt goes; are the" in err
    )
    deploy.write_bytes(raw)
    weights.write_bytes(raw)
    code, err = dream()
    assert (
        code == 2 and "small.caffemodel: a prototxt, given where a caffemodel goes; are the" in err
    )


def test_weights_that_are_not_there_or_a_folder(foreign, dream):
    (foreign / "small.caffemodel").unlink()
    code, err = dream()
    assert code == 2 and "its weights are not there" in err and "put them there" in err
    assert "make model" not in err
    (foreign / "small.caffemodel").mkdir()
    code, err = dream()
    assert code == 2 and "small.caffemodel: a folder, given where a caffemodel goes" in err


def test_weights_of_more_than_two_gigabytes(foreign, caffe):
    """The file is sparse; its large values belong to a layer that the net does not have."""
    messages, count = caffe.io.caffe_pb2, 540_000_000
    shape = messages.BlobProto()
    shape.shape.dim.append(count)
    blob = shape.SerializeToString() + wire.field_header(5, 4 * count)
    layer = messages.LayerParameter(name="large").SerializeToString()
    layer += wire.field_header(7, len(blob) + 4 * count) + blob
    path = foreign / "small.caffemodel"
    raw = path.read_bytes()
    with open(path, "wb") as f:
        f.write(wire.field_header(100, len(layer) + 4 * count) + layer)
        f.seek(4 * count, 1)
        f.write(raw)
    if caffe.__name__ == "caffe":
        with pytest.raises(ModelError, match="has 2.2 GB, and a real Caffe reads .* up to 2 GB"):
            deepdream.load_net(foreign, caffe)
    else:
        assert deepdream.load_net(foreign, caffe).params


def test_layers_with_names_of_any_kind_are_listed(foreign, caffe, run):
    path = foreign / "deploy.prototxt"
    net = text_format.Parse(path.read_text(), caffe.io.caffe_pb2.NetParameter())
    name = "\x1b[31mred\nrow\u202e"
    net.layer.add(name=name, type="ReLU", bottom=[net.layer[1].top[0]], top=[name])
    path.write_text(text_format.MessageToString(net))
    code, said, _ = run("layers", "--model", foreign)
    assert code == 0 and all(line.isprintable() for line in said.splitlines())
    assert "\\x1b[31mred\\nrow\\u202e" in said


@pytest.mark.parametrize("name, content, told", [
    ("deploy.prototxt", b"", "an empty file, given where a prototxt goes; get it again"),
    ("deploy.prototxt", b"# none\n", "describes no layers; download it again"),
    ("deploy.prototxt", b"404: Not Found", "a server's error, \"404: Not Found\", given where a"),
    ("readme.md", "---\nmean: 1\n---".encode("utf-16"), "UTF-16, given where a readme goes; save"),
    ("readme.md", b"<html>", "a web page (HTML), given where a readme goes; download"),
    ("small.caffemodel", "text".encode("utf-16"), "UTF-16, given where a caffemodel goes\n"),
], ids=str)  # fmt: skip
def test_what_a_file_is_and_a_remedy_that_suits_it(name, content, told, foreign, dream):
    (foreign / name).write_bytes(content)
    code, err = dream()
    assert code == 2 and told in err
