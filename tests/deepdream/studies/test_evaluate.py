"""Evaluation: pictures are found, predictions counted, unreadable ones listed; the page."""

import csv

import numpy as np
import pytest
from PIL import Image

from deepdream import cli
from deepdream.dream import class_pictures
from deepdream.errors import ImageError
from deepdream.studies import evaluate, evaluate_page
from tests.support.nets import lenet

NAMES = ["ape", "bee", "cow", "dog", "elk", "fox"]


@pytest.fixture
def result():
    """Six pictures of three classes.

    truth      ape ape ape bee bee cow
    predicted  ape ape bee bee cow cow
    """
    truth, predicted, sure = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2], [0.9, 0.5, 0.7, 0.6, 0.8, 0.4]
    probabilities = np.full((6, 6), 0.01)
    for i, (p, s) in enumerate(zip(predicted, sure)):
        probabilities[i, p] = s
    return evaluate.Predictions(
        NAMES,
        [f"{i}.png" for i in range(6)],
        np.array(truth),
        probabilities,
        [("x.png", "broken")],
        ["fox"],
    )


def test_measures_by_hand(result):
    measured = evaluate.measures(result)
    rows = {row[0]: row[1:] for row in measured["classes"]}
    assert rows["ape"] == (3, 2, 0, 1, 3, 1.0, pytest.approx(2 / 3), pytest.approx(0.8))
    assert rows["bee"] == (2, 1, 1, 1, 3, 0.5, 0.5, 0.5)
    assert rows["cow"] == (1, 1, 1, 0, 4, 0.5, 1.0, pytest.approx(2 / 3))
    assert measured["accuracy"] == pytest.approx(4 / 6) and measured["confusion"].tolist() == [
        [2, 1, 0],
        [0, 1, 1],
        [0, 0, 1],
    ]


def test_the_surest_mistakes_come_first(result):
    assert evaluate.worst_mistakes(result).tolist() == [4, 2]


@pytest.fixture
def pictures(tmp_path, rng):
    """A folder of class folders, with one broken picture and one empty class."""
    folder = tmp_path / "pictures"
    for name, count in (("ape", 3), ("cow", 2), ("dog", 0)):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(rng.randint(0, 255, (30 + i, 40, 3)).astype(np.uint8)).save(
                folder / name / f"{i}.png"
            )
    (folder / "cow" / "9.jpg").write_text("no picture")
    (folder / "cow" / "notes.txt").write_text("not looked at")
    return folder


@pytest.fixture
def named(small_folder):
    """The small model with names for its classes."""
    readme = small_folder / "readme.md"
    before = readme.read_text()
    readme.write_text(before.replace("end:", "classes: ['ape', 'bee', 'cow', 'dog']\nend:"))
    yield small_folder
    readme.write_text(before)


@pytest.fixture
def call(named, capsys):
    def run(*args):
        try:
            code = cli.main(
                ["evaluate", *map(str, args), "--model", str(named), "--engine", "compat"]
            )
        except SystemExit as e:
            code = e.code
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def test_a_folder_is_evaluated_and_what_is_left_out_is_reported(call, pictures, tmp_path):
    code, said, err = call(pictures, "-o", tmp_path / "out", "--batch", 2)
    assert code == 0 and "5 pictures: accuracy" in said
    assert "class dog has no pictures" in err and "1 picture cannot be read, 9.jpg for one" in err
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {
        "index.html",
        "confusion.csv",
        "confusion.png",
        "predictions.csv",
    }
    text = (tmp_path / "out" / "index.html").read_text()
    assert (
        "9.jpg" in text
        and "the class has no pictures" in text
        and "http" not in text.split("base64")[0]
    )
    rows = list(csv.DictReader(open(tmp_path / "out" / "predictions.csv")))
    assert [row["class"] for row in rows] == ["ape"] * 3 + ["cow"] * 2
    matrix = list(csv.reader(open(tmp_path / "out" / "confusion.csv")))
    assert sum(int(cell) for row in matrix[1:] for cell in row[1:]) == 5


def test_batches_do_not_change_the_predictions(net, pictures):
    labelled = {"ape": evaluate.find_pictures(pictures)["ape"]}
    one, all_at_once = (
        evaluate.evaluate(net, labelled, NAMES[:4], {"ape": 0}, (32, 32), batch=n).probabilities
        for n in (1, 8)
    )
    np.testing.assert_allclose(one, all_at_once, rtol=1e-4)


def test_predictions_are_the_nets_own(net, pictures):
    from deepdream.dream.preprocess import preprocess

    labelled = {"ape": evaluate.find_pictures(pictures)["ape"][:1]}
    result = evaluate.evaluate(net, labelled, NAMES[:4], {"ape": 0}, (32, 32))
    picture = np.asarray(Image.open(labelled["ape"][0]).resize((32, 32), 3), np.float32)
    net.blobs["data"].reshape(1, 3, 32, 32)
    net.blobs["data"].data[0] = preprocess(net, picture)
    np.testing.assert_allclose(result.probabilities[0], net.forward()["prob"][0], rtol=1e-5)


