"""Many pictures in, as many results out."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.cli.batch import inputs
from deepdream.cli.commands import dream as dream_command
from deepdream.errors import NotFiniteError
from deepdream.nets import opening
from deepdream.request.job import Request
from deepdream.settings import Dream


@pytest.fixture
def folder(tmp_path, photo):
    """A folder of two photographs of two sizes, a broken one, and what is no picture."""
    place = tmp_path / "in"
    place.mkdir()
    shutil.copy(str(photo), str(place / "b.png"))
    Image.open(photo).resize((80, 100)).save(place / "a.jpg")
    (place / "broken.png").write_bytes(photo.read_bytes()[:3000])
    (place / "notes.txt").write_text("no picture")
    (place / ".hidden.png").write_bytes(b"")
    (place / "deep").mkdir()
    shutil.copy(str(photo), str(place / "deep" / "c.png"))
    return place


def names(place):
    return sorted(path.name for path in place.iterdir())


def test_a_broken_picture_among_others_is_told_and_the_rest_is_done(run, folder, tmp_path, fast):
    out = tmp_path / "out"
    code, said, err = run("dream", folder, "-o", f"{out}/", "--seed", 1, *fast)
    assert code == 1 and names(out) == ["a-dream.png", "b-dream.png"]
    *_, summary, row = said.splitlines()
    assert summary == "2 of 3 pictures done; 1 failed"
    assert row.startswith(f"{folder / 'broken.png'}  not a picture, or a broken one")
    assert f"deepdream dream: {folder / 'broken.png'}: not a picture" in err


def test_one_net_serves_all_and_each_dream_is_the_one_it_would_be_alone(
    run, folder, tmp_path, fast, monkeypatch
):
    built, build = [], opening.build
    monkeypatch.setattr(opening, "build", lambda *args: built.append(1) or build(*args))
    out = tmp_path / "out"
    out.mkdir()
    words = ["--seed", 4, *fast]
    # from large to small and back
    assert run("dream", folder / "b.png", folder / "a.jpg", "-o", out, *words)[0] == 0
    assert len(built) == 1
    for source, made in (("b.png", "b-dream.png"), ("a.jpg", "a-dream.png")):
        alone = tmp_path / made
        assert run("dream", folder / source, "-o", alone, *words)[0] == 0
        np.testing.assert_array_equal(pictures.load(out / made), pictures.load(alone))
    assert len(built) == 3


def test_what_concerns_every_picture_stops_before_the_first(run, folder, tmp_path, fast):
    for words, said in (
        (["--end", "inception_4c/ouput"], "did you mean inception_4c/output"),
        (["--guide", "none.png"], "none.png: no such picture"),
        (["--objective", "l2("], "objective"),
        (["--model", "nothing"], "nothing"),
    ):
        code, _, err = run("dream", folder, "-o", f"{tmp_path / 'out'}/", *words, *fast)
        assert code == 2 and said in err and err.count("\n") == 1, err
    assert not (tmp_path / "out").exists()


def test_nothing_done_at_all_is_code_2(run, tmp_path, fast):
    code, said, err = run("dream", tmp_path / "x.png", tmp_path / "y.png", *fast)
    assert code == 2 and "0 of 2 pictures done; 2 failed" in said and err.count("\n") == 2


def test_a_picture_that_does_not_suit_the_net_is_left_out(run, folder, tmp_path):
    Image.new("RGB", (4, 4)).save(folder / "tiny.png")
    (folder / "broken.png").unlink()
    words = ["--octaves", 2, "--iterations", 1]
    code, said, _ = run("dream", folder, "-o", f"{tmp_path / 'out'}/", *words)
    assert code == 1 and "2 of 3 pictures done; 1 failed" in said
    assert f"{folder / 'tiny.png'}  the picture is 4x4" in said.splitlines()[-1]


def test_a_dream_that_fails_halfway_does_not_end_the_others(
    run, folder, tmp_path, fast, monkeypatch
):
    finished = dream_command.progress.pictures

    def breaking(job, **how):
        if job.image_path.endswith("a.jpg"):
            raise NotFiniteError("the gradient is not a number", step_size=1.5)
        return finished(job, **how)

    monkeypatch.setattr(dream_command.progress, "pictures", breaking)
    (folder / "broken.png").unlink()
    code, said, _ = run("dream", folder, *fast)
    assert code == 1 and "a smaller --step-size" in said.splitlines()[-1]
    assert (folder / "b-dream.png").exists()


def test_memory_that_the_open_net_holds_is_not_counted_twice(small, caffe, monkeypatch):
    from netfile.system.memory import Free

    sizes, layers = [(90, 120)], ["inception_4c/output"]
    opened = opening.open(small, caffe, layers=layers, sizes=sizes)
    assert opened.holds > 0
    free = Free(opened.holds // 2, "left")
    monkeypatch.setattr("deepdream.nets.memory.free", lambda: free)
    again = opening.open(small, caffe, layers=layers, sizes=sizes, before=opened)
    assert again.net is opened.net and again.holds == opened.holds
    with pytest.raises(opening.SizeError, match="the picture is 1200x900"):
        opening.open(small, caffe, layers=layers, sizes=[(900, 1200)], before=opened)
    with pytest.raises(opening.SizeError):
        opening.open(small, caffe, layers=layers, sizes=sizes)


def test_a_size_that_was_only_asked_about_holds_no_memory(small, engine_name, photo, monkeypatch):
    from deepdream.nets import engine, memory
    from netfile.system.memory import Free

    request = Request(Dream(), model=small, engine=engine_name, beside=0, tiling=None)
    opened = request.open((90, 120))
    one = memory.Pass(opened.end, (90, 120))
    takes = memory.needed(opened.description, one, engine.aborts(opened.caffe))
    assert 0 < opened.holds <= takes
    free = Free(int(takes * 1.5), "left")
    monkeypatch.setattr("deepdream.nets.memory.free", lambda: free)
    request.open((90, 120))
    with pytest.raises(opening.SizeError, match="the picture is 160x120"):
        request.open((120, 160))  # of 1.8 times the size
    request.job(str(photo))
    request.open((120, 160))


# ---- what is found


def test_the_dreams_of_a_first_run_are_no_photographs_of_a_second(run, folder, fast):
    (folder / "broken.png").unlink()
    assert run("dream", folder, *fast)[0] == 0
    assert names(folder) == [".hidden.png", "a-dream.png", "a.jpg", "b-dream.png", "b.png", "deep",
                             "notes.txt"]  # fmt: skip
    code, said, err = run("dream", folder, *fast)
    assert code == 2 and "a-dream.png: exists already, as 1 others do; choose another name" in err
    assert f"note: {folder}: 2 pictures that deepdream made are left out" in said
    assert run("dream", folder, "--overwrite", *fast)[0] == 0
    assert "a-dream-dream.png" not in names(folder)
    for name in ("a.jpg", "b.png"):
        (folder / name).unlink()
    assert "only pictures that deepdream made" in run("dream", folder, *fast)[2]


def test_patterns_that_no_shell_expands(run, folder, tmp_path, fast, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = inputs.Found(["in/*.jpg", "in/**/c*", "in/b.png", "./in/b.png"])
    assert found.paths == [os.path.join("in", "a.jpg"), os.path.join("in", "deep", "c.png"),
                           "in/b.png"]  # fmt: skip
    (tmp_path / "in" / "[x].png").write_bytes(b"")
    assert inputs.Found(["in/[x].png"]).paths == ["in/[x].png"]  # a file of that very name
    code, _, err = run("dream", "in/*.gif", *fast)
    assert code == 2 and "in/*.gif: no picture has such a name" in err


def test_a_folder_without_pictures(run, tmp_path, fast):
    (tmp_path / "empty").mkdir()
    code, _, err = run("dream", tmp_path / "empty", *fast)
    assert code == 2 and "has no pictures, files that end in .avif, .bmp" in err


@pytest.mark.parametrize("address, hint", [
    ("https://example.org/it's.jpg", "curl -L -o photo.jpg 'https://example.org/it%27s.jpg'"),
    ("HTTP://example.org/a.jpg", "download it first"),
    ("file:///a.jpg", "give the path"),
    ("data:image/png;base64,AAAA", "save the picture to a file"),
])  # fmt: skip
def test_addresses_are_refused_with_what_to_do(address, hint, run, fast):
    code, _, err = run("dream", address, *fast)
    assert code == 2 and "is an address; " in err and hint in err


def test_a_drive_is_no_address():
    assert not inputs.is_url(r"C:\photos\a.jpg") and not inputs.is_url("c:/photos/a.jpg")


# ---- where it goes


def test_without_out_the_dream_stands_beside_the_photograph(run, photo, fast):
    code, said, _ = run("dream", photo, "--format", "webp", *fast)
    assert code == 0 and f"wrote {photo.parent / 'photo-dream.webp'}" in said
    before = (photo.parent / "photo-dream.webp").read_bytes()
    assert "exists already" in run("dream", photo, "--format", "webp", *fast)[2]
    assert (photo.parent / "photo-dream.webp").read_bytes() == before
    said = run("replay", photo.parent / "photo-dream.webp")[1]
    assert said.endswith("equal to the bit\n")


def test_two_pictures_of_one_result_are_refused_before_the_work(run, photo, tmp_path, fast):
    Image.open(photo).save(tmp_path / "photo.jpg")
    both = [photo, tmp_path / "photo.jpg"]
    code, _, err = run("dream", *both, *fast)
    assert code == 2 and f"{both[0]} and {both[1]} would both be written to" in err
    code, _, err = run("dream", *both, "-o", tmp_path / "x.png", *fast)
    assert code == 2 and "x.png: is the name of one file, for 2 pictures" in err
    assert names(tmp_path) == ["photo.jpg", "photo.png"]
    out = tmp_path / "{number}-{name}-{suffix}-{end}-{seed}.png"
    assert run("dream", *both, "-o", out, "--seed", 5, *fast)[0] == 0
    assert {"1-photo-png-inception_4c-output-5.png", "2-photo-jpg-inception_4c-output-5.png"} < set(
        names(tmp_path)
    )


def test_no_result_replaces_an_input_of_the_same_run(run, photo, tmp_path, fast):
    other = tmp_path / "photo-dream.png"
    shutil.copy(str(photo), str(other))
    before = other.read_bytes()
    code, _, err = run("dream", photo, other, "--overwrite", *fast)
    assert code == 2 and "photo-dream.png: is an input of this very run" in err
    assert other.read_bytes() == before


def test_a_format_and_a_suffix_that_disagree(run, photo, tmp_path, fast):
    code, _, err = run("dream", photo, "-o", tmp_path / "x.png", "--format", "webp", *fast)
    assert code == 2 and 'ends in ".png", and the format is webp; leave one out' in err


def test_names_of_any_bytes(run, photo, tmp_path, fast):
    odd = os.fsencode(str(tmp_path)) + b"/\xff\xfe \n.png"
    try:
        shutil.copy(os.fsencode(str(photo)), odd)
    except OSError:
        pytest.skip("this file system takes no such names")
    code, said, _ = run("dream", os.fsdecode(odd), photo, *fast)
    assert code == 0 and "\\udcff\\udcfe \\n-dream.png" in said
    assert os.path.exists(os.fsencode(str(tmp_path)) + b"/\xff\xfe \n-dream.png")


# ---- what is done to the photograph and its dream


def test_a_smaller_size_and_kept_colours_replay(run, photo, tmp_path, fast):
    out, plain = tmp_path / "x.png", tmp_path / "plain.png"
    words = ["--max-size", 60, "--seed", 2, "--step-size", 9, *fast]
    assert run("dream", photo, "-o", plain, *words)[0] == 0
    assert run("dream", photo, "-o", out, "--keep-colours", *words)[0] == 0
    recipe = json.loads(pictures.read_recipe(out))
    assert recipe["picture"] == {"max_size": 60, "keep_colours": True, "profiles": False}
    dream, kept = pictures.load(plain), pictures.load(out)
    assert dream.shape == kept.shape == (45, 60, 3)
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs((kept - dream) @ luma).mean() < 2 < np.abs(kept - dream).mean()
    for path in (out, plain):
        assert run("replay", path)[1].endswith("equal to the bit\n")


def test_a_plain_recipe_says_nothing_of_what_is_not_done(run, photo, tmp_path, fast):
    run("dream", photo, "-o", tmp_path / "x.png", "--max-size", 0, *fast)
    assert not {"picture", "stopped"} & set(json.loads(pictures.read_recipe(tmp_path / "x.png")))


def test_a_followed_profile_is_recorded_and_an_older_recipe_follows_none(
    run, photo, tmp_path, fast, monkeypatch
):
    def halved(image, profile):
        return image.convert("RGB").point(lambda v: v // 2), "a dark one"

    monkeypatch.setattr("deepdream.pictures.files.to_srgb", halved)
    Image.open(photo).save(tmp_path / "wide.png", icc_profile=b"x")
    out = tmp_path / "x.png"
    code, said, _ = run("dream", tmp_path / "wide.png", "-o", out, "--seed", 1, *fast)
    assert code == 0 and "its colours are converted from a dark one to sRGB" in said
    recipe = json.loads(pictures.read_recipe(out))
    assert recipe["picture"]["profiles"] is True
    assert run("replay", out)[1].endswith("equal to the bit\n")
    del recipe["picture"]  # as an older version made it
    plain = tmp_path / "plain.png"
    shutil.copy(str(photo), str(tmp_path / "same.png"))
    run("dream", tmp_path / "same.png", "-o", plain, "--seed", 1, *fast)
    pictures.save(out, pictures.load(plain), json.dumps(recipe))
    assert run("replay", out, "--overwrite")[1].endswith("equal to the bit\n")


def test_the_caption_of_a_photograph_is_in_its_dream_and_in_the_replay(run, photo, tmp_path, fast):
    tags = Image.Exif()
    tags[0x010E] = "A day at the sea"
    source = tmp_path / "sea.jpg"
    Image.open(photo).save(source, exif=tags.tobytes())
    assert run("dream", source, "--format", "jpg", *fast)[0] == 0
    assert run("replay", tmp_path / "sea-dream.jpg")[0] == 0
    for name in ("sea-dream.jpg", "sea-dream-replay.jpg"):
        with Image.open(tmp_path / name) as made:
            assert made.getexif()[0x010E] == "A day at the sea"
        assert pictures.read_recipe(tmp_path / name).startswith('{"version": 1')
