"""The class output is found by structure, and classes of one name stay apart."""

import numpy as np
import pytest
from google.protobuf import text_format

from deepdream import nets, pictures
from deepdream.errors import ModelError, TargetError
from deepdream.nets.class_output import check_classes, class_output
from deepdream.nets.labels import distinct, file_stems

STEM = """
layer { name: "in" type: "Input" top: "image"
        input_param { shape { dim: 1 dim: 3 dim: 16 dim: 16 } } }
layer { name: "conv" type: "Convolution" bottom: "image" top: "conv"
        convolution_param { num_output: 6 kernel_size: 3 stride: 2
                            weight_filler { type: "xavier" } } }
"""


def fc(name, top, bottom="conv", outputs=4):
    return f"""layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{top}"
        inner_product_param {{ num_output: {outputs} weight_filler {{ type: "xavier" }} }} }}\n"""


def layer(kind, bottom, top, name="", body=""):
    bottoms = " ".join(f'bottom: "{b}"' for b in bottom.split())
    tops = f'top: "{top}"' if top else ""
    return f'layer {{ name: "{name or top}" type: "{kind}" {bottoms} {tops} {body} }}\n'


CONV = """layer { name: "last" type: "Convolution" bottom: "conv" top: "maps"
        convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }\n"""
GLOBAL = "pooling_param { pool: AVE global_pooling: true }"
# {what: (layers after the stem, scores, the layer that makes them, probabilities, computed)}
NETS = {
    "other names": (
        fc("scores_of", "raw") + layer("Softmax", "raw", "shares", "last"),
        ("raw", "scores_of", "shares", False),
    ),
    "a layer has the name of the scores": (
        fc("raw", "hidden") + fc("second", "raw", "hidden") + layer("Softmax", "raw", "shares"),
        ("raw", "second", "shares", False),
    ),
    "in place": (
        fc("fc", "fc") + layer("Softmax", "fc", "fc", "prob"),
        ("fc", "fc", "fc", False),
    ),
    "no softmax": (fc("ip", "out"), ("out", "ip", "out", True)),
    "no softmax, dropout in place": (
        fc("ip", "out") + layer("Dropout", "out", "out", "drop"),
        ("out", "drop", "out", True),
    ),
    "convolution and global pooling": (
        CONV + layer("Pooling", "maps", "pooled", "pool", GLOBAL),
        ("pooled", "pool", "pooled", True),
    ),
    "convolution, ReLU, global pooling, flat": (
        CONV
        + layer("ReLU", "maps", "maps", "relu")
        + layer("Pooling", "maps", "pooled", "pool", GLOBAL)
        + layer("Flatten", "pooled", "flat"),
        ("flat", "flat", "flat", True),
    ),
    "softmax in the middle": (
        fc("a", "a") + layer("Softmax", "a", "gate") + fc("b", "b", "gate"),
        ("b", "b", "b", True),
    ),
    "sigmoid": (
        fc("a", "a") + layer("Sigmoid", "a", "each", "sig"),
        ("a", "a", "each", False),
    ),
    "read by measures": (
        fc("a", "a") + layer("Softmax", "a", "p", "q") + layer("ArgMax", "p", "best"),
        ("a", "a", "p", False),
    ),
    "two heads": (
        fc("a", "a", outputs=7) + layer("Softmax", "a", "pa")
        + fc("b", "b") + layer("Softmax", "b", "pb"),
        ("b", "b", "pb", False),
    ),
    "two heads, the labels' is the first": (
        fc("a", "a") + layer("Softmax", "a", "pa")
        + fc("b", "b", outputs=7) + layer("Softmax", "b", "pb"),
        ("a", "a", "pa", False),
    ),
    "two heads without softmax": (
        fc("a", "a") + fc("b", "b", outputs=7),
        ("a", "a", "a", True),
    ),
}  # fmt: skip


def described(text, caffe):
    net = caffe.io.caffe_pb2.NetParameter()
    text_format.Merge(STEM + text, net)
    return net


@pytest.mark.parametrize("what", NETS)
def test_found_whatever_the_names(what, caffe):
    text, expected = NETS[what]
    found = class_output(described(text, caffe), 4)
    assert (found.scores, found.layer, found.probabilities, found.computed) == expected


