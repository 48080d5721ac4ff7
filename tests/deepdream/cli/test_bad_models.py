"""Models that cannot be dreamt on: one line on stderr, exit code 2, nothing written."""

import shutil

import pytest

from deepdream import cli
from deepdream.errors import SizeError


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.png"


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
