"""Classes from noise: every method raises the class's probability; the command's requests."""

from dataclasses import replace

import numpy as np
import pytest

from deepdream import cli, pictures
from deepdream.dream import class_pictures as classes
from deepdream.errors import NotFiniteError


def quick(name):
    """A method of twelve steps an octave."""
    method = classes.METHODS[name]
    if isinstance(method, classes.FourierMethod):
        return replace(method, steps=30)
    return replace(method, octaves=tuple(replace(o, steps=12) for o in method.octaves))


@pytest.mark.parametrize("name", classes.METHODS)
def test_the_class_becomes_more_probable(name, net):
    method = quick(name)
    pictures = classes.visualise(net, "fc", 2, (32, 32), [5, 6], method)
    side = round(32 * (method if "fourier" in name else method.octaves[-1]).scale)
    assert (
        pictures.shape == (2, side, side, 3)
        and pictures.min() >= -1e-3
        and pictures.max() <= 255.001
    )
    start = classes.visualise(
        net, "fc", 2, (32, 32), [5, 6], classes.Method((), getattr(method, "noise", 0))
    )
    assert (
        classes.probabilities(net, pictures, 2, (32, 32))
        > classes.probabilities(net, start, 2, (32, 32))
    ).all()


def test_steps_fade_from_the_first_value_to_the_last():
    octave = classes.Octave(1.0, 3, (9.0, 4.0), (1.0, 0.0))
    assert [octave.at(i) for i in range(3)] == [(9.0, 1.0), (6.5, 0.5), (4.0, 0.0)]
    assert classes.Octave(1.0, 1, (9.0, 4.0), (1.0, 0.0)).at(0) == (9.0, 1.0)


def test_grey_noise_is_its_seeds():
    noise = classes.grey_noise((30, 40), range(5, 8))
    assert noise.shape == (3, 30, 40, 3) and noise.dtype == np.float32
    assert abs(noise.mean() - 128) < 1 and abs(noise.std() - 20) < 1
    assert np.array_equal(noise[1:2], classes.grey_noise((30, 40), [6]))
    assert not np.array_equal(noise[0], noise[1])


def test_pictures_of_a_batch_are_those_made_alone(net):
    method = quick("yosinski-c")
    both = classes.visualise(net, "fc", 1, (32, 32), [3, 4], method)
    alone = classes.visualise(net, "fc", 1, (32, 32), [4], method)
    assert np.abs(both[1] - alone[0]).mean() < 0.5
    assert np.abs(both[0] - both[1]).mean() > 5


@pytest.mark.parametrize(("name", "total"), [("octaves", 36), ("fourier", 30)])
def test_every_step_is_reported(name, total, net):
    seen = []
    classes.visualise(net, "fc", 1, (32, 32), [3], quick(name), lambda *p: seen.append(p))
    assert seen == [(i + 1, total) for i in range(total)]


@pytest.mark.parametrize("name", ["octaves", "fourier"])
def test_broken_weights_say_where(name, net):
    net.params["conv1"][0].data[...] = np.nan
    with pytest.raises(NotFiniteError, match='"fc", class 1, step 1: the gradient is not a number'):
        classes.visualise(net, "fc", 1, (32, 32), [3], quick(name))


@pytest.fixture
def call(small_folder, engine_name, tmp_path, monkeypatch, capsys):
    from pathlib import Path

    monkeypatch.setattr(classes, "METHODS", {name: quick(name) for name in classes.METHODS})
    readme = Path(small_folder) / "readme.md"
    before = readme.read_text()
    readme.write_text(before.replace("end:", "classes: ['ape', 'bee', 'cow', 'a/b']\nend:"))

    def run(*args):
        try:
            code = cli.main(
                ["classes", *map(str, args), "--model", str(small_folder), "--engine", engine_name]
            )
        except SystemExit as e:
            code = e.code
        out = capsys.readouterr()
        return code, out.out, out.err

    yield run
    readme.write_text(before)


def test_the_command_writes_pictures_and_a_sheet(call, tmp_path):
    out = tmp_path / "out"
    code, said, _ = call("bee", "3", "-o", out, "--seeds", 2, "--seed", 7)
    assert code == 0 and "bee " in said and "before" in said and "after" in said
    assert {p.name for p in out.iterdir()} == {
        "bee-7.png",
        "bee-8.png",
        "a_b-7.png",
        "a_b-8.png",
        "sheet.png",
    }
    assert '"class": "bee"' in pictures.read_recipe(out / "bee-7.png")
    sheet = pictures.load(out / "sheet.png")
    assert sheet.shape[0] > 2 * 192 and sheet.shape[1] > 2 * 192


@pytest.mark.slow
def test_all_classes(call, tmp_path):
    assert call("all", "-o", tmp_path / "out", "--seeds", 1)[0] == 0
    assert len(list((tmp_path / "out").glob("*-0.png"))) == 4


def test_a_class_that_is_named_twice_is_shown_once(call, tmp_path):
    assert call("bee", "bee", "-o", tmp_path / "out", "--seeds", 1)[0] == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("args, message", [
    (["cwo"], "did you mean cow"),
    (["4"], 'has no class "4"'),
    (["bee", "--seeds", "0"], "at least 1"),
    (["bee", "--method", "magic"], "invalid choice"),
])  # fmt: skip
def test_requests_that_cannot_be_met(args, message, call, tmp_path):
    code, _, err = call(*args, "-o", tmp_path / "out")
    assert code == 2 and message in err and not (tmp_path / "out").exists()


def test_the_step_goes_where_the_window_was(net, monkeypatch):
    # a gradient that is the shifted window itself must come back to where that was
    def window(net, diffs, end, clear):
        return net.blobs["data"].data.copy()

    monkeypatch.setattr(classes, "backward", window)
    steps = []
    method = classes.Method(
        (classes.Octave(1.5, 1, (1.0, 1.0), (0, 0)),),
        noise=20,
        jitter=9,
        between=lambda x, g, step: steps.append((x.copy(), g)),
    )
    classes.visualise(net, "fc", 1, (32, 32), [3, 4], method)
    ((x, g),) = steps
    inside = g != 0
    assert 0.3 < inside.mean() < 0.6
    np.testing.assert_allclose(
        (x - g / np.abs(g).sum((1, 2, 3), keepdims=True) * 3 * 32 * 32)[inside],
        g[inside],
        rtol=1e-3,
        atol=1e-3,
    )


def test_what_yosinski_does_between_steps_is_done(net):
    mean = net.transformer.mean["data"][::-1].transpose(1, 2, 0)
    pictures = classes.visualise(net, "fc", 1, (32, 32), [3], quick("yosinski-a"))
    assert (np.abs(pictures - mean).max(3) < 1e-3).mean() > 0.4


def test_a_prior_keeps_values_small(net):
    strong = classes.Method(
        (classes.Octave(1.0, 12, (4.0, 4.0), (0, 0)),), prior=1e3 * classes.l2_norm()
    )
    free = classes.Method(strong.octaves)
    assert np.std(classes.visualise(net, "fc", 1, (32, 32), [3], strong)) < 0.7 * np.std(
        classes.visualise(net, "fc", 1, (32, 32), [3], free)
    )