def test_a_loss_leaves_the_scores(caffe):
    net = described(fc("a", "b") + layer("SoftmaxWithLoss", "b label", "loss"), caffe)
    found = class_output(net)
    assert (found.scores, found.layer, found.computed) == ("b", "a", True)


def test_ends_that_are_no_classes(caffe):
    with pytest.raises(TargetError, match="does not end in an InnerProduct or a Convolution"):
        class_output(described(layer("TanH", "conv", "end"), caffe))
    map_of_classes = described("", caffe)
    with pytest.raises(TargetError, match=r"\(1, 6, 7, 7\), not one value for each class"):
        check_classes(map_of_classes, class_output(map_of_classes))
    with pytest.raises(TargetError, match="the net has 4 classes .* from 0 to 3, no 4"):
        few = described(fc("a", "b"), caffe)
        check_classes(few, class_output(few), 4)


def test_a_long_net_is_looked_at_once(caffe):
    text = fc("a", "x0") + "".join(layer("Flatten", f"x{i}", f"x{i + 1}") for i in range(3000))
    assert class_output(described(text, caffe)).scores == "x3000"


@pytest.fixture
def folder(tmp_path, caffe):
    def make(text, names="[ape, bee, cow, dog]"):
        path = tmp_path / "net"
        path.mkdir()
        (path / "deploy.prototxt").write_text(STEM + text)
        names = names if isinstance(names, str) else repr(names)
        (path / "readme.md").write_text(
            f"---\ncaffemodel: net.caffemodel\nmean: 100\nend: conv\nclasses: {names}\n---\n"
        )
        caffe.set_random_seed(5)
        net = caffe.Net(str(path / "deploy.prototxt"), caffe.TEST)
        net.save(str(path / "net.caffemodel"))
        return path

    return make


@pytest.fixture
def quick(monkeypatch):
    from deepdream.dream import class_pictures

    one = class_pictures.Octave(1.0, 2, (4.0, 4.0), (0, 0))
    monkeypatch.setitem(class_pictures.METHODS, "octaves", class_pictures.Method((one,), 20))


NAMES = ["ape", "bee", "cow", "dog"]


@pytest.mark.parametrize("what", NETS)
def test_classes_and_scores_work_whatever_the_names(
    what, folder, run, tmp_path, engine_name, quick, photo
):
    path = folder(NETS[what][0], NAMES)
    engine = ["--model", path, "--engine", engine_name]
    out = tmp_path / "out"
    code, said, err = run("classes", "bee", "3", "-o", out, "--seeds", 1, *engine)
    assert code == 0, err
    assert {p.name for p in out.iterdir()} == {"bee-0.png", "dog-0.png", "sheet.png"}
    picture = tmp_path / "scored.png"
    code, _, err = run(
        "dream", photo, "-o", picture, "--objective", 'score("bee")', "--iterations", 1,
        "--octaves", 1, *engine,
    )  # fmt: skip
    assert code == 0 and picture.exists(), err


@pytest.mark.parametrize("what", NETS)
def test_predictions_are_shares_and_follow_the_scores(what, folder, caffe):
    opened = nets.open(str(folder(NETS[what][0], NAMES)), caffe)
    opened.net.blobs["image"].data[...] = np.random.RandomState(1).uniform(-90, 90, (1, 3, 16, 16))
    shares = opened.output.predict(opened.net)
    assert shares.shape == (1, 4)
    if what != "sigmoid":
        assert shares.sum() == pytest.approx(1, abs=1e-5)
    opened.net.forward(end=opened.output.layer)
    scores = opened.net.blobs[opened.output.scores].data.reshape(1, -1)
    assert shares.argmax() == scores.argmax()


def test_a_number_that_the_net_does_not_have(folder, run, tmp_path, engine_name):
    path = folder(fc("a", "b"), "none.txt")
    out = tmp_path / "out"
    engine = ["--model", path, "--engine", engine_name]
    code, _, err = run("classes", "9", "-o", out, *engine)
    assert code == 2 and "from 0 to 3, no 9" in err and not out.exists()


