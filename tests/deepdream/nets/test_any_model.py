"""Models by folder: without a readme, with flags for mean and channel order, with mean files; V1
files."""

import json
import shutil

import numpy as np
import pytest

import deepdream
from deepdream import nets as model
from deepdream import pictures
from deepdream.errors import ModelError


@pytest.fixture
def bare(small_folder, tmp_path):
    """A folder with a prototxt and a caffemodel, and no readme."""
    folder = shutil.copytree(
        small_folder, tmp_path / "bare", ignore=shutil.ignore_patterns(".any_size")
    )
    (folder / "readme.md").unlink()
    (folder / "deploy.prototxt").rename(folder / "net_deploy.prototxt")
    return folder


@pytest.fixture
def dream(run, photo, tmp_path, fast):
    def call(folder, *args):
        out = tmp_path / "out.png"
        code, said, err = run(
            "dream", photo, "-o", out, "--model", folder, "--seed", 1, *fast, *args
        )
        return code, said + err, pictures.load(out) if out.exists() else None

    return call


def test_a_bare_folder_with_a_mean_dreams_as_the_model_does(bare, small_folder, dream):
    _, _, wanted = dream(small_folder)
    code, said, found = dream(bare, "--mean", "104,116,122")
    assert code == 0 and np.array_equal(found, wanted), said


def test_a_bare_folder_without_a_mean_says_what_it_needs(bare, dream):
    code, said, _ = dream(bare)
    assert code == 2 and "a folder without one needs --mean B,G,R" in said


def test_two_caffemodels_are_one_too_many(bare, dream):
    shutil.copy(bare / "small.caffemodel", bare / "other.caffemodel")
    code, said, _ = dream(bare, "--mean", "104,116,122")
    assert code == 2 and "holds 2 (other.caffemodel, small.caffemodel); leave one" in said


def test_a_mean_picture_is_reduced_to_its_colour_and_said_so(
    bare, small_folder, dream, caffe, tmp_path
):
    mean = np.float32([104, 116, 122]).reshape(3, 1, 1) + np.float32([[-5, 5], [10, -10]])
    np.save(tmp_path / "mean.npy", mean)
    blob = caffe.io.caffe_pb2.BlobProto(num=1, channels=3, height=2, width=2)
    blob.data.extend(mean.ravel().tolist())
    (tmp_path / "mean.binaryproto").write_bytes(blob.SerializeToString())
    _, _, wanted = dream(small_folder)
    for name in ("mean.npy", "mean.binaryproto"):
        code, said, found = dream(bare, "--mean", tmp_path / name)
        assert (
            code == 0
            and f"{name} is a mean picture of 2x2; its mean colour 104, 116, 122 is used" in said
        )
        assert np.array_equal(found, wanted)


def test_a_mean_of_three_values_in_a_file_needs_no_note(bare, dream, tmp_path):
    np.save(tmp_path / "mean.npy", np.array([104, 116, 122.0]))
    code, said, _ = dream(bare, "--mean", tmp_path / "mean.npy")
    assert code == 0 and "mean picture" not in said


def test_a_net_of_rgb_gets_rgb(bare, caffe, rng):
    net = deepdream.load_net(model.find(str(bare), mean="122,116,104", channel_order="rgb"), caffe)
    picture = np.float32(rng.uniform(0, 255, (6, 7, 3)))
    prepared = deepdream.preprocess(net, picture)
    np.testing.assert_allclose(prepared[0], picture[..., 0] - 122, atol=1e-4)
    np.testing.assert_allclose(deepdream.deprocess(net, prepared), picture, atol=1e-4)


def test_flags_are_in_the_recipe_and_replayed(bare, dream, tmp_path, run):
    dream(bare, "--mean", "100,110,120", "--channel-order", "rgb")
    recipe = json.loads(pictures.read_recipe(tmp_path / "out.png"))["model"]
    assert recipe["mean"] == [100, 110, 120] and recipe["channel_order"] == "rgb"
    assert "equal to the bit" in run("replay", tmp_path / "out.png")[1]


@pytest.mark.parametrize(
    "content, message",
    [
        (np.zeros((2, 4, 4)), "has the shape (2, 4, 4)"),
        (np.full(3, np.nan), "values that are not numbers"),
        (b"broken", "not a mean file, or a broken one"),
    ],
)
def test_mean_files_that_are_none(content, message, bare, tmp_path):
    path = tmp_path / "mean.npy"
    path.write_bytes(content) if isinstance(content, bytes) else np.save(path, content)
    with pytest.raises(ModelError) as e:
        model.find(str(bare), mean=str(path))
    assert message in str(e.value)


def test_means_that_are_none(bare):
    for mean, message in (
        ("1,2", "the mean is '1,2', 2 values"),
        ("nothing.npy", "cannot be read"),
        ("mean.txt", "three such as"),
        ("1,x,3", "neither numbers nor a mean file"),
        ("\0", "neither numbers nor a mean file"),
    ):
        with pytest.raises(ModelError) as e:
            model.find(str(bare), mean=mean)
        assert message in str(e.value)
    broken = bare / "x.binaryproto"
    broken.write_bytes(b"\xff\xff\xff")
    with pytest.raises(ModelError, match="x.binaryproto: not a mean file"):
        model.find(str(bare), mean=str(broken))


def test_names_of_models_are_found_in_any_case():
    assert (
        model.find("resnet-50").name == "ResNet-50"
        and model.find("vgg_ilsvrc_16_layers").name == "VGG_ILSVRC_16_layers"
    )


def test_a_readme_of_an_unknown_channel_order(small_folder, tmp_path):
    folder = shutil.copytree(small_folder, tmp_path / "copy")
    (folder / "readme.md").write_text(
        (folder / "readme.md").read_text().replace("end:", "channel_order: brg\nend:")
    )
    with pytest.raises(ModelError, match='channel_order is "brg", not bgr or rgb'):
        model.find(str(folder))


def test_v1_files_are_models_too(tmp_path, caffe, photo, dream, engine_name):
    text = """
    input: "data" input_dim: 1 input_dim: 3 input_dim: 32 input_dim: 32
    layers { name: "inception_4c/output" type: CONVOLUTION bottom: "data" top: "inception_4c/output"
             convolution_param { num_output: 6 kernel_size: 5 stride: 2
                                 weight_filler { type: "xavier" } } }
    layers { name: "relu" type: RELU bottom: "inception_4c/output" top: "inception_4c/output" }
    """
    folder = tmp_path / "v1"
    folder.mkdir()
    (folder / "deploy.prototxt").write_text(text)
    caffe.Net(str(folder / "deploy.prototxt"), caffe.TEST).save(str(folder / "net.caffemodel"))
    assert dream(folder, "--mean", "104,117,123")[0] == 0
