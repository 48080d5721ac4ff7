"""Several guides, each with its weight: what they stand for, and their recipes."""

import json

import numpy as np
import pytest
from PIL import Image

import deepdream
from deepdream import nets, pictures
from deepdream.errors import ImageError, RecipeError, SizeError
from deepdream.request import schema
from deepdream.request.job import prepare
from deepdream.settings import Dream
from netfile.system.memory import Free

END = "inception_3b/output"


@pytest.fixture
def guides(tmp_path, rng):
    """Paths of two small pictures of different sizes."""
    paths = [tmp_path / "guides" / "one.png", tmp_path / "guides" / "two.png"]
    paths[0].parent.mkdir()
    for path, size in zip(paths, [(40, 50), (33, 61)]):
        Image.fromarray(rng.randint(0, 256, (*size, 3), np.uint8)).save(path)
    return paths


@pytest.fixture
def objective_of(small, engine_name, photo, guides):
    """The objective of a request with these guides and weights, and its net."""

    def call(count, *weights, mask=None):
        paths = list(map(str, guides[:count]))
        dream = Dream(end=END, iterations=1, octaves=2, guide_weights=weights)
        job = prepare(
            str(photo), dream, model=small, engine=engine_name, guide_paths=paths, mask_path=mask
        )
        return job.objective(), job.net

    return call


@pytest.fixture
def dreamt(run, photo, tmp_path):
    """Dream by the command line, with these options; the picture's path."""

    def call(*options):
        out = tmp_path / "out.png"
        settings = ["--iterations", 1, "--octaves", 2, "--seed", 1]
        settings += [] if "--objective" in options else ["--end", END]
        code, _, err = run("dream", photo, "-o", out, "--overwrite", *settings, *options)
        assert code == 0, err
        return out

    return call


def gradient(objective, activations):
    return objective.value_and_gradients({END: activations})[1][END]


def test_guides_add_up_by_their_weights(objective_of, guides, rng):
    objective, net = objective_of(2, 1, -0.25)
    x = np.float32(rng.normal(0, 30, (1, 12, 5, 6)))
    one, two = (
        gradient(
            deepdream.guide(END, deepdream.guide_features(net, deepdream.load_image(g), END)), x
        )
        for g in guides
    )
    np.testing.assert_array_equal(gradient(objective, x), one - np.float32(0.25) * two)


def test_guides_without_weights_count_the_same(objective_of, rng):
    x = np.float32(rng.normal(0, 30, (1, 12, 5, 6)))
    np.testing.assert_array_equal(
        *(gradient(objective_of(2, *weights)[0], x) for weights in [(), (1, 1)])
    )


def test_one_guide_of_weight_1_is_the_notebooks_function(objective_of):
    for weights in ((), (1,)):
        objective, _ = objective_of(1, *weights)
        assert not isinstance(objective, deepdream.Objective) and callable(objective)


def test_a_mask_confines_all_guides(objective_of, photo):
    objective, _ = objective_of(2, mask=str(photo))
    assert [term.mask is not None for term in objective.terms] == [True, True]


def test_the_objective_language_says_the_same(dreamt, guides):
    a, b = guides
    text = f'guide("{END}", "{a}") + guide("{END}", "{b}") * .5'
    by_options, by_text, by_one = (
        pictures.load(dreamt(*options))
        for options in (
            ["--guide", a, "--guide", b, "--guide-weights", "1,.5"],
            ["--objective", text],
            ["--guide", a],
        )
    )
    np.testing.assert_array_equal(by_options, by_text)
    assert not np.array_equal(by_options, by_one)


def replayed(run, picture, *options):
    code, said, err = run("replay", picture, "--overwrite", *options)
    assert code == 0 and "equal to the bit" in said, err


