"""python -m net_surgery: what its commands write and say, and every request that cannot be met."""

import json
import sys
import xml.etree.ElementTree as xml

import pytest
from google.protobuf import text_format

from net_surgery import cli, convolutionize
from net_surgery.show import rows, svg
from netfile.prototxt import parse_prototxt
from netfile.system.places import ROOT
from tests.support import nets
from tests.support.operating import distance

MODEL = ROOT / "models/motif_googlenet"
DEPLOY, WEIGHTS = (
    str(ROOT / "prototxt/motif_googlenet/deploy.prototxt"),
    str(MODEL / "motif_googlenet.caffemodel"),
)


@pytest.fixture
def engine(caffe):
    return {"caffe": "caffe", "caffe_compat": "compat"}[caffe.__name__]


@pytest.fixture
def run(capsys, engine):
    def call(*args):
        try:
            chosen = [] if "--engine" in args else ["--engine", engine]
            code = cli.main([str(a) for a in args] + chosen)
        except SystemExit as e:
            code = e.code
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@pytest.fixture
def refused(run, tmp_path):
    def call(*args):
        before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
        code, out, err = run(*args)
        assert code == 2 and len(err.strip().splitlines()) == 1, (code, out, err)
        assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before, (
            "something was written"
        )
        return err

    return call


def test_convolutionize_writes_a_model_that_deepdream_takes(run, tmp_path, bench):
    code, said, _ = run("convolutionize", DEPLOY, WEIGHTS, "-o", tmp_path / "new")
    assert (
        code == 0
        and "loss3/classifier -> loss3/classifier-conv: InnerProduct over 512 values" in said
    )
    new = tmp_path / "new" / "deploy.prototxt", tmp_path / "new" / "motif_googlenet-conv.caffemodel"
    wanted = bench.outputs((DEPLOY, WEIGHTS), None)["prob"]
    assert distance(bench.outputs(tuple(map(str, new)), None)["prob"], wanted) < 1e-5
    told = json.loads((tmp_path / "new" / "surgery.json").read_text())
    assert told["changes"][0]["layer"] == "loss3/classifier" and told["from"] == "deploy.prototxt"
    from deepdream.nets import find

    made = find(str(tmp_path / "new"))
    assert (
        made.weights == new[1]
        and "sha1" not in made.facts
        and made.mean == (104, 116, 122)
        and made.end == "inception_4c/output"
    )


def test_fold_truncate_and_the_small_ones(run, tmp_path, bench):
    pair = bench.files(nets.caffenet())
    for command, options, expected in (
        ("fold", [], "nothing to change"),
        ("truncate", ["--end", "conv3"], "conv3: the net's end; 14 layers"),
        ("average-pooling", ["--layer", "pool1"], "pool1: MAX pooling made AVE"),
        ("out-of-place", [], "relu_conv1: ReLU out of place"),
    ):
        code, said, err = run(command, *pair, "-o", tmp_path / command, *options)
        assert code == 0 and expected in said, (command, said, err)
        bench.net(
            (
                str(tmp_path / command / "deploy.prototxt"),
                str(next((tmp_path / command).glob("*.caffemodel"))),
            )
        ).forward()


def test_show_prints_every_layer_and_draws_it(run, tmp_path):
    run("convolutionize", DEPLOY, WEIGHTS, "-o", tmp_path / "new")
    code, said, _ = run(
        "show",
        tmp_path / "new" / "deploy.prototxt",
        tmp_path / "new" / "motif_googlenet-conv.caffemodel",
        "--svg",
        tmp_path / "x.svg",
    )
    lines = said.splitlines()
    assert code == 0 and lines[0].split() == ["layer", "type", "shape", "parameters", "changed"]
    (line,) = [line for line in lines if line.startswith("loss3/classifier-conv")]
    assert line.split()[1:4] == ["Convolution", "1x44x1x1", "22,572"] and line.endswith(
        "(was loss3/classifier)"
    )
    assert "143 layers, 1,528,588 parameters" in said
    drawing = xml.parse(tmp_path / "x.svg").getroot()
    names = {
        "".join(title.itertext()).split(":")[0]
        for title in drawing.iter("{http://www.w3.org/2000/svg}title")
    }
    assert {"data", "conv1/7x7_s2", "inception_4c/output", "loss3/classifier-conv", "prob"} <= names
    assert len(drawing.findall(".//*[@class='changed']")) == 1


