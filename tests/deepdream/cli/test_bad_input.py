"""Every request that cannot be met: one line on stderr, exit code 2, nothing written, no
traceback."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import deepdream
from deepdream import cli, nets, pictures
from deepdream.errors import SizeError, TargetError
from netfile.memory import Free


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


def test_model_without_its_weights_says_how_to_get_them(photo, out, capsys, monkeypatch, tmp_path):
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
    assert "--out" in refused("dream", photo)


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

    monkeypatch.setattr("deepdream.cli.commands.dream.prepare", too_much)
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
        "compat": "computes on the CPU only",
        "caffe": "GPU 99: this Caffe has no such GPU (a CPU-only build?)",
    }[engine_name]
    assert message in refused("dream", photo, "-o", out, "--gpu", 99)


@pytest.fixture
def broken(small_folder, tmp_path):
    """A copy of the small model to break."""
    return shutil.copytree(small_folder, tmp_path / "broken")


@pytest.fixture
def refused_model(run, photo, out, fast):
    """Dream with a model folder that must be refused; returns the one line."""

    def call(model):
        code, _, err = run("dream", photo, "-o", out, "--model", model, *fast)
        assert code == 2 and len(err.strip().splitlines()) == 1 and not out.exists(), err
        return err

    return call


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[:-1000], lambda raw: b"", lambda raw: b"<html>moved</html>" * 500],
    ids=["cut", "empty", "html"],
)
def test_broken_weights(damage, broken, refused_model):
    path = broken / "small.caffemodel"
    path.write_bytes(damage(path.read_bytes()))
    said = refused_model(broken)
    assert "not a caffemodel, " in said or "given where a caffemodel goes" in said


def test_weights_of_another_net(broken, caffe, refused_model):
    deploy = (broken / "deploy.prototxt").read_text()
    (broken / "other.prototxt").write_text(deploy.replace('"conv1"', '"first"'))
    caffe.Net(str(broken / "other.prototxt"), caffe.TEST).save(str(broken / "small.caffemodel"))
    said = refused_model(broken)
    assert "has no weights for 1 of the net's 5 layers, conv1 for one" in said


def test_weights_of_another_shape(broken, refused_model):
    path = broken / "deploy.prototxt"
    path.write_text(path.read_text().replace("num_output: 8", "num_output: 9"))
    said = refused_model(broken)
    assert "(8, 3, 5, 5)" in said and "(9, 3, 5, 5)" in said and '"conv1"' in said


def test_prototxt_with_a_syntax_error(broken, refused_model):
    path = broken / "deploy.prototxt"
    path.write_text(path.read_text().replace("kernel_size: 5", "kernel_size 5"))
    assert "deploy.prototxt: syntax error at line:column 6:" in refused_model(broken)


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            'type: "Concat"',
            'type: "Concate"',
            'layer "inception_3b/output" has the unknown type "Concate"; did you mean "Concat"?',
        ),
        (
            'bottom: "pool1" top: "inception_3b/1x1"',
            'bottom: "pool2" top: "inception_3b/1x1"',
            'reads "pool2", which no earlier layer makes',
        ),
    ],
)
def test_a_deploy_net_that_would_end_a_real_caffe(old, new, message, broken, refused_model):
    path = broken / "deploy.prototxt"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert message in refused_model(broken)


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            "num_output: 6 kernel_size: 1",
            "num_output: 6 kernel_size: 1 group: 5",
            '"inception_3b/1x1"',
        ),
        (
            "num_output: 6 kernel_size: 1",
            "num_output: 6 kernel_size: 1 group: 0",
            '"inception_3b/1x1"',
        ),
        ("num_output: 6 kernel_size: 1", "num_output: 6", '"inception_3b/1x1"'),
        (
            "num_output: 6 kernel_size: 1",
            "num_output: 6 kernel_size: 1 kernel_h: 2",
            '"inception_3b/1x1"',
        ),
        ("num_output: 6 kernel_size: 1", "kernel_size: 1", '"inception_3b/1x1"'),
        ("stride: 2 pad: 2", "stride: 0 pad: 2", '"conv1"'),
        ("kernel_size: 3 stride: 2 }", "kernel_size: 3 stride: 2 pad: 3 }", '"pool1"'),
        (
            "kernel_size: 3 stride: 2 }",
            "global_pooling: true stride: 2 kernel_size: 3 }",
            '"pool1"',
        ),
        (
            'bottom: "inception_3b/5x5_reduce" top: "inception_3b/output"',
            'bottom: "conv1" top: "inception_3b/output"',
            '"inception_3b/output"',
        ),
        ('type: "ReLU" bottom: "conv1"', 'type: "ReLU" bottom: "conv1" bottom: "data"', '"relu1"'),
        ("inner_product_param {", "inner_product_param { axis: 9 ", '"fc"'),
        (
            'name: "prob" type: "Softmax"',
            'name: "prob" type: "Softmax" softmax_param { axis: 5 }',
            '"prob"',
        ),
        (
            'name: "prob" type: "Softmax"',
            'name: "prob" type: "LRN" lrn_param { local_size: 4 }',
            '"prob"',
        ),
        ("dim: 1 dim: 3 dim: 32 dim: 32", "dim: 1 dim: 3 dim: 0 dim: 32", "deploy.prototxt"),
        ("dim: 1 dim: 3 dim: 32 dim: 32", "dim: 1 dim: 3 dim: -5 dim: 32", "deploy.prototxt"),
        ("dim: 1 dim: 3 dim: 32 dim: 32", "dim: 1 dim: 1 dim: 32 dim: 32", "deploy.prototxt"),
        ("dim: 1 dim: 3 dim: 32 dim: 32", "dim: 1 dim: 3", "deploy.prototxt"),
        ("shape { dim: 1 dim: 3 dim: 32 dim: 32 }", "", "deploy.prototxt"),
    ],
)
def test_layer_settings_that_would_end_a_real_caffe(old, new, message, broken, refused_model):
    path = broken / "deploy.prototxt"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert message in refused_model(broken)


def test_weights_whose_layers_have_another_number_of_blobs(broken, refused_model):
    path = broken / "deploy.prototxt"
    path.write_text(
        path.read_text().replace(
            "num_output: 6 kernel_size: 1", "num_output: 6 kernel_size: 1 bias_term: false"
        )
    )
    assert '"inception_3b/1x1"' in refused_model(broken)


def test_the_library_refuses_what_would_end_a_real_caffe(net, rng):
    picture = np.float32(rng.uniform(0, 255, (20, 30, 3)))
    with pytest.raises(SizeError, match="octave 2 of 4 would be 15x10 pixels"):
        deepdream.deepdream(net, picture)
    with pytest.raises(TargetError, match="did you mean inception_4c/output"):
        deepdream.deepdream(net, picture, end="inception_4c/outputs")
    with pytest.raises(SizeError, match='the picture is 4x3: layer "inception_4c/output"'):
        deepdream.guide_features(net, picture[:3, :4], "inception_4c/output")


def test_reshape_to_what_an_inner_product_cannot_take(net, caffe):
    net.blobs["data"].reshape(1, 3, 60, 80)
    with pytest.raises(
        (SizeError, getattr(caffe, "ShapeError", SizeError)),
        match='"fc": Input size incompatible .* K_ .*360.*2340.*net_surgery',
    ):
        net.reshape()


def test_readme_without_what_is_needed(broken, refused_model):
    (broken / "readme.md").write_text("---\nname: x\n---\n")
    assert 'needs "caffemodel: FILE" and "mean: [BLUE, GREEN, RED]"' in refused_model(broken)


def test_zero_gradient_says_so(broken, photo, out, engine_name, capsys, caffe, fast):
    net = caffe.Net(str(broken / "deploy.prototxt"), str(broken / "small.caffemodel"), caffe.TEST)
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = 0
    net.save(str(broken / "small.caffemodel"))
    code = cli.main(
        [
            "dream",
            str(photo),
            "-o",
            str(out),
            "--model",
            str(broken),
            "--engine",
            engine_name,
            *fast,
        ]
    )
    assert code == 2 and not out.exists()
    assert "the gradient is zero everywhere" in capsys.readouterr().err.strip().splitlines()[-1]


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
