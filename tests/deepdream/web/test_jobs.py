"""Dreams of the page: one at a time, seen while they grow, stopped within a step, and kept."""

import json
import os
import zipfile
from io import BytesIO

import pytest

from deepdream import load_image
from deepdream.errors import OutputError
from deepdream.pictures import read_recipe
from deepdream.web import asked, dreams

# a real Caffe takes seconds to open a net
ON_CAFFE = os.environ.get("DEEPDREAM_TEST_ENGINE") == "caffe"
several_nets = pytest.mark.skipif(ON_CAFFE, reason="opens many nets, which the other tests cover")


@pytest.fixture
def begin(queue, form, models, kept):
    """Put a dream into the queue."""

    def call(settings=None, **also):
        return queue.add(asked.read(form(settings, **also), models, kept))

    return call


def ended(heard, one):
    return heard.wait(lambda e, f: e == "dream" and f["id"] == one.id and one.ended and f["state"]
                      in ("done", "stopped", "failed"))  # fmt: skip


def replayed(run, folder, name, small_folder):
    """What `deepdream replay` says of a picture, beside the files that it names."""
    words = ["replay", folder / name, "--model", small_folder]
    code, out, error = run(*words)
    assert code == 0, error
    return out


def unpacked(queue, made, tmp_path):
    """The folder with all that a result was made from."""
    folder = tmp_path / f"saved-{made['id']}"
    content = dreams.archive(queue.result(made["id"]), made["command"])
    zipfile.ZipFile(BytesIO(content)).extractall(str(folder))
    return folder


def test_a_dream_is_seen_while_it_grows_and_ends_as_a_picture(begin, heard, kept):
    one = begin()
    made = ended(heard, one)
    assert made["state"] == "done" and made["result"]["seed"] == 3
    steps = [facts for event, facts in heard.events if event == "step"]
    assert steps[-1]["share"] == 1 and steps[-1]["octave"] == [2, 2] == steps[-1]["step"]
    assert steps[0]["shown"] == 1 and one.frame[1][:2] == b"\xff\xd8"
    assert kept.get(made["result"]["picture"]).size == (90, 120)


def test_a_saved_picture_is_that_of_the_command_line(begin, heard, kept, run, photo, tmp_path):
    made = ended(heard, begin())["result"]
    out = tmp_path / "typed.png"
    options = ["--end", "inception_4c/output", "--iterations", 2, "--octaves", 2, "--seed", 3]
    assert run("dream", photo, "-o", out, "--max-size", 640, *options)[0] == 0
    saved = kept.get(made["picture"]).path
    assert (load_image(str(saved)) == load_image(str(out))).all()


OPTIONS = [
    {},
    {"keep_colours": True},
    {"channels": [2]},
    {"max_size": 80},
    {"mask": True},
    {"guides": True},
    {"frames": 2},
]


@pytest.mark.parametrize("also", OPTIONS[4:6] if ON_CAFFE else OPTIONS)
def test_what_is_saved_replays_to_the_bit(
    also, begin, heard, queue, kept, png, run, tmp_path, small_folder
):
    if "mask" in also:
        also = {"mask": kept.add(png(45, 60), "mask.png").id}
    if "guides" in also:
        also = {"guides": [kept.add(png(70, 90), "leaf.png").id]}
    made = ended(heard, begin(**also))["result"]
    folder = unpacked(queue, made, tmp_path)
    assert "equal to the bit" in replayed(run, folder, made["name"], small_folder)
    assert made["command"] in (folder / "how.txt").read_text()


def test_a_dream_stops_within_a_step_and_what_it_has_is_kept(
    begin, heard, queue, tmp_path, run, small_folder
):
    one = begin({"iterations": 500})
    heard.wait(lambda e, f: e == "step")
    assert queue.stop(one.id)
    before = len([1 for event, _ in heard.events if event == "step"])
    made = ended(heard, one)
    assert made["state"] == "stopped" and made["result"]["stopped"]
    after = len([1 for event, _ in heard.events if event == "step"])
    assert after - before <= 2  # the one that was under way, told or not
    folder = unpacked(queue, made["result"], tmp_path)
    said = replayed(run, folder, made["result"]["name"], small_folder)
    assert "equal to the bit" in said


