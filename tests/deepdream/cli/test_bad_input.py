"""Every request that cannot be met: one line on stderr, exit code 2, nothing written, no
traceback."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

import deepdream
from deepdream import cli, nets, pictures
from deepdream.errors import SizeError, TargetError
from netfile.system.memory import Free


@pytest.fixture
def refused(run, tmp_path):
    """Run a command that must fail; returns its one line."""

    def call(*args):
        before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
        code, out, err = run(*args)
        assert code == 2, (code, out, err)
        assert len(err.strip().splitlines()) == 1 and "Traceback" not in err, err
        assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before, (
            "something was written"
        )
        return err

    return call


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.png"


def test_missing_picture(refused, tmp_path, out):
    assert "nothing.png: no such picture" in refused("dream", tmp_path / "nothing.png", "-o", out)


def test_broken_picture(refused, tmp_path, out):
    (tmp_path / "x.png").write_text("no picture")
    assert 'x.png: the text "no picture", given where a picture goes' in refused(
        "dream", tmp_path / "x.png", "-o", out
    )


def test_bomb(refused, photo, out, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "too large to be safe" in refused("dream", photo, "-o", out)


def test_too_many_octaves(refused, photo, out):
    said = refused("dream", photo, "-o", out, "--octaves", 12)
    assert (
        "octave 5 of 12" in said and 'layer "inception_4c/output"' in said and "--octaves 7" in said
    )


def test_unknown_end(refused, photo, out):
    assert "did you mean inception_4c/output" in refused(
        "dream", photo, "-o", out, "--end", "inception_4c/ouput"
    )


def test_in_place_end(refused, photo, out):
    assert "use --end inception_3b/5x5_reduce" in refused(
        "dream", photo, "-o", out, "--end", "inception_3b/relu_5x5_reduce"
    )


def test_unknown_model_offers_the_nearest(photo, out, capsys):
    assert cli.main(["dream", str(photo), "-o", str(out), "--model", "bvlc_gogglenet"]) == 2
    assert "did you mean bvlc_googlenet?" in capsys.readouterr().err


def test_model_without_its_weights_says_how_to_get_them(
    caffe, photo, out, capsys, monkeypatch, tmp_path
):
    bvlc = dataclasses.replace(
        nets.find("bvlc_googlenet"), weights=tmp_path / "bvlc_googlenet.caffemodel"
    )
    monkeypatch.setattr(nets, "find", lambda *args: bvlc)
    assert cli.main(["dream", str(photo), "-o", str(out), "--model", "bvlc_googlenet"]) == 2
    said = capsys.readouterr().err
    assert (
        "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel" in said
        and len(said.strip().splitlines()) == 1
    )
    assert not out.exists()


@pytest.mark.parametrize(
    "args, message",
    [
        (["--octave-scale", "1"], "over 1"),
        (["--octave-scale", "nan"], "over 1"),
        (["--iterations", "-1"], "at least 0"),
        (["--iterations", "x"], "whole number"),
        (["--octaves", "0"], "at least 1"),
        (["--step-size", "0"], "over 0"),
        (["--step-size", "inf"], "over 0"),
        (["--jitter", "-3"], "at least 0"),
        (["--seed", "-1"], "at least 0"),
        (["--seed", "4294967296"], "at most 4294967295"),
        (["--gpu", "one"], "whole number"),
        (["--gpu", "9" * 30], "at most"),
        (["--iterations", "\u00b2"], "whole number"),
        (["--iterations", "\u0663"], "whole number"),
        (["--iterations", "9" * 30], "at most"),
        (["--iterations", "9" * 5000], "at "),
        (["--iterations", ""], "whole number"),
        (["--iterations", "inf"], "whole number"),
        (["--octaves", "nan"], "whole number"),
        (["--octave-scale", "inf"], "over 1"),
        (["--octave-scale", "\u00b2"], "over 1"),
        (["--jitter", str(2**31)], "at most"),
        (["--jitter", str(2**30)], "at most"),
        (["--step-size", ""], "over 0"),
        (["--step-size", "nan"], "over 0"),
        (["--seed", "1e3"], "whole number"),
    ],
)
def test_bad_numbers(args, message, refused, photo, out):
    assert message in refused("dream", photo, "-o", out, *args)


def test_unknown_option_and_missing_command(refused, photo, out):
    assert "unrecognized arguments: --octave-sclae 2" in refused(
        "dream", photo, "-o", out, "--octave-sclae", "2"
    )
    assert "--out" in refused("zoom", photo)


def test_bad_destinations_are_found_first(refused, photo, tmp_path):
    assert "no such folder" in refused("dream", photo, "-o", tmp_path / "no" / "out.png")
    assert "unknown format" in refused("dream", photo, "-o", tmp_path / "out.xyz")
    assert "no such folder" in refused("zoom", photo, "-o", tmp_path / "no" / "frames")


def test_a_file_where_the_frames_should_go(refused, photo):
    assert "is a file, not a folder" in refused("zoom", photo, "-o", photo)


@pytest.mark.parametrize(
    "change", [{"octaves": 10**9}, {"octave_scale": 0.5}, {"jitter": "x"}, {"unknown": 1}]
)
def test_a_recipe_with_impossible_settings(change, refused, photo, tmp_path, run, fast):
    out = tmp_path / "dream.png"
    run("dream", photo, "-o", out, *fast)
    recipe = json.loads(pictures.read_recipe(out))
    recipe["settings"].update(change)
    pictures.save(out, pictures.load(out), json.dumps(recipe))
    assert "its recipe cannot be read" in refused("replay", out)


def test_out_of_memory(refused, photo, out, monkeypatch):
    def too_much(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("deepdream.request.job.Request.job", too_much)
    assert "not enough memory" in refused("dream", photo, "-o", out)


def test_out_of_memory_inside_a_layer(run, photo, out, monkeypatch, engine_name, fast):
    if engine_name == "caffe":
        pytest.skip("a real Caffe ends the process")

    def too_much(*args):
        raise MemoryError("Unable to allocate 3 MiB")

    monkeypatch.setattr("caffe_compat.layer_types.pooling.Pooling.forward", too_much)
    code, _, err = run("dream", photo, "-o", out, *fast)
    assert code == 2 and err.splitlines()[-1].startswith("deepdream dream: not enough memory")


def test_unwritable_folder(refused, photo, tmp_path, monkeypatch):
    # by the question asked of the system, since root may write anywhere
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "cannot be written to" in refused("dream", photo, "-o", tmp_path / "out.png")


def test_guide_too_small(refused, photo, tmp_path, out):
    Image.new("RGB", (3, 3)).save(tmp_path / "guide.png")
    assert "the guide picture is 3x3" in refused(
        "dream", photo, "-o", out, "--guide", tmp_path / "guide.png"
    )


def test_gpu_that_is_not_there(refused, photo, out, engine_name):
    # no machine has as many GPUs as this; a CPU-only Caffe would end the process at the first
    message = {
        "compat": "GPU 99: ",  # no PyTorch, no GPU, or fewer
        "caffe": "GPU 99: this Caffe has no such GPU (a CPU-only build?)",
    }[engine_name]
    assert message in refused("dream", photo, "-o", out, "--gpu", 99)


def test_the_library_refuses_what_would_end_a_real_caffe(net, rng):
    picture = np.float32(rng.uniform(0, 255, (20, 30, 3)))
    with pytest.raises(SizeError, match="octave 2 of 4 would be 15x10 pixels"):
        deepdream.deepdream(net, picture)
    with pytest.raises(TargetError, match="did you mean inception_4c/output"):
        deepdream.deepdream(net, picture, end="inception_4c/outputs")
    with pytest.raises(SizeError, match='the picture is 4x3: layer "inception_4c/output"'):
        deepdream.guide_features(net, picture[:3, :4], "inception_4c/output")


def test_ctrl_c_exits_with_130_and_leaves_nothing(run, photo, out, monkeypatch, tmp_path, fast):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("deepdream.dream.octaves.make_step", interrupted)
    before = set(tmp_path.iterdir())
    code, _, err = run("dream", photo, "-o", out, *fast)
    assert code == 130 and "stopped" in err and "Traceback" not in err
    assert set(tmp_path.iterdir()) == before


def test_a_picture_too_large_for_the_memory(refused, photo, out, monkeypatch):
    monkeypatch.setattr("deepdream.nets.memory.free", lambda: Free(10**5, "left"))
    assert "the picture is 120x90: a step at that size takes" in refused("dream", photo, "-o", out)


def test_fast_is_for_a_gpu(refused, photo, out):
    assert "--fast is for a GPU; give --gpu N too" in refused("dream", photo, "-o", out, "--fast")


def test_a_real_caffe_is_not_made_fast(refused, photo, out, engine_name, monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_FAST", "1")
    said = refused("dream", photo, "-o", out, "--gpu", 99)
    assert ("leave out --fast, or use --engine compat" in said) == (engine_name == "caffe")