def test_all_classes_of_a_net_without_names(folder, run, tmp_path, engine_name, quick):
    path = folder(fc("a", "b"), "none.txt")
    engine = ["--model", path, "--engine", engine_name]
    code, _, err = run("classes", "all", "-o", tmp_path / "out", "--seeds", 1, *engine)
    assert code == 0, err
    assert {p.name for p in (tmp_path / "out").glob("*-0.png")} == {f"{i}-0.png" for i in range(4)}


def test_two_classes_of_one_name_are_numbered(folder, run, tmp_path, engine_name, quick):
    path = folder(fc("a", "b"), ["crane", "CRANE", "a/b", "crane"])
    engine = ["--model", path, "--engine", engine_name]
    out = tmp_path / "out"
    code, said, err = run("classes", "all", "-o", out, "--seeds", 1, *engine)
    assert code == 0, err
    assert {p.name for p in out.glob("*-0.png")} == {
        "crane_0-0.png", "CRANE_1-0.png", "a_b-0.png", "crane_3-0.png",
    }  # fmt: skip
    assert "crane (0)" in said and "crane (3)" in said
    assert '"number": 3' in pictures.read_recipe(out / "crane_3-0.png")
    # one of them alone has the same name, and does not overwrite the other
    code, said, _ = run("classes", "3", "-o", tmp_path / "alone", "--seeds", 1, *engine)
    assert code == 0 and (tmp_path / "alone" / "crane_3-0.png").exists()


def test_an_ambiguous_name_is_refused(folder):
    model = nets.find(folder(fc("a", "b"), ["crane", "maillot, tank suit", "maillot", "crane"]))
    with pytest.raises(ModelError, match=r'2 classes "crane": 0 \(crane\) and 3 \(crane\)'):
        nets.class_number(model, "crane")
    assert nets.class_number(model, "maillot") == (2, "maillot")  # the whole name comes first
    for no_number in ("\u00b2", "9" * 5000, "-1", "1.0"):
        with pytest.raises(ModelError, match="has no class"):
            nets.class_number(model, no_number)


@pytest.mark.parametrize(
    "names",
    [
        ["a/b", "a\\b", "a b", "a:b"],
        ["Eye", "eye", "EYE"],
        ["x" * 300, "x" * 299 + "y", "x" * 120],
        ["\u00e9" * 200, "e\u0301", "\u00e9"],
        ["..", ".", "...", "/", "", "\0"],
        ["con", "CON", "nul.x", "_con", "com1"],
        ["crane", "crane", "crane_0", "crane_1", "CRANE_1"],
        ["class", "/", "class_1", "1"],
        ["../../etc/x", "~", "-rf", "a\nb", "\x1b[2J", "\u202e", "*?<>|\""],
        ["stra\u00dfe", "strasse"],
        ["fi", "\ufb01"],
    ],
)  # fmt: skip
def test_file_stems_are_different_everywhere_and_are_no_paths(names):
    stems = file_stems(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    for stem in stems:
        assert stem and len(stem.encode()) < 150 and not stem.startswith(".")
        assert all(c.isalnum() or c in "-_." for c in stem)
        assert stem.split(".")[0].upper() not in {"CON", "NUL", "COM1"}


def test_plain_names_stay_as_they_are():
    assert file_stems(["eye", "spiral_shell", "St. Bernard", "a,b"]) == [
        "eye", "spiral_shell", "St._Bernard", "a_b",
    ]  # fmt: skip


def test_names_are_made_distinct_and_as_many_as_the_classes():
    assert distinct(["a", "b", "a"], 5) == ["a (0)", "b", "a (2)", "3", "4"]
    assert distinct([], 2) == ["0", "1"] and distinct(["a", "b"], 1) == ["a"]


def test_a_blob_is_no_end_of_a_dream(folder, caffe, picture):
    import deepdream

    net = deepdream.load_net(str(folder(NETS["other names"][0])), caffe)
    with pytest.raises(TargetError, match='no layer "raw" to dream of'):
        deepdream.deepdream(net, picture[:16, :16], 1, octave_n=1, end="raw")
    dreamt = deepdream.deepdream(
        net, picture[:16, :16], 1, octave_n=1, objective=deepdream.score("raw", 1)
    )
    assert dreamt.shape == (16, 16, 3)
