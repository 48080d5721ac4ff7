"""Models by folder: without a readme, with flags for mean and channel order, with mean files; V1
files."""

import io
import json
import os
import shutil

import numpy as np
import pytest

import deepdream
from deepdream import nets as model
from deepdream import pictures
from deepdream.errors import ModelError
from deepdream.nets import catalogue


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
            "dream", photo, "-o", out, "--model", folder, "--seed", 1, "--overwrite", *fast, *args
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


def npy(array, **params):
    out = io.BytesIO()
    np.save(out, array, **params)
    return out.getvalue()


def npz():
    out = io.BytesIO()
    np.savez(out, mean=np.zeros(3))
    return out.getvalue()


BROKEN = "not a mean file, or a broken one"


@pytest.mark.parametrize(
    "content, message",
    [
        (npy(np.zeros((2, 4, 4))), "has the shape (2, 4, 4)"),
        (npy(np.zeros((3, 0, 4))), "has the shape (3, 0, 4)"),
        (npy(np.full(3, np.nan)), "not finite numbers"),
        (npy(np.array([1, 2, np.inf])), "not finite numbers"),
        (npy(np.array([1, 2, 1e300])), "not finite numbers"),
        (npy(np.array(["a", "b", "c"])), "not numbers"),
        (npy(np.zeros(3, complex)), "not numbers"),
        (npy(np.array([1, None, {}]), allow_pickle=True), BROKEN),
        (npz(), "a zip archive"),
        (b"", "an empty file, given where"),
        (b"broken", 'the text "broken", given where a NumPy array goes'),
        (b"104,117,123", 'the text "104,117,123", given where'),
        (b"\x93NUMPY", BROKEN),
        (npy(np.zeros((3, 9, 9)))[:-5], BROKEN),
        (npy(np.zeros(3)).replace(b"(3,)", b"(3e"), BROKEN),
        (npy(np.zeros(3)).replace(b"(3,), }" + b" " * 12, b"(3, 10**6, 10**6), }"), BROKEN),
        (npy(np.zeros(3)).replace(b"(3,), }" + b" " * 9, b"(3,9999999999), }"[:16]), BROKEN),
    ],
)
def test_mean_files_that_are_none(content, message, bare, tmp_path):
    path = tmp_path / "mean.npy"
    path.write_bytes(content)
    with pytest.raises(ModelError) as e:
        model.find(str(bare), mean=str(path))
    assert message in str(e.value)


@pytest.mark.parametrize(
    "mean, message",
    [
        ("1,2", "the mean is '1,2', 2 values"),
        ("nan,2,3", "neither numbers nor a mean file"),
        ("1,inf,3", "neither numbers nor a mean file"),
        ("1,2,1e300", "neither numbers nor a mean file"),
        ("\u00b2,2,3", "neither numbers nor a mean file"),
        ("", "neither numbers nor a mean file"),
        ("nothing.npy", "no such file"),
        ("mean.txt", "neither numbers nor a mean file"),
        (".", "neither numbers nor a mean file"),
    ],
)
def test_means_that_are_none(mean, message, bare):
    with pytest.raises(ModelError) as e:
        model.find(str(bare), mean=mean)
    assert message in str(e.value)


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"", b"\x08\x05\x10\x05"])
def test_binaryprotos_that_are_no_mean(content, bare):
    broken = bare / "x.binaryproto"
    broken.write_bytes(content)
    with pytest.raises(ModelError, match="x.binaryproto: "):
        model.find(str(bare), mean=str(broken))


def test_a_pipe_is_no_mean(bare, tmp_path):
    os.mkfifo(tmp_path / "mean.npy")
    with pytest.raises(ModelError, match="a pipe or a device, given where a mean file goes"):
        model.find(str(bare), mean=str(tmp_path / "mean.npy"))


HOSTILE = {
    "caffemodel: ../victim": "caffemodel is '../victim'",
    "caffemodel: /etc/passwd": "caffemodel is '/etc/passwd'",
    "caffemodel: a/net.caffemodel": "without a folder",
    "caffemodel: ..": "without a folder",
    "caffemodel: 'a\\0b'": "without a folder",
    "mean: ../mean.npy": "mean is '../mean.npy'",
    "mean: [1e999, 1, 2]": "neither numbers nor a mean file",
    "mean: [1, 2, True]": "neither numbers nor a mean file",
    "mean: " + "-" * 5000 + "1": "mean",
    "mean: " + "[" * 500 + "]" * 500: "mean",
    "mean: {[]}": "mean",
}


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: line[:24])
def test_a_readme_names_only_files_of_its_folder(line, small_folder, tmp_path):
    folder = shutil.copytree(small_folder, tmp_path / "copy")
    np.save(tmp_path / "mean.npy", np.zeros(3))
    key = line.split(":")[0]
    lines = (folder / "readme.md").read_text().splitlines()
    lines = [line if old.startswith(f"{key}:") else old for old in lines]
    (folder / "readme.md").write_text("\n".join(lines))
    with pytest.raises(ModelError) as e:
        model.find(str(folder))
    assert HOSTILE[line] in str(e.value)


def test_a_readme_may_name_no_file_of_classes_elsewhere(small_folder, tmp_path):
    folder = shutil.copytree(small_folder, tmp_path / "copy")
    (tmp_path / "secret").write_text("secret")
    readme = (folder / "readme.md").read_text()
    (folder / "readme.md").write_text(readme.replace("end:", "classes: ../secret\nend:"))
    with pytest.raises(ModelError, match="classes is '../secret'"):
        model.classes(model.find(str(folder)))


@pytest.mark.parametrize("number", ["\u00b2", "\u0662", "9" * 5000, "-1", "4"])
def test_numbers_that_no_class_has(number, small_folder, tmp_path):
    folder = shutil.copytree(small_folder, tmp_path / "copy")
    readme = (folder / "readme.md").read_text()
    (folder / "readme.md").write_text(readme.replace("end:", "classes: ['a', 'b']\nend:"))
    with pytest.raises(ModelError, match="has no class"):
        model.class_number(model.find(str(folder)), number)


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


def test_a_value_that_would_end_pythons_parser_stays_text(tmp_path):
    value = "-" * 100_000 + "1"
    (tmp_path / "readme.md").write_text(f"---\nmean: {value}\ninput_size: 32\n---\n")
    facts = catalogue.front_matter(tmp_path / "readme.md")
    assert facts == {"mean": value, "input_size": 32}
