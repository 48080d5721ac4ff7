"""Small pictures of layers: which, where they are kept, and that dreams come first."""

import io
import os
import threading

import pytest
from PIL import Image

from deepdream.errors import OutputError, ZeroGradientError
from deepdream.nets import find
from deepdream.settings import DEFAULT_MODEL
from deepdream.web import asked, drawn


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("DEEPDREAM_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "layers"


def test_a_net_of_stages_shows_their_outputs(models):
    _, description = models.get(models.first)
    assert drawn.chosen(description) == ["inception_3b/output", "inception_4c/output"]


def test_a_net_without_stages_shows_layers_from_its_beginning_to_its_end(models):
    _, description = models.get(models.first)
    for layer in description.layer:
        layer.name = layer.name.replace("/output", "/all")
        layer.top[0] = layer.top[0].replace("/output", "/all")
        layer.bottom[:] = [name.replace("/output", "/all") for name in layer.bottom]
    chosen = drawn.chosen(description)
    assert chosen[0] == "conv1" and chosen[-1] == "inception_4c/all" and "prob" not in chosen
    many = [str(number) for number in range(100)]
    assert len(drawn._spread(many)) == drawn.MOST == len(set(drawn._spread(many)))
    assert drawn._spread(many)[0] == "0" and drawn._spread(many)[-1] == "99"


def test_pictures_are_drawn_once_and_found_again(serving, cache, monkeypatch):
    monkeypatch.setitem(drawn._SETTINGS, "iterations", 1)
    monkeypatch.setattr(drawn, "_OCTAVES", 1)
    ask = serving()
    about = ask("GET", "/models/small0").facts
    assert about["undrawn"] == 2 and not any(one["picture"] for one in about["layers"])
    assert ask("POST", "/models/small0/pictures").facts == {"left": 2}
    heard = threading.Event()
    tell = ask.server.hub.tell
    ask.server.hub.tell = lambda event, **x: (tell(event, **x), x.get("left") == 0 and heard.set())
    while ask("GET", "/state").facts["drawings"]:
        heard.wait(0.05)
    about = ask("GET", "/models/small0").facts
    shown = [one["picture"] for one in about["layers"] if one["picture"]]
    assert about["undrawn"] == 0 and len(shown) == 2
    picture = ask("GET", f"/{shown[0]}")
    assert picture.status == 200 and Image.open(io.BytesIO(picture.content)).size == (192, 144)
    assert len(list(cache.glob("*/*.webp"))) == 2
    assert ask("POST", "/models/small0/pictures").facts == {"left": 0}
    assert ask("POST", "/models/none/pictures").status == 422


def test_a_dream_comes_before_pictures_that_are_being_drawn(
    queue, heard, form, models, kept, small, monkeypatch
):
    begun, calls = threading.Event(), []

    def slow(model, layer, how, stop):
        calls.append(layer)
        begun.set()
        if len(calls) > 1:
            return b"picture", None
        while not stop():
            threading.Event().wait(0.005)
        raise drawn.Unfinished

    monkeypatch.setattr(drawn, "drawn", slow)
    queue.draw(small, "small0", {"conv1": "conv1.webp"})
    assert begun.wait(30) and queue.told()["drawings"] == {"small0": 1}
    one = queue.add(asked.read(form(), models, kept))
    heard.wait(lambda event, facts: facts.get("id") == one.id and facts.get("state") == "done")
    facts = heard.wait(lambda event, facts: event == "drawn")
    assert facts["picture"] == "layers/small0/conv1.webp" and facts["left"] == 0
    assert calls == ["conv1", "conv1"]


@pytest.mark.parametrize(
    "error, message, made",
    [
        (OutputError("the disk is full"), "the disk is full", 1),
        (MemoryError(), "not enough memory", 1),
        (RuntimeError("oh"), "a fault of deepdream's", 1),
        (ZeroGradientError("nothing"), "", 2),  # a layer that sees nothing has no picture
    ],
)
def test_what_goes_wrong_is_said_and_ends_the_drawing(
    error, message, made, queue, heard, small, monkeypatch, capsys
):
    calls = []

    def fail(model, layer, how, stop):
        calls.append(layer)
        raise error

    monkeypatch.setattr(drawn, "drawn", fail)
    queue.draw(small, "small0", {"conv1": "a.webp", "pool1": "b.webp"})
    facts = heard.wait(lambda event, facts: event == "drawn" and not facts["left"])
    assert message in facts["message"] and bool(message) == bool(facts["message"])
    assert len(calls) == made and not queue.told()["drawings"]
    assert queue._thread.is_alive()


def test_a_drawing_is_stopped(queue, heard, small, monkeypatch):
    begun = threading.Event()

    def endless(model, layer, how, stop):
        begun.set()
        while not stop():
            threading.Event().wait(0.005)
        raise drawn.Unfinished

    monkeypatch.setattr(drawn, "drawn", endless)
    queue.draw(small, "small0", {"conv1": "a.webp"})
    queue.draw(small, "small0", {"pool1": "b.webp"})  # it goes on already
    assert begun.wait(30)
    queue.stop_drawing("small0")
    assert heard.wait(lambda event, facts: event == "drawn")["left"] == 0
    assert not queue.told()["drawings"]


def test_a_picture_that_is_given_up_is_not_made(small, engine_name):
    with pytest.raises(drawn.Unfinished):
        drawn.drawn(small, "conv1", {"engine": engine_name}, lambda: True)


def test_the_default_nets_pictures_come_with_the_page_and_others_are_the_users(small):
    assert drawn.folders(find(DEFAULT_MODEL), DEFAULT_MODEL)[0] == drawn.SHIPPED / DEFAULT_MODEL
    assert drawn.folders(small, "small0") == [drawn.kept_in(small)]


def test_other_weights_have_other_pictures(small):
    before = drawn.kept_in(small)
    assert drawn.kept_in(small) == before
    state = small.weights.stat()
    os.utime(small.weights, ns=(state.st_atime_ns, state.st_mtime_ns + 10**9))
    assert drawn.kept_in(small) != before


def test_the_own_dreams_picture_is_of_the_models_objective(small, monkeypatch):
    class Asked(Exception):
        pass

    def asked_for(dream, **how):
        raise Asked(dream.objective, dream.end)

    monkeypatch.setattr(drawn, "Request", asked_for)
    monkeypatch.setattr(drawn, "own_settings", lambda model: {"objective": 'channel("conv1", 1)'})
    with pytest.raises(Asked) as e:
        drawn.drawn(small, drawn.OWN, {})
    assert e.value.args == ('channel("conv1", 1)', "")