def test_the_net_of_the_last_dream_is_used_again(
    begin, heard, queue, kept, tmp_path, run, small_folder
):
    first, net = ended(heard, begin())["result"], queue._before.net
    second = ended(heard, begin())["result"]
    assert queue._before.net is net
    assert first["picture"] == second["picture"]  # the same to the bit
    third = ended(heard, begin({"end": "conv1"}, seed=4))["result"]
    folder = unpacked(queue, third, tmp_path)
    assert "equal to the bit" in replayed(run, folder, third["name"], small_folder)


@several_nets
def test_dreams_wait_for_each_other_and_one_that_waits_can_be_stopped(begin, heard, queue):
    first, second, third = (begin({"iterations": 500}, seed=i) for i in range(3))
    heard.wait(lambda e, f: e == "queue" and f["waiting"] == [second.id, third.id])
    assert [d["place"] for d in queue.told()["dreams"]] == [0, 1, 2]
    queue.stop(second.id)
    assert ended(heard, second)["result"] is None and second.state == "stopped"
    heard.wait(lambda e, f: e == "queue" and f["waiting"] == [third.id])
    assert not first.ended
    queue.stop(first.id)
    heard.wait(lambda e, f: e == "step" and f["id"] == third.id)
    queue.stop(third.id)


@several_nets
def test_the_queue_is_bounded(begin, queue):
    made = [begin({"iterations": 500})]
    with pytest.raises(OutputError, match="8 dreams wait already"):
        for _ in range(10):
            made.append(begin({"iterations": 500}))
    for one in reversed(made):
        queue.stop(one.id)


@pytest.mark.parametrize(
    "settings, said",
    [({"octaves": 16}, "octave"), ({"step_size": 1e6, "iterations": 60, "clip": False}, "")],
)
def test_a_dream_that_fails_says_why_and_the_next_one_is_made(settings, said, begin, heard):
    bad = begin(settings)
    facts = ended(heard, bad)
    if said:
        assert facts["state"] == "failed" and said in facts["message"], facts
        assert "/" not in facts["message"].split(":")[0]
    assert ended(heard, begin())["state"] == "done"


@several_nets
def test_a_fault_of_ours_ends_no_more_than_its_dream(begin, heard, monkeypatch, capsys):
    monkeypatch.setattr(dreams, "make", lambda *args: 1 / 0)
    facts = ended(heard, begin())
    assert facts["state"] == "failed" and "ZeroDivisionError" in facts["message"]
    monkeypatch.undo()
    assert ended(heard, begin())["state"] == "done"


def test_a_dream_goes_on_from_another(begin, heard, queue, kept, run, tmp_path, small_folder):
    first = ended(heard, begin())["result"]
    second = ended(heard, begin(image=first["picture"]))["result"]
    assert second["name"] == "photo-dream-2.png"
    folder = unpacked(queue, second, tmp_path)
    assert "equal to the bit" in replayed(run, folder, second["name"], small_folder)
    recipe = json.loads(read_recipe(str(folder / second["name"])))
    assert [(f["role"], f["name"]) for f in recipe["files"]] == [("image", first["name"])]


@several_nets
def test_no_recipe_tells_where_the_server_keeps_its_pictures(begin, heard, kept, tmp_path):
    made = ended(heard, begin())["result"]
    text = read_recipe(str(kept.get(made["picture"]).path))
    assert "kept" not in text and str(tmp_path) not in text


@several_nets
def test_the_oldest_results_make_room(begin, heard, queue, kept):
    queue._limits = queue._limits.__class__(results=2)
    made = [ended(heard, begin(seed=i))["result"] for i in range(3)]
    assert [r["id"] for r in queue.told()["results"]] == [r["id"] for r in made[1:]]
    heard.wait(lambda e, f: e == "forgotten" and f["id"] == made[0]["id"])
    assert queue.result(made[0]["id"]) is None


@several_nets
def test_closing_stops_what_goes_on(begin, heard, queue):
    one = begin({"iterations": 1000})
    heard.wait(lambda e, f: e == "step")
    queue.close()
    assert not queue._thread.is_alive() and one.state == "stopped"