def test_boxes_of_the_drawing_do_not_overlap(caffe):
    drawing = xml.fromstring(svg(rows(convolutionize(DEPLOY, WEIGHTS, caffe=caffe))))
    boxes = [
        [float(box.get(key)) for key in ("x", "y", "width", "height")]
        for box in drawing.iter("{http://www.w3.org/2000/svg}rect")
    ]
    width, height = float(drawing.get("width")), float(drawing.get("height"))
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    for i, (x, y, w, _) in enumerate(boxes):
        assert not [other for other in boxes[:i] if other[1] == y and abs(other[0] - x) < w]


# ---- bad input


def test_files_that_are_not_there_or_broken(refused, tmp_path):
    assert "nothing.prototxt: cannot be read" in refused(
        "convolutionize", tmp_path / "nothing.prototxt", WEIGHTS, "-o", tmp_path / "new"
    )
    assert "nothing.caffemodel: cannot be read" in refused(
        "fold", DEPLOY, tmp_path / "nothing.caffemodel", "-o", tmp_path / "new"
    )
    (tmp_path / "x.caffemodel").write_bytes(b"<html>moved</html>")
    assert "x.caffemodel: a web page (HTML), given where a caffemodel goes" in refused(
        "convolutionize", DEPLOY, tmp_path / "x.caffemodel", "-o", tmp_path / "new"
    )
    assert 'no layer "inception_4c/ouput"; did you mean' in refused(
        "truncate", DEPLOY, "--end", "inception_4c/ouput", "-o", tmp_path / "new"
    )


def test_the_original_weights_are_never_written_over(refused, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for source, name in ((DEPLOY, "deploy.prototxt"), (WEIGHTS, "net.caffemodel")):
        (folder / name).write_bytes(open(source, "rb").read())
    said = refused(
        "convolutionize", folder / "deploy.prototxt", folder / "net.caffemodel", "-o", folder
    )
    assert "already exists and is not empty; name a new folder" in said


def test_usage(refused, tmp_path, run):
    assert "--out" in refused("convolutionize", DEPLOY, WEIGHTS)
    assert "must be channels,height,width such as 3,227,227, not '3,x'" in refused(
        "convolutionize", DEPLOY, "-o", tmp_path / "n", "--input-shape", "3,x"
    )
    assert "unknown format" in refused("show", DEPLOY, "--svg", tmp_path / "x.png")
    assert run("frobnicate")[0] == 2


def test_heatmap_says_where_it_has_moved(refused):
    assert "heatmap has moved; use deepdream heatmap" in refused(
        "heatmap", "x.png", "--class", "owl"
    )


def test_an_engine_that_is_not_installed(refused, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "caffe", None)  # so that importing it fails
    said = refused("show", DEPLOY, "--engine", "caffe", "--svg", tmp_path / "x.svg")
    assert "this Python has no Caffe" in said and "leave out --engine" in said


@pytest.mark.parametrize("name, message", [
    ("x.png", 'unknown format ".png"; end the name with .svg'),
    ("no/x.svg", "no: no such folder"),
    ("folder.svg", "is a folder; give a file name"),
])  # fmt: skip
def test_a_drawing_that_cannot_be_written(name, message, refused, tmp_path):
    (tmp_path / "folder.svg").mkdir()
    assert message in refused("show", DEPLOY, "--svg", tmp_path / name)


# ---- names that would be something else where they are written

EVIL = "fc\nlayer { name: 'evil' type: 'Python' }\x1b[31m\u202e\u2028\r"


@pytest.fixture
def evil(tmp_path, caffe):
    """A model's folder whose layer has such a name: (deploy, weights)."""
    messages = caffe.io.caffe_pb2
    net = messages.NetParameter(name="net\nlayer {}")
    net.layer.add(name="data", type="Input", top=["data"]).input_param.shape.add().dim.extend(
        [1, 3, 8, 8]
    )
    fc = net.layer.add(name=EVIL, type="InnerProduct", bottom=["data"], top=["fc"])
    fc.inner_product_param.num_output = 4
    net.layer.add(name=EVIL + "2", type="ReLU", bottom=["fc"], top=["fc"])
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "deploy.prototxt").write_text(text_format.MessageToString(net))
    blobs = [messages.BlobProto(data=[0.0] * n) for n in (4 * 192, 4)]
    blobs[0].shape.dim.extend([4, 192])
    blobs[1].shape.dim.append(4)
    fc.blobs.extend(blobs)
    (folder / "net.caffemodel").write_bytes(net.SerializeToString())
    (folder / "readme.md").write_text("---\ncaffemodel: net.caffemodel\nmean: [1, 2, 3]\n---\n")
    return folder / "deploy.prototxt", folder / "net.caffemodel"