def test_a_recipe_keeps_the_guides_in_their_order_with_their_weights(run, dreamt, guides):
    a, b = guides
    out = dreamt("--guide", b, "--guide", a, "--guide-weights", "2,-1")
    recipe = json.loads(pictures.read_recipe(out))
    assert recipe["settings"]["guide_weights"] == [2, -1]
    names = [file["name"] for file in recipe["files"] if file["role"] == "guide"]
    assert names == ["guides/two.png", "guides/one.png"]
    replayed(run, out)


def test_guides_that_have_moved_are_given_in_their_order(run, dreamt, guides, tmp_path):
    out = dreamt("--guide", guides[0], "--guide", guides[1], "--guide-weights", "2,1")
    moved = [path.rename(tmp_path / f"moved-{path.name}") for path in guides]
    replayed(run, out, "--guide", moved[0], "--guide", moved[1])
    for wrong, said in (
        (moved[:1], "was made with 2 guides, guides/one.png, guides/two.png; say where all"),
        (moved[::-1], "is not the guide it was made from"),
        ([], "the guide it was made from is gone"),
    ):
        words = [word for path in wrong for word in ("--guide", path)]
        code, _, err = run("replay", out, "--overwrite", *words)
        assert code == 2 and said in err


def test_a_recipe_of_no_weights_says_nothing_of_them(dreamt, guides):
    recipe = json.loads(pictures.read_recipe(dreamt("--guide", guides[0])))
    assert "guide_weights" not in recipe["settings"]


def test_a_recipes_weights_have_bounds_and_suit_its_guides(dreamt, guides):
    record = json.loads(pictures.read_recipe(dreamt("--guide", guides[0])))
    for weights, said in (
        ([1, 2], "guide_weights has 2 numbers for 1 guides"),
        ([1e7], r"guide_weights\[0\] is 10000000.0, not a number from"),
        (["1"], r"guide_weights\[0\] is '1'"),
        ([1] * 1000, "not a list of 0 to 256"),
    ):
        record["settings"]["guide_weights"] = weights
        with pytest.raises(RecipeError, match=said):
            schema.read(record)
    record["settings"]["guide_weights"] = []
    record["files"].append(record["files"][-1])
    with pytest.raises(RecipeError, match="one of them twice"):
        schema.read(record)


@pytest.mark.parametrize("words, said", [
    (["--guide-weights", "1,2"], "0 guides cannot have 2 weights; give each guide one"),
    (["--guide", "G", "--guide-weights", "1,2"], "1 guide cannot have 2 weights"),
    (["--guide", "G", "--guide-weights", "x"], "must be a number"),
    (["--guide", "G", "--guide-weights", "1e9"], "must be a number"),
    (["--guide", "G", "--guide", "G"], "is a guide twice; give it once, with a larger weight"),
])  # fmt: skip
def test_what_cannot_be_guided_is_said(words, said, run, photo, guides, tmp_path):
    words = [guides[0] if word == "G" else word for word in words]
    code, _, err = run("dream", photo, "-o", tmp_path / "out.png", *words)
    assert code == 2 and said in err and "Traceback" not in err
    assert not (tmp_path / "out.png").exists()


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="guide_weights"):
        Dream(guide_weights=(float("nan"),))


def test_the_activations_of_all_guides_are_counted(small, caffe, monkeypatch):
    def opened(count, left):
        monkeypatch.setattr("deepdream.nets.memory.free", lambda: Free(left, "left"))
        sizes = [(300, 400)] * count
        return nets.open(small, caffe, layers=[END], sizes=[(60, 80)], guide_sizes=sizes)

    one = 12 * 75 * 100 * 4  # bytes of the layer's activations
    opened(1, 200 * one)
    with pytest.raises(SizeError, match="the guides' activations take 0.1 GB of memory beside"):
        opened(200, 200 * one)


def test_a_guide_whose_path_no_file_can_have_is_refused(small, photo):
    with pytest.raises(ImageError, match="no such picture"):
        prepare(str(photo), Dream(end=END), model=small, guide_paths=["nul\0byte"])
