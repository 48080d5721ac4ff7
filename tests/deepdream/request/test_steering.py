"""Objectives and masks from the command line: what they change, replays of them, and every text
that cannot be met."""

import json

import numpy as np
import pytest
from PIL import Image

import deepdream
from deepdream import pictures
from deepdream.errors import TargetError
from deepdream.request.expression import Context, Expression, scores

LAYER = "inception_4c/output"


@pytest.fixture
def mask(tmp_path):
    values = np.zeros((45, 60), np.uint8)
    values[:, :30] = 255
    Image.fromarray(values).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def test_an_objective_of_one_l2_is_the_plain_dream(run, photo, tmp_path, fast):
    run("dream", photo, "-o", tmp_path / "a.png", "--seed", 1, *fast)
    code, said, _ = run(
        "dream",
        photo,
        "-o",
        tmp_path / "b.png",
        "--seed",
        1,
        "--objective",
        f'l2("{LAYER}")',
        *fast,
    )
    assert code == 0 and f'l2("{LAYER}"), seed 1' in said
    assert np.array_equal(pictures.load(tmp_path / "a.png"), pictures.load(tmp_path / "b.png"))


TEXTS = [
    f'0.7 * l2("{LAYER}") - 0.3 * channel("inception_3b/1x1", 2)',
    'neuron("inception_3b/output", 1) * 2 + -l2("conv1")',
    f'guide("{LAYER}", "GUIDE").within("MASK")',
    'score(2)',
    f'(l2("{LAYER}") + score(1)).within("MASK") - l2("pool1")',
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_dreams_of_objectives_replay_to_the_bit(text, run, photo, mask, tmp_path, fast):
    text = text.replace("GUIDE", str(photo)).replace("MASK", str(mask))
    out = tmp_path / "out.png"
    code, _, err = run("dream", photo, "-o", out, "--seed", 1, "--objective", text, *fast)
    assert code == 0, err
    told = text.replace(f'"{photo}"', "'photo.png'").replace(f'"{mask}"', "'mask.png'")
    assert json.loads(pictures.read_recipe(out))["settings"]["objective"] == told
    code, said, err = run("replay", out, "-o", tmp_path / "again.png")
    assert code == 0 and "equal to the bit" in said, err


def test_a_mask_confines_the_dream(run, photo, mask, tmp_path):
    _, said, _ = run(
        "dream",
        photo,
        "-o",
        tmp_path / "out.png",
        "--seed",
        1,
        "--mask",
        mask,
        "--iterations",
        3,
        "--octaves",
        1,
        "--end",
        "inception_3b/1x1",
    )
    assert "the mask is 60x45; it is resized to the picture's 120x90" in said
    changed = np.abs(pictures.load(tmp_path / "out.png") - pictures.load(photo)).mean(2)
    assert changed[:, :50].mean() > 5 * changed[:, 75:].mean()
    moved = mask.rename(tmp_path / "elsewhere.png")
    assert "the mask it was made from is gone" in run("replay", tmp_path / "out.png")[2]
    assert "equal to the bit" in run("replay", tmp_path / "out.png", "--mask", moved)[1]


def test_a_mask_and_a_guide_together(run, photo, mask, tmp_path, fast):
    assert (
        run("dream", photo, "-o", tmp_path / "out.png", "--mask", mask, "--guide", photo, *fast)[0]
        == 0
    )


@pytest.mark.parametrize("text, message", [
    ("l2(", "cannot be read"),
    ("3", "is a number, not an objective"),
    ('l2("conv1") + 3', "objectives are added and subtracted"),
    ('l2("conv1") * l2("conv1")', "multiplied by numbers"),
    ('l2("conv1") / 2', "only sums, multiples and l2"),
    ('__import__("os").system("true")', "known are"),
    ('open("/etc/passwd")', "known are"),
    ('l2("conv1").within(3)', "give one mask picture"),
    ('l2("conv1").terms', "only sums, multiples"),
    ('l2("conv1", 3)', "takes a layer and nothing more"),
    ('channel("conv1")', "takes a layer and numbers of channels"),
    ('channel("conv1", 1.5)', "takes a layer and numbers of channels"),
    ('neuron("conv1", 1, 2)', "a channel, and y and x or neither"),
    ('guide("conv1", 3)', "takes a layer and names of pictures"),
    ("lambda: 1", "only sums"),
    ('1e999 * l2("conv1")', "a number is over 1e+30"),
    ("9" * 400 + ' * l2("conv1")', "a number is over 1e+30"),
    ("-" * 2000 + 'l2("conv1")', "one within another"),
    ("+".join(['l2("conv1")'] * 500), "one within another, over 400"),
    ("-" * 100_000 + 'l2("conv1")', ("cannot be read", "one within another")),  # or Python 3.8's
    ("(" * 100_000, "cannot be read"),
    ('l2("conv1\x00")\x00', "cannot be read"),
    ("\u00b2 * l2('conv1')", "cannot be read"),
    ("", "cannot be read"),
    ("*", "cannot be read"),
])  # fmt: skip
def test_texts_that_are_no_objectives(text, message):
    with pytest.raises(TargetError) as e:
        Expression(text)
    messages = (message,) if isinstance(message, str) else message
    assert any(m in str(e.value) for m in messages) and len(str(e.value)) < 1000


@pytest.mark.parametrize("text, message", [
    ('l2("inception_4c/ouput")', "did you mean inception_4c/output"),
    ('l2("relu1")', 'writes the blob "conv1"'),
    ('guide("conv1", "nothing.png")', "nothing.png: no such picture"),
    ('l2("conv1").within("nothing.png")', "nothing.png: no such picture"),
    ('score("owl")', 'give "owl" by its number'),
    ('channel("conv1", 8)', '"conv1" has 8 channels, from 0 to 7, no 8'),
    ('score("\u00b2")', 'give "\u00b2" by its number'),
    ('score(4)', 'has 4 classes in "fc", from 0 to 3, no 4'),
])  # fmt: skip
def test_objectives_of_what_is_not_there(text, message, run, photo, tmp_path, fast):
    code, _, err = run("dream", photo, "-o", tmp_path / "out.png", "--objective", text, *fast)
    assert code == 2 and message in err.splitlines()[-1], err
    assert not (tmp_path / "out.png").exists()


def test_guide_and_objective_exclude_each_other(run, photo, tmp_path):
    code, _, err = run(
        "dream", photo, "-o", tmp_path / "out.png", "--objective", 'l2("conv1")', "--guide", photo
    )
    assert code == 2 and "exclude each other" in err


def test_a_net_that_breaks_keeps_the_last_good_picture(run, photo, tmp_path, monkeypatch):
    steps = []
    right = deepdream.make_step

    def breaking(net, **settings):
        steps.append(1)
        if len(steps) == 4:
            settings["objective"] = lambda dst: dst.diff.fill(np.nan)
        return right(net, **settings)

    monkeypatch.setattr("deepdream.dream.octaves.make_step", breaking)
    code, _, err = run(
        "dream", photo, "-o", tmp_path / "out.png", "--iterations", 3, "--octaves", 2
    )
    said = err.strip().splitlines()[-1]
    assert code == 2 and "octave 2 of 2, step 1 of 3" in said and "out-last-good.png" in said
    kept = pictures.load(tmp_path / "out-last-good.png")
    assert (
        kept.shape == (90, 120, 3)
        and np.isfinite(kept).all()
        and not (tmp_path / "out.png").exists()
    )


def test_texts_mean_what_they_say(net, small):
    text = '-l2("conv1") * 2 + 0.5 * (channel("conv1", 1) - 3 * neuron("conv1", 2))'
    objective = Expression(text).build(Context(net, small))
    assert [(t.name.split("(")[0], t.weight) for t in objective.terms] == [
        ("l2", -2),
        ("channel", 0.5),
        ("neuron", -1.5),
    ]


def test_a_text_with_other_names_for_its_files():
    text = """ (l2("m\u00fc") +\r\n
      guide("m", "m",\n\t'a' ".png") .within("m"))"""
    renamed = Expression(text).renamed({"m": "../\u00fc'.png", "a.png": "b"})
    assert Expression(renamed).files == ["../\u00fc'.png", "b", "../\u00fc'.png"]
    assert Expression(renamed).layers == ["m\u00fc", "m"]
    assert Expression(text).renamed({}) == text.strip()


def test_a_sum_of_many_terms(net, small):
    objective = Expression(" + ".join(['l2("conv1")'] * 300)).build(Context(net, small))
    assert len(objective.terms) == 300


def test_an_expression_keeps_no_net(net, small, photo):
    expression = Expression(f'l2("conv1") + guide("conv1", "{photo}").within("{photo}")')
    objective = expression.build(Context(net, small))
    assert len(objective.terms) == 2
    assert all(value is not net for value in vars(expression).values())


def test_a_picture_and_what_its_objective_names_can_move_together(run, photo, mask, tmp_path, fast):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    for path in (photo, mask):
        path.rename(old / path.name)
    text = f'l2("{LAYER}").within("{old / mask.name}")'
    run("dream", old / photo.name, "-o", old / "out.png", "--seed", 1, "--objective", text, *fast)
    old.rename(new)
    code, said, err = run("replay", new / "out.png")
    assert code == 0 and "equal to the bit" in said, err


def test_short_names_of_layers_are_recorded_in_full(run, photo, tmp_path, fast):
    full, said = '-l2("inception_3b/output") + channel("inception_4c/output", 1)', {}
    for name, text in (("short", '-l2("3b") + channel("4c", 1)'), ("full", full)):
        out = tmp_path / f"{name}.png"
        code, _, err = run("dream", photo, "-o", out, "--objective", text, "--seed", 1, *fast)
        assert code == 0, err
        said[name] = json.loads(pictures.read_recipe(out))["settings"]["objective"]
    assert said["short"] == said["full"].replace('"', "'")
    np.testing.assert_array_equal(*(pictures.load(tmp_path / f"{name}.png") for name in said))
    code, _, err = run("replay", tmp_path / "short.png")
    assert code == 0, err


def test_the_sum_of_scores_of_classes_by_any_name():
    text = scores(["eye", '"\\', "3", "\u00fc"])
    assert Expression(text).classes == ["eye", '"\\', "3", "\u00fc"]
    assert text.startswith('score("eye") + score(')