def test_a_csv_names_pictures_and_classes(pictures, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("path,class\npictures/ape/0.png,ape\npictures/cow/1.png, cow\n\n")
    labelled = evaluate.find_pictures(table)
    assert list(labelled) == ["ape", "cow"] and labelled["cow"][0].endswith("1.png")
    table.write_text("pictures/ape/0.png\n")
    with pytest.raises(ImageError, match="line 1: has 1 field"):
        evaluate.find_pictures(table)


def test_requests_that_cannot_be_met(call, pictures, tmp_path):
    (tmp_path / "empty").mkdir()
    (pictures / "aepe").mkdir()
    out = tmp_path / "out"
    for args, message in (
        ([tmp_path / "nothing"], "no such folder or CSV"),
        ([tmp_path / "empty"], "has no pictures in class folders"),
        ([pictures], 'has no class "aepe"; did you mean ape'),
    ):
        code, _, err = call(*args, "-o", out)
        assert code == 2 and message in err.strip().splitlines()[-1], err
    (pictures / "aepe").rmdir()
    for path in pictures.rglob("*.png"):
        path.write_text("broken")
    code, _, err = call(pictures, "-o", out)
    assert (
        code == 2
        and "none of the 6 pictures can be read" in err.strip().splitlines()[-1]
        and not out.exists()
    )


def test_without_scikit_learn_the_install_command_is_printed(call, pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    assert "pip install -e '.[evaluate]'" in call(pictures, "-o", tmp_path / "out")[2]


def test_a_grey_net_without_softmax_or_names_of_its_own(tmp_path, rng, capsys):
    import caffe_compat

    folder = tmp_path / "grey"
    folder.mkdir()
    text = lenet("image")
    (folder / "deploy.prototxt").write_text(text[: text.index('layer { name: "prob"')])
    caffe_compat.set_random_seed(3)
    net = caffe_compat.Net(str(folder / "deploy.prototxt"), caffe_compat.TEST)
    net.save(str(folder / "net.caffemodel"))
    for name in ("3", "9"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        digit = Image.fromarray(rng.randint(0, 255, (28, 28)).astype(np.uint8))
        digit.save(tmp_path / "pictures" / name / "x.png")
    words = ["evaluate", tmp_path / "pictures", "-o", tmp_path / "out", "--model", folder]
    options = ["--mean", "0", "--scale", "0.00390625", "--engine", "compat"]
    assert cli.main([*map(str, words), *options]) == 0
    rows = list(csv.DictReader(open(tmp_path / "out" / "predictions.csv")))
    assert [row["class"] for row in rows] == ["3", "9"]
    assert "ip2, softmax taken of it" in (tmp_path / "out" / "index.html").read_text()
    (tmp_path / "pictures" / "9").rename(tmp_path / "pictures" / "10")
    assert cli.main([*map(str, words), *options, "--overwrite"]) == 2
    assert "has 10 classes" in capsys.readouterr().err


def test_classes_of_one_name_are_told_apart(net, pictures):
    labelled = {"cow": evaluate.find_pictures(pictures)["ape"]}
    names = ["crane", "bee", "cow", "crane"]
    result = evaluate.evaluate(net, labelled, names, {"cow": 2}, (32, 32))
    assert result.names == ["crane (0)", "bee", "cow", "crane (3)"]
    # a list that is too short has numbers for the rest
    assert evaluate.evaluate(net, labelled, ["ape"], {"cow": 2}, (32, 32)).names[1:] == [
        "1", "2", "3",
    ]  # fmt: skip


def test_right_predictions_are_no_mistakes(result):
    right = evaluate.Predictions(
        NAMES, result.paths, result.predicted, result.probabilities, [], []
    )
    assert evaluate_page.mistakes_of(right) == []


@pytest.mark.slow
def test_the_dumbbell_study(tmp_path, capsys, monkeypatch):
    from scripts.docs import dumbbell_study

    short = class_pictures.Octave(1.0, 2, (9.0, 4.0), (1.6, 0.8))
    monkeypatch.setitem(class_pictures.METHODS, "octaves", class_pictures.Method((short,)))
    assert dumbbell_study.main(["-o", str(tmp_path / "study"), "--count", "12", "--each", "1"]) == 0
    said = capsys.readouterr().out
    assert "with an arm: " in said and "without an arm: " in said
    text = (tmp_path / "study" / "index.html").read_text()
    assert "of 12 dumbbells with an arm" in text and text.count("<img") == 3
    assert (tmp_path / "study" / "evaluation" / "index.html").exists()
