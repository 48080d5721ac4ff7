"""python -m net_surgery: what its commands write and say, and every request that cannot be met."""

import json
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from PIL import Image

from deepdream.nets.model import ROOT
from deepdream.studies import heatmap
from net_surgery import cli, convolutionize
from net_surgery.show import rows, svg
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
            code = cli.main([str(a) for a in args] + ["--engine", engine])
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
    wanted, found = (
        bench.outputs((DEPLOY, WEIGHTS), None)["prob"],
        bench.outputs(tuple(map(str, new)), None)["prob"],
    )
    assert distance(found, wanted) < 1e-5
    told = json.loads((tmp_path / "new" / "surgery.json").read_text())
    assert told["changes"][0]["layer"] == "loss3/classifier" and told["from"] == "deploy.prototxt"
    from deepdream.nets import model

    made = model.find(str(tmp_path / "new"))
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


# ---- heatmap


@pytest.fixture
def scene(tmp_path):
    from scripts.docs import motif_scene

    Image.fromarray(motif_scene.scene(["wheel", "pagoda", "owl", "fish"], seed=8, columns=4)).save(
        tmp_path / "scene.png"
    )
    return tmp_path / "scene.png"


@pytest.mark.parametrize("name, place", [("wheel", 0), ("owl", 2)])
def test_a_heatmap_is_hot_where_the_class_is(name, place, run, scene, tmp_path):
    code, said, err = run("heatmap", scene, "--class", name, "-o", tmp_path / "out.png")
    assert code == 0 and f"{name} in motif_googlenet: 1.000 at most" in said, (said, err)
    before, after = (
        np.asarray(Image.open(p).convert("RGB"), float) for p in (scene, tmp_path / "out.png")
    )
    assert after.shape[1] == before.shape[1] and 0 < after.shape[0] - before.shape[0] < 20
    redness = (after[:112, :, 0] - after[:112, :, 2])[16:96]
    means = [redness[:, 112 * i + 30 : 112 * i + 82].mean() for i in range(4)]
    assert np.argmax(means) == place and means[place] > 2 * sorted(means)[-2] + 20, means


def test_values_lie_in_the_middle_of_their_windows():
    # windows of 8 pixels, 4 apart: their middles are at 3.5 and 7.5
    found = heatmap.enlarge(np.float32([[0, 1]]), (3, 12), (3, 8), (1, 4))
    np.testing.assert_allclose(found[1], np.clip((np.arange(12) - 3.5) / 4, 0, 1))


def test_windows_and_steps_of_a_net(bench):
    from netfile.prototxt import parse_prototxt

    text = convolutionize(bench.files(nets.caffenet())[0], caffe=bench.caffe).prototxt
    assert heatmap.window(parse_prototxt(text, bench.caffe.io.caffe_pb2, ""), "prob") == ((227, 227), (32, 32))


def test_a_class_that_the_model_does_not_have(refused, scene, tmp_path):
    said = refused("heatmap", scene, "--class", "pagado", "-o", tmp_path / "out.png")
    assert 'has no class "pagado"; did you mean pagoda' in said
    assert "has no class" in refused("heatmap", scene, "--class", "44", "-o", tmp_path / "out.png")


def test_a_picture_that_is_too_small(refused, tmp_path):
    Image.new("RGB", (40, 60)).save(tmp_path / "small.png")
    said = refused("heatmap", tmp_path / "small.png", "--class", "owl", "-o", tmp_path / "out.png")
    assert "the picture is 40x60" in said and "--scale 2.4" in said


# ---- bad input


def test_files_that_are_not_there_or_broken(refused, tmp_path):
    assert "nothing.prototxt: cannot be read" in refused(
        "convolutionize", tmp_path / "nothing.prototxt", WEIGHTS, "-o", tmp_path / "new"
    )
    assert "nothing.caffemodel: cannot be read" in refused(
        "fold", DEPLOY, tmp_path / "nothing.caffemodel", "-o", tmp_path / "new"
    )
    (tmp_path / "x.caffemodel").write_bytes(b"<html>moved</html>")
    assert "x.caffemodel: not a caffemodel" in refused(
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
    assert "over 0 and at most 100, not '-1'" in refused(
        "heatmap", "x.png", "--class", "owl", "--scale", "-1"
    )
    assert run("frobnicate")[0] == 2
