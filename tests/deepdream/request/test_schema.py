"""The schema of recipes: what it takes, and the one line for what it does not."""

import copy

import pytest

from deepdream.errors import DreamError, RecipeError
from deepdream.request import fields, schema
from deepdream.settings import Zoom

SHA1 = "0123456789abcdef" * 2 + "01234567"
RECIPE = {
    "version": 1,
    "deepdream": "0.1.0",
    "files": [
        {"role": "image", "name": "photo.png", "sha1": SHA1},
        {"role": "objective", "name": "mask", "sha1": SHA1},
    ],
    "model": {
        "name": "small",
        "weights_sha1": SHA1,
        "deploy_sha1": SHA1,
        "mean": [104, 116.5, 122],
    },
    "engine": {"name": "caffe_compat", "version": "1.0", "threads": 2},
    "libraries": {"numpy": "1.17.0"},
    "settings": {"end": "conv1", "objective": 'l2("conv1").within("mask")'},
    "zoom": {"frames": 3},
    "frame": 2,
    "seed": 2**32 - 1,
}


def with_value(path, value):
    record = copy.deepcopy(RECIPE)
    inside = record
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return record


def test_what_is_missing_has_the_dreams_own_default():
    read = schema.read(RECIPE)
    assert read["settings"]["iterations"] == 10 and read["settings"]["clip"] is True
    assert Zoom(**read["zoom"]) == Zoom(3, 0.05)
    assert read["model"]["scale"] is None and read["model"]["channel_order"] is None


def test_what_was_read_reads_again():
    read = schema.read(RECIPE)
    assert schema.read(copy.deepcopy(read)) == read


@pytest.mark.parametrize("path, value, said", [
    (("settings", "octaves"), 10**9, "settings.octaves is 1000000000, not a whole number from 1"),
    (("settings", "octaves"), True, "settings.octaves is True, not a whole number"),
    (("settings", "octaves"), 4.0, "settings.octaves is 4.0, not a whole number"),
    (("settings", "iterations"), -1, "settings.iterations is -1, not a whole number from 0 to"),
    (("settings", "octave_scale"), 1, "settings.octave_scale is 1, not a number over 1 and"),
    (("settings", "octave_scale"), float("nan"), "settings.octave_scale is nan, not a number"),
    (("settings", "step_size"), 10**400, "settings.step_size is 1000"),
    (("settings", "step_size"), 0, "settings.step_size is 0, not a number over 0"),
    (("settings", "jitter"), 2**31, "settings.jitter is 2147483648, not a whole number from 0 to"),
    (("settings", "clip"), 1, "settings.clip is 1, not true or false"),
    (("settings", "end"), "a\x1b[31m", r"settings.end is 'a\x1b[31m', not a text of at most 1000"),
    (("settings", "end"), "\u202eb", r"settings.end is '\u202eb', not a text"),
    (("settings", "end"), "b" * 1001, "settings.end is of 1001 characters, not a text"),
    (("settings", "objective"), None, "settings.objective is None, not a text"),
    (("settings", "octave_n"), 4, "settings.'octave_n' is unknown; known are end, iterations"),
    (("settings",), [], "settings is [], not an object of end, iterations"),
    (("zoom", "frames"), 10**7, "zoom.frames is 10000000, not a whole number from 1 to 1000000"),
    (("zoom", "scale"), 1, "zoom.scale is 1, not a number from 0 to 0.999"),
    (("zoom", "centre"), [0.5, 1.5], "zoom.centre[1] is 1.5, not a number from 0 to 1"),
    (("zoom", "easing"), "quick", 'zoom.easing is \'quick\', not "linear" or "in" or'),
    (("schedule",), {"end": {"01": "4c"}}, "a name in schedule.end is '01', not the number of a"),
    (("schedule",), {"end": {"9": "4c"}, "period": 9}, "schedule.end has frame 9, but schedule"),
    (("schedule",), {"objective": {"0": "4"}}, "objective '4': is a number, not an objective"),
    (("frame",), 3, "frame is 3, but the last one is 2"),
    (("seed",), 2**32, "seed is 4294967296, not a whole number from 0 to 4294967295"),
    (("model", "mean"), [], "model.mean is [], not a list of 1 to 3"),
    (("model", "mean"), "mean.npy", "model.mean is 'mean.npy', not a list of 1 to 3"),
    (("model", "mean"), [1, 2, "x"], "model.mean[2] is 'x', not a number from"),
    (("model", "channel_order"), "BGR", 'model.channel_order is \'BGR\', not "bgr" or "rgb"'),
    (("model", "scale"), 0, "model.scale is 0, not a number from 1e-09 to 1e+09"),
    (("model", "weights_sha1"), "0" * 39, "model.weights_sha1 is '000"),
    (("files",), {}, "files is {}, not a list of 1 to 256"),
    (("files",), [], "files is [], not a list"),
    (("files", 0, "role"), "source", "files[0].role is 'source', not \"image\" or"),
    (("files", 0, "role"), "mask", 'files has the role "image" 0 times, not once'),
    (("files", 1, "role"), "image", 'files has the role "image" 2 times, not once'),
    (("files", 1, "name"), "other", "files lists ['other'] for the objective, which names ['"),
    (("files", 0, "sha1"), None, "files[0].sha1 is None, not 40 hexadecimal digits"),
    (("engine",), {"name": "caffe"}, "engine.version is None, not a text"),
    (("engine", "threads"), [[[[]]]], "engine['threads'] is [[[...]]], not a text"),
    (("libraries",), None, "libraries is None, not an object of at most 32 names"),
    (("version",), 2, "it is of version 2, and this deepdream reads up to 1"),
    (("version",), "1", "version is '1', not 1"),
])  # fmt: skip
def test_a_value_out_of_bounds_is_named_with_what_is_allowed(path, value, said):
    with pytest.raises(DreamError) as e:
        schema.read(with_value(path, value))
    assert str(e.value).startswith(said)
    assert "\n" not in str(e.value) and len(str(e.value)) < 400


@pytest.mark.parametrize("key", [key for key in RECIPE if key not in ("version", "zoom", "frame")])
def test_what_must_be_there_is_missed_by_name(key):
    with pytest.raises(RecipeError, match=f"^{key} is missing: "):
        schema.read({k: v for k, v in RECIPE.items() if k != key})


@pytest.mark.parametrize("record", [None, 2015, "text", [], True])
def test_what_is_no_object_is_no_recipe(record):
    with pytest.raises(RecipeError, match="not an object"):
        schema.read(record)


@pytest.mark.parametrize("text, said", [
    ('{"a": NaN}', "the number 'NaN'"),
    ('{"a": -Infinity}', "the number '-Infinity'"),
    ('{"a": 1e999}', "the number '1e999'"),
    ('{"a": ' + "1" * 5000 + "}", "the number '111"),
    ('{"a": 1, "b": {"c": 1, "c": 1}}', "'c' twice in one object"),
    ("[" * 100_000, "nested too deep"),
    ('{"a": ' * 100_000, "nested too deep"),
    ('{"a"', "it is no JSON"),
    ("", "it is no JSON"),
    (" " * 2**21, "it has 2097152 characters, over 1048576"),
])  # fmt: skip
def test_json_that_is_not_taken(text, said):
    with pytest.raises(RecipeError) as e:
        fields.parse(text)
    assert said in str(e.value) and len(str(e.value)) < 200


def test_json_that_is_taken():
    value = {"a": [1, -2.5, "\u00e9\n", None, True], "b": {"c": {}}}
    assert fields.parse('{"a": [1, -2.5, "\\u00e9\\n", null, true], "b": {"c": {}}}') == value
