"""Hostile recipes: each is followed, or refused in one line without control characters.

Never a traceback, a hang, or anything read but what the recipe lists. FUZZ_EXAMPLES says for how
long.
"""

import copy
import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from deepdream import pictures
from deepdream.errors import DreamError
from deepdream.request import fields, schema
from deepdream.request.following import from_picture
from deepdream.request.job import prepare
from deepdream.request.recipe import recipe
from deepdream.settings import Dream
from netfile.errors import NetError

fuzz = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")),
    deadline=5_000,
    suppress_health_check=[HealthCheck.too_slow],
)
ODD = [
    *(None, True, False, 0, -1, 1, 2, 65, 2**31, 2**32, 2**63, 10**400, -0.0, 0.5, 1.4, 1e-320),
    *(1e30, -1e308, "", "x", "0", "2015", "/dev/zero", "/dev/stdin", "..", "/", "~", "photo.png"),
    *("a\0b", "\x1b[31mred", "\u202egnp", "\ud800", "\r\nwrote it", "a" * 300, "a/" * 3000),
    *("auto", "caffe", "compat", "mask", "l2(", 'score("²")', 'guide("conv1", "/dev/zero")'),
    *('l2("conv1").within("mask")', "-" * 3000 + 'l2("conv1")', '1e999 * l2("conv1")'),
    *([], {}, [[]], [None], {"": {}}, [1, 2, 3], [0.1] * 300, {"name": "x"}),
]
values = st.recursive(
    st.one_of(
        st.sampled_from(ODD),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
    ),
    lambda items: st.one_of(
        st.lists(items, max_size=4), st.dictionaries(st.text(max_size=8), items, max_size=4)
    ),
    max_leaves=8,
)


def places(value, path=()):
    """Every place in a JSON value, as the keys that lead to it."""
    inner = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else inner:
        yield (*path, key)
        yield from places(item, (*path, key))


changes = st.lists(
    st.tuples(st.integers(0, 10**4), st.sampled_from(["replace", "remove", "add"]), values, values),
    min_size=1,
    max_size=3,
)


def changed(record, changes):
    """A copy of a recipe with a few values replaced, removed or added."""
    record = copy.deepcopy(record)
    for number, how, value, name in copy.deepcopy(changes):
        everywhere = list(places(record))
        *path, key = everywhere[number % len(everywhere)] if everywhere else ("version",)
        inside = record
        for step in path:
            inside = inside[step]
        if how == "remove" and everywhere:
            del inside[key]
        elif how == "add" and isinstance(inside, dict):
            inside[str(name)] = value
        else:
            inside[key] = value
    return record


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with photo.png and a picture called `mask`."""
    folder = tmp_path_factory.mktemp("hostile")
    noise = np.random.RandomState(3).randint(0, 256, (40, 50, 3))
    Image.fromarray(noise.astype(np.uint8)).save(folder / "photo.png")
    Image.fromarray(noise[:9, :9].astype(np.uint8)).save(folder / "mask", "PNG")
    return folder


@pytest.fixture(scope="module")
def records(place, small_folder, caffe):
    """Recipes of both versions, plain and with everything that a recipe can have."""
    texts = [f'guide("conv1", "{place}/mask").within("{place}/mask")', ""]
    found = []
    for text in texts:
        job = prepare(
            str(place / "photo.png"),
            Dream(octaves=2, objective=text),
            model=str(small_folder),
            engine=caffe,
            mask_path=str(place / "mask"),
            seed=1,
        )
        found.append(json.loads(recipe(job, str(place / "out.png"))))
    old = copy.deepcopy(found[1])
    sources = {file["role"]: {"path": file["name"], "sha1": file["sha1"]} for file in old["files"]}
    del old["version"], old["model"]["folder"]
    old["model"]["name"] = str(small_folder)
    old["image"], old["files"] = sources.pop("image"), sources
    return [*found, old]


def follow(text, place):
    """Follow a recipe in a picture as far as the first step; what was wrong with it, or ""."""
    pictures.save(place / "out.png", np.zeros((1, 1, 3)), text)
    lines = []
    try:
        from_picture(str(place / "out.png"), tell=lines.append)
        said = ""
    except (DreamError, NetError) as e:
        said = str(e)
        assert said
        lines.append(" ".join(said.split()))
    for line in lines:
        assert fields.showable(line) == line and len(line) < 5000, ascii(line)
    return said


def test_the_recipes_to_be_changed_are_right(records, place):
    assert [follow(json.dumps(record), place) for record in records] == ["", "", ""]


@pytest.mark.slow
@fuzz
@given(st.integers(0, 2), changes)
def test_changed_recipes(records, place, number, changes):
    follow(json.dumps(changed(records[number], changes)), place)


@fuzz
@given(values)
@example({"version": 1})
@example({"deepdream match": {}})
@example({"deepdream classes": None})
def test_any_json(place, value):
    assert follow(json.dumps(value), place)


@fuzz
@given(st.text())
@example("{" * 100_000)
@example('{"version":' + "[" * 100_000)
@example('{"version":' + "1" * 100_000)
@example('{"version": NaN}')
@example('{"version": 1e999}')
@example('{"version": 1, "version": 1}')
@example('{"version": 1}' + " " * fields.MOST_BYTES + "}")
@example('{"version": "\\ud800\\u001b"}')
@example("\ufeff{}")
def test_any_text(place, text):
    text = text.encode("utf-8", "replace").decode()
    assert follow("{" + text.lstrip("{") if text[:1] != "{" else text, place)


@pytest.mark.slow
@fuzz
@given(changes)
def test_settings_that_the_schema_takes_are_settings_of_a_dream(records, changes):
    settings = changed(records[1]["settings"], changes)
    try:
        read = schema.read({**records[1], "settings": settings})
    except DreamError:
        return
    Dream(**read["settings"])
