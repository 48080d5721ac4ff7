"""deepdream heatmap: where a class is in a picture, and requests that cannot be met."""

import numpy as np
import pytest
from PIL import Image

from scripts.docs import motif_scene


@pytest.fixture
def run(run, engine_name):
    """Call `deepdream heatmap` on the net of motifs; returns (exit code, stdout, stderr)."""
    motifs = ["--model", "motif_googlenet", "--engine", engine_name]
    return lambda *args: run("heatmap", *args, *motifs)


@pytest.fixture
def refused(run, tmp_path):
    def call(*args):
        before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
        code, out, err = run(*args)
        assert code == 2 and len(err.strip().splitlines()) == 1, (code, out, err)
        after = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
        assert after == before, "something was written"
        return err

    return call


@pytest.fixture
def scene(tmp_path):
    path = tmp_path / "scene.png"
    Image.fromarray(motif_scene.scene(["wheel", "pagoda", "owl", "fish"], seed=8, columns=4)).save(
        path
    )
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name, place", [("wheel", 0), ("owl", 2)])
def test_a_heatmap_is_hot_where_the_class_is(name, place, run, scene, tmp_path):
    code, said, err = run(scene, "--class", name, "-o", tmp_path / "out.png")
    assert code == 0 and f"{name} in motif_googlenet: 1.000 at most" in said, (said, err)
    before, after = (
        np.asarray(Image.open(p).convert("RGB"), float) for p in (scene, tmp_path / "out.png")
    )
    assert after.shape[1] == before.shape[1] and 0 < after.shape[0] - before.shape[0] < 20
    redness = (after[:112, :, 0] - after[:112, :, 2])[16:96]
    means = [redness[:, 112 * i + 30 : 112 * i + 82].mean() for i in range(4)]
    assert np.argmax(means) == place and means[place] > 2 * sorted(means)[-2] + 20, means


def test_a_class_that_the_model_does_not_have(refused, scene, tmp_path):
    said = refused(scene, "--class", "pagado", "-o", tmp_path / "out.png")
    assert 'has no class "pagado"; did you mean pagoda' in said
    assert "has no class" in refused(scene, "--class", "44", "-o", tmp_path / "out.png")


def test_a_picture_that_is_too_small(refused, tmp_path):
    Image.new("RGB", (40, 60)).save(tmp_path / "small.png")
    said = refused(tmp_path / "small.png", "--class", "owl", "-o", tmp_path / "out.png")
    assert "the picture is 40x60" in said and "--scale 2.4" in said


def test_a_scale_out_of_range(refused):
    said = refused("x.png", "--class", "owl", "--scale", "-1")
    assert "over 0 and at most 100, not -1" in said
