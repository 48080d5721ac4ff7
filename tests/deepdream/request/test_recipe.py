"""Recipes as they are written and followed: files by role, name and hash; older versions; what has
moved; and what is refused before anything is read or dreamt."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.errors import ImageError, OutputError, RecipeError
from deepdream.request import cost, making
from deepdream.request import job as jobs
from deepdream.request import recipe as recipes

LAYER = "inception_4c/output"


@pytest.fixture
def dreamt(run, photo, tmp_path, fast):
    """Dream on the photograph with these options, into a picture of this name; its path."""

    def call(*options, name="out.png"):
        code, _, err = run(
            "dream", photo, "-o", tmp_path / name, "--overwrite", "--seed", 1, *fast, *options
        )
        assert code == 0, err
        return tmp_path / name

    return call


@pytest.fixture
def rewritten(dreamt):
    """A picture whose recipe a function has changed; its path."""

    def call(change, *options):
        out = dreamt(*options)
        record = json.loads(pictures.read_recipe(out))
        change(record)
        pictures.save(out, pictures.load(out), json.dumps(record))
        return out

    return call


@pytest.fixture
def refused(run, tmp_path):
    """Run a command that must fail and write nothing; its one line."""

    def call(*args):
        before = sorted(tmp_path.rglob("*"))
        code, _, err = run(*args)
        assert code == 2 and len(err.splitlines()) == 1 and "Traceback" not in err, err
        assert "\x1b" not in err and sorted(tmp_path.rglob("*")) == before
        return err

    return call


def halves(path, flip=False):
    """A mask, white on one side and dark on the other."""
    values = np.full((45, 60), 99, np.uint8)
    values[:, 30 * flip : 30 + 30 * flip] = 255
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(values).save(path, "PNG")
    return path


def replays(run, picture, *options):
    code, said, err = run("replay", picture, "--overwrite", *options)
    assert code == 0 and "equal to the bit" in said, err
    return said


def test_a_smoothed_dream_replays_and_is_another(run, dreamt):
    smooth = dreamt("--smooth", "laplacian:2", name="smooth.png")
    assert not np.array_equal(pictures.load(smooth), pictures.load(dreamt()))
    replays(run, smooth)


def test_an_unknown_smoothing_is_refused_with_the_known(refused, photo, tmp_path):
    said = refused("dream", photo, "-o", tmp_path / "out.png", "--smooth", "median")
    assert "'median' is unknown; write gaussian, gaussian:DEVIATION" in said


def test_files_that_are_called_like_roles(run, dreamt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mask", "guide", "image"):
        halves(tmp_path / name, flip=name == "guide")
    text = f'(guide("{LAYER}", "guide", "image") + l2("conv1").within("mask")).within("image")'
    role = halves(tmp_path / "role.png", flip=True)
    replays(run, dreamt("--objective", text, "--mask", role))
    replays(run, dreamt("--mask", "guide", "--guide", "mask"))


def test_two_files_of_one_name(run, dreamt, tmp_path):
    a, b = halves(tmp_path / "a" / "mask.png"), halves(tmp_path / "b" / "mask.png", flip=True)
    text = f'l2("{LAYER}").within("{a}") + l2("conv1").within("{b}")'
    out = dreamt("--objective", text, "--mask", b)
    replays(run, out)
    names = [file["name"] for file in json.loads(pictures.read_recipe(out))["files"]]
    assert names == ["photo.png", "b/mask.png", "a/mask.png", "b/mask.png"]


def test_two_files_of_one_name_elsewhere(run, dreamt, photo, tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "seen_from", lambda out, path: os.path.basename(path))
    a, b = halves(tmp_path / "a" / "mask.png"), halves(tmp_path / "b" / "mask.png", flip=True)
    out = dreamt("--objective", f'l2("{LAYER}").within("{a}") + l2("conv1").within("{b}")')
    code, _, err = run("replay", out)
    assert code == 2 and "the objective's mask.png" in err and "--file mask.png=PATH" in err
    replays(run, out, "--file", f"mask.png={a}", "--file", f"2-mask.png={b}")


def test_no_part_of_a_recipe_is_an_absolute_path(dreamt, photo, tmp_path, small_folder):
    mask = halves(tmp_path / "masks" / "mask.png")
    text = f'guide("{LAYER}", "{photo}").within("""{mask}""")'
    told = pictures.read_recipe(dreamt("--objective", text, "--mask", mask))
    assert str(tmp_path) not in told and str(small_folder) not in told
    assert str(small_folder.parent) not in told


@pytest.mark.parametrize("out, path, name", [
    ("/home/a/out/x.png", "/home/a/photo.png", "../photo.png"),
    ("/home/a/x.png", "/home/a/b/photo.png", "b/photo.png"),
    ("/tmp/x.png", "/home/a/photo.png", "photo.png"),
    ("/x.png", "/home/a/photo.png", "photo.png"),
    ("/home/a/x.png", "/home/a/\x1b[31m\udce9.png", "?[31m?.png"),
])  # fmt: skip
def test_a_file_is_named_asseen_from_the_picture(out, path, name):
    assert recipes.seen_from(out, path) == name


def test_a_photograph_of_a_name_that_cannot_be_shown(run, photo, tmp_path, fast):
    odd = photo.rename(tmp_path / "\x1b[31mred\n.png")
    run("dream", odd, "-o", tmp_path / "out.png", "--seed", 1, *fast)
    code, _, err = run("replay", tmp_path / "out.png")
    assert code == 2 and "?[31mred?.png" in err and "--image" in err and "\x1b" not in err
    code, said, _ = run("replay", tmp_path / "out.png", "--image", odd)
    assert code == 0


def test_other_commands_do_not_tell_where_the_model_is(
    run, photo, tmp_path, small_folder, monkeypatch
):
    made = np.zeros((1, 9, 9, 3)), [0.1], [0.9]
    monkeypatch.setattr("deepdream.cli.commands.classes._Work.visualise", lambda *args: made)
    model = ("--model", small_folder)
    run("match", photo, "-o", tmp_path / "m.png", "--enhance", "multiply:2", *model,
        "--evaluations", 1, "--octaves", 1)  # fmt: skip
    run("classes", 1, "-o", tmp_path, "--seeds", 1, *model)
    for path in (tmp_path / "m.png", tmp_path / "1-0.png"):
        assert str(small_folder.parent) not in pictures.read_recipe(path)
        code, said, err = run("replay", path)
        assert code == 0 and said.endswith("equal to the bit\n"), err


def test_a_model_that_has_moved_is_asked_for(run, dreamt, small_folder, tmp_path):
    model = shutil.copytree(small_folder, tmp_path / "model")
    out = dreamt("--model", model)
    model.rename(tmp_path / "moved")
    code, _, err = run("replay", out)
    assert code == 2 and "the model it was made with is not here" in err and "--model" in err
    replays(run, out, "--model", tmp_path / "moved")


def as_version_0(record, model):
    """The recipe as it was written before recipes had a version."""
    sources = {f["role"]: {"path": f["name"], "sha1": f["sha1"]} for f in record["files"]}
    del record["version"], record["model"]["folder"]
    record["model"]["name"] = str(model)
    record["image"] = sources.pop("image")
    record["files"] = sources


def as_first_ones(record, model):
    """The recipe as the first ones were: a guide alone, no objective, little of the model."""
    as_version_0(record, model)
    record["guide"] = record.pop("files").get("guide")
    for group, names in {"model": ("mean", "channel_order"), "settings": ("objective",)}.items():
        for name in names:
            del record[group][name]
    del record["libraries"]["python"]


@pytest.mark.parametrize("change", [as_version_0, as_first_ones])
@pytest.mark.parametrize("guided", [False, True])
def test_recipes_without_a_version_replay(change, guided, run, rewritten, photo, small_folder):
    guide = ["--guide", photo, "--end", "inception_3b/output"] if guided else []
    replays(run, rewritten(lambda record: change(record, small_folder), *guide))


def test_an_objective_of_a_recipe_without_a_version_replays(run, rewritten, tmp_path, small_folder):
    mask, other = halves(tmp_path / "mask"), halves(tmp_path / "other.png", flip=True)

    def change(record):
        as_version_0(record, small_folder)
        source = record["files"].pop("objective")
        record["files"][str(mask)] = source
        record["settings"]["objective"] = f'l2("{LAYER}").within("{mask}")'

    replays(run, rewritten(change, "--objective", f'l2("{LAYER}").within("{mask}")'))
    replays(
        run,
        rewritten(change, "--objective", f'l2("{LAYER}").within("{mask}")', "--mask", other),
    )


def test_a_picture_that_was_resized_since(run, dreamt):
    out = dreamt()
    text = pictures.read_recipe(out)
    pictures.save(out, pictures.load(out)[::2, ::3], text)
    code, said, _ = run("replay", out)
    assert code == 0
    assert f"120x90, but {out} is 40x45: it was resized since" in said


@pytest.mark.parametrize("text", ["2015", "[]", "null", "OLYMPUS DIGITAL CAMERA", "\u00e9", " "])
def test_a_description_that_is_no_recipe(text, refused, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = text
    Image.new("RGB", (9, 9)).save(tmp_path / "x.jpg", exif=exif.tobytes())
    assert "x.jpg: carries no recipe" in refused("replay", tmp_path / "x.jpg")


@pytest.mark.parametrize("change, said", [
    (lambda r: r.pop("engine"), "engine is missing"),
    (lambda r: r["files"][0].pop("sha1"), "files[0].sha1 is missing: 40 hexadecimal digits"),
    (lambda r: r["model"].pop("weights_sha1"), "model.weights_sha1 is missing"),
    (lambda r: r["files"][0].update(name="\x1b[2J"), r"files[0].name is '\x1b[2J', not a text"),
    (lambda r: r["settings"].update(iterations=10**12), "settings.iterations is 1000000000000"),
    (lambda r: r["settings"].update(objective='guide("conv1", "/dev/zero")'), "/dev/zero"),
    (lambda r: r["settings"].update(objective="-" * 3000 + 'l2("x")'), "cannot be read"),
    (lambda r: r.update(version=2), "use a newer one"),
    (lambda r: r.update(new=1), "'new' is unknown"),
    (lambda r: r.update({"deepdream match": {"model": "x"}}), "match.weights_sha1 is missing"),
    (lambda r: r.update({"deepdream classes": [[[[]]]]}), "classes is [[[...]]], not an object"),
])  # fmt: skip
def test_a_recipe_that_cannot_be_read(change, said, rewritten, refused):
    err = refused("replay", rewritten(change))
    assert "out.png: its recipe cannot be read: " in err and said in err


WRONG = "given where a picture goes"


@pytest.mark.parametrize(
    "place, said", [("/dev/null", WRONG), ("/dev", "has no frames"), (".", "has no frames")]
)
def test_only_regular_files_are_read(place, said, refused, rewritten):
    out = rewritten(lambda record: record["files"][0].update(name=place))
    assert WRONG in refused("replay", out)
    assert said in refused("replay", place)


@pytest.mark.parametrize("size", [0, 2**31])
def test_files_without_an_end_are_not_read(size, refused, rewritten, tmp_path):
    with open(tmp_path / "kcore", "wb") as f:
        f.truncate(size)
    out = rewritten(lambda record: record["files"][0].update(name="kcore"))
    assert f"it has {size} bytes, and a picture 1 to 1073741824" in refused("replay", out)


@pytest.mark.parametrize("model", ["a" * 300, "a/" * 3000, "/dev/null", "\0"])
def test_a_model_that_cannot_be_one(model, run, dreamt):
    code, _, err = run("replay", dreamt(), "--model", model)
    assert code == 2 and "unknown model" in err


def test_a_pipe_is_not_opened(refused, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "a pipe or a device, given" in refused("replay", tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="a pipe or a device, given"):
        pictures.read_recipe(tmp_path / "pipe.png")


def test_a_recipe_in_a_picture_that_is_too_large(tmp_path, monkeypatch):
    pictures.save(tmp_path / "x.png", np.zeros((50, 50, 3)), "{}")
    for most in (1200, 100):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(ImageError, match="too large to be safe"):
            pictures.read_recipe(tmp_path / "x.png")


def test_replay_tells_what_it_reads_and_how_long_it_takes_before_it_starts(
    run, photo, tmp_path, fast, small_folder
):
    mask = halves(tmp_path / "mask.png")
    run("zoom", photo, "-o", tmp_path, "--frames", 2, "--seed", 1, "--mask", mask, *fast)
    lines = replays(run, tmp_path / "0001.jpg").splitlines()
    assert lines[0] == f"reads {photo}, the image ({photo.stat().st_size / 1e3:.1f} kB)"
    assert lines[1].startswith(f"reads {mask}, the mask (")
    assert lines[2].startswith(f"reads {small_folder / 'small.caffemodel'}, of the model small0 (")
    assert lines[3].startswith(f"reads {small_folder / 'deploy.prototxt'}, of the model small0 (")
    assert lines[-2].startswith(
        "makes 1 picture of 120x90, after the 1 frame before it: 4 steps, about "
    )


def test_the_trial_that_tells_the_time_changes_nothing(small, photo, caffe):
    def job():
        return jobs.prepare(str(photo), jobs.Dream(iterations=2, octaves=2), model=small,
                            engine=caffe, seed=1)  # fmt: skip

    tried, plain = job(), job()
    assert cost.seconds(tried, 3) > 0
    np.testing.assert_array_equal(*(next(making.pictures(j)) for j in (tried, plain)))


def test_a_recipe_too_large_for_a_jpeg_is_found_before_the_dream(
    run, refused, dreamt, photo, tmp_path, fast, monkeypatch
):
    monkeypatch.setattr("deepdream.request.expression._MOST_LETTERS", 10**6)
    text = "l2(" + " " * 70_000 + '"conv1")'
    replays(run, dreamt("--objective", text))
    monkeypatch.setattr("deepdream.dream.octaves.make_step", None)
    for command in (
        ("dream", photo, "-o", tmp_path / "x.jpg"),
        ("zoom", photo, "-o", tmp_path / "z"),
    ):
        err = refused(*command, "--objective", text, *fast)
        assert "a JPEG holds about 65533; write a PNG, or give it a shorter objective" in err
    with pytest.raises(OutputError, match="a JPEG holds about"):
        pictures.save(tmp_path / "x.jpg", np.zeros((9, 9, 3)), "x" * 70_000)


def test_a_dream_that_no_recipe_could_repeat_is_refused(
    refused, photo, tmp_path, small, engine_name
):
    refused("dream", photo, "-o", tmp_path / "x.png", "--iterations", 10**7)
    job = jobs.prepare(str(photo), jobs.Dream(iterations=10**7), model=small, engine=engine_name)
    with pytest.raises(RecipeError, match="no recipe can repeat this: settings.iterations is 10"):
        recipes.recipe(job, "x.png")


def test_files_are_hashed_once(run, photo, tmp_path, fast, monkeypatch):
    hashed = []
    right = jobs.file_sha1
    monkeypatch.setattr(jobs, "file_sha1", lambda path: hashed.append(str(path)) or right(path))
    run("zoom", photo, "-o", tmp_path / "frames", "--frames", 3, *fast)
    assert len(hashed) == len(set(hashed)) == 3