@pytest.mark.parametrize("command", ["convolutionize", "out-of-place", "truncate"])
def test_a_layers_name_stays_a_name_in_every_file(command, evil, run, tmp_path, caffe):
    options = ["--end", EVIL] if command == "truncate" else []
    code, said, err = run(command, *evil, "-o", tmp_path / "new", *options)
    assert code == 0, err
    assert all(line.isprintable() for line in said.splitlines())
    text = (tmp_path / "new" / "deploy.prototxt").read_bytes().decode()
    comments = [line for line in text.split("\n") if line.startswith("#")]
    assert comments and all(line.isprintable() for line in comments)
    net = parse_prototxt(text, caffe.io.caffe_pb2, "deploy.prototxt")
    assert {layer.type for layer in net.layer} <= {"Input", "InnerProduct", "Convolution", "ReLU"}
    from deepdream.nets import find

    made = find(str(tmp_path / "new"))
    assert set(made.facts) == {"caffemodel", "mean", "end"} and made.weights.is_file()
    assert made.end == net.layer[-1].name
    code, said, err = run(
        "show", tmp_path / "new" / "deploy.prototxt", made.weights, "--svg", tmp_path / "x.svg"
    )
    assert code == 0 and all(line.isprintable() for line in said.splitlines()), err
    xml.parse(tmp_path / "x.svg")


def test_a_file_name_of_the_readme_stays_one_line(run, evil, tmp_path):
    weights = evil[1].with_name("a\nmean: [9, 9, 9]\x1b.caffemodel")
    evil[1].rename(weights)
    assert run("convolutionize", evil[0], weights, "-o", tmp_path / "new")[0] == 0
    from deepdream.nets import find

    made = find(str(tmp_path / "new"))
    assert made.mean == (1, 2, 3) and made.weights.is_file()


@pytest.mark.parametrize("text", [
    "", "{", "[]", '{"changes": 3}', '{"changes": [{"layer": 1}]}', "[" * 9999,
    '{"changes": [{"layer": 1, "now": 2, "what": 3}]}',
])  # fmt: skip
def test_a_record_that_is_none_of_ours(text, refused, evil, tmp_path):
    (evil[0].with_name("surgery.json")).write_text(text)
    assert "surgery.json: not what net_surgery writes; move it away" in refused("show", *evil)


def test_errors_have_no_control_characters(refused, tmp_path):
    said = refused("show", str(tmp_path / "no\x1b[31m\x9b\u202e\nthing.prototxt"))
    assert (
        "\\x1b" in said and "\\u202e" in said and "\\n" in said and said.rstrip("\n").isprintable()
    )
