"""Recordings of a dream, and an engine held against one: what is kept, what is refused."""

import json

import numpy as np
import pytest

from deepdream.errors import RecordingError
from deepdream.request import job, making, recipe
from deepdream.settings import Dream
from deepdream.studies import compare, recording
from netfile.system.files import file_sha1

QUICK = Dream(end="", iterations=2, octaves=2)


@pytest.fixture
def request_of(photo, small_folder, engine_name):
    def call(**changes):
        return job.prepare(
            str(photo), QUICK, model=str(small_folder), engine=engine_name, seed=3, **changes
        )

    return call


@pytest.fixture
def recorded(request_of, tmp_path):
    """Folder of a recording of four steps."""
    request, folder = request_of(), tmp_path / "recording"
    with recording.Writer(folder) as writer:
        compare.record(request, writer, recipe.recipe(request, folder / "recording.json"))
    return folder


def test_a_recording_holds_what_the_net_saw_and_made(recorded, request_of):
    request = request_of()
    (picture,) = making.pictures(request)
    kept = recording.Recording(recorded)
    assert np.array_equal(kept.array("result"), picture)
    assert np.array_equal(kept.array("pixels"), request.pixels) and kept.array("guide") is None
    assert [(s["octave"], s["step"], s["size"]) for s in kept.steps] == [
        (1, 1, [64, 86]),
        (1, 2, [64, 86]),
        (2, 1, [90, 120]),
        (2, 2, [90, 120]),
    ]
    last = kept.step(3)
    assert (
        last["state"].shape == last["gradient"].shape == (3, 90, 120)
        and last["activation"].shape[0] == 10
    )
    src = request.net.blobs["data"]
    src.data[0] = last["state"]
    request.net.forward(end="inception_4c/output")
    assert np.array_equal(request.net.blobs["inception_4c/output"].data[0], last["activation"])


def test_the_same_engine_follows_to_the_bit(recorded, request_of):
    comparison = compare.follow(request_of(), recording.Recording(recorded))
    assert compare.verdict(comparison)[0] == "equal"
    assert all(
        s.activation == s.gradient == s.drift == 0 < s.rounding < 1e-2 for s in comparison.steps
    )


def test_a_guided_dream_follows_to_the_bit(request_of, photo, tmp_path):
    request = request_of(guide_paths=[str(photo)])
    with recording.Writer(tmp_path / "guided") as writer:
        compare.record(
            request, writer, recipe.recipe(request, tmp_path / "guided" / "recording.json")
        )
    assert (
        compare.verdict(compare.follow(request, recording.Recording(tmp_path / "guided")))[0]
        == "equal"
    )


@pytest.mark.parametrize(
    "fault, word", [(0, "equal"), (1e-7, "agree"), (1e-3, "differ"), (float("nan"), "differ")]
)
def test_the_verdict_finds_a_fault_in_the_gradients(fault, word, recorded, request_of, monkeypatch):
    right = compare.from_state

    def faulty(*args):
        activation, gradient = right(*args)
        return activation, gradient * np.float32(1 + fault * np.cos(np.arange(gradient.shape[-1])))

    monkeypatch.setattr(compare, "from_state", faulty)
    assert compare.verdict(compare.follow(request_of(), recording.Recording(recorded)))[0] == word


def test_the_verdict_finds_a_fault_in_the_activations(recorded, request_of, monkeypatch):
    right = compare.from_state
    monkeypatch.setattr(
        compare, "from_state", lambda *args: (right(*args)[0] * np.float32(1.001), right(*args)[1])
    )
    word, numbers = compare.verdict(compare.follow(request_of(), recording.Recording(recorded)))
    assert word == "differ" and "the activations differ by 1.0e-03" in numbers


def step(gradient, rounding, activation=1e-7):
    return compare.Step(1, 1, (8, 8), activation, gradient, rounding, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("gradients, word", [
    ([4e-7] * 6 + [2e-3] * 14, "agree"),  # as many near-ties as rounding brings
    ([4e-7] * 2 + [1e-3] * 18, "agree"),  # and more, where chance has it
    ([1e-4] * 6 + [2e-3] * 14, "differ"),  # never right
    ([4e-7] * 6 + [5e-2] * 14, "differ"),  # far more than rounding
])  # fmt: skip
def test_near_ties_at_most_steps_of_a_large_picture(gradients, word):
    picture = np.zeros((8, 8, 3), np.float32)
    steps = [step(g, 5e-7 if i < 6 else 2e-3) for i, g in enumerate(gradients)]
    assert compare.verdict(compare.Comparison(steps, picture, picture + 1, 1.0))[0] == word


def refused(folder):
    with pytest.raises(RecordingError) as e:
        recording.Recording(folder)
    return str(e.value)


def test_no_recording(tmp_path):
    with pytest.raises(RecordingError, match="none: no such recording") as e:
        recording.Recording(tmp_path / "none")
    assert e.value.missing == str(tmp_path / "none")
    assert "is no recording" in refused(tmp_path)


def test_a_half_written_recording(recorded):
    (recorded / "recording.json").unlink()
    assert "half-written: it has 4 steps but no recording.json; record it again" in refused(
        recorded
    )


def test_a_half_copied_recording(recorded):
    (recorded / "0002.npz").unlink()
    assert "incomplete: 1 of its 6 files are missing, 0002.npz for one" in refused(recorded)


def test_a_damaged_recording(recorded):
    raw = (recorded / "0001.npz").read_bytes()
    (recorded / "0001.npz").write_bytes(raw[:-100])
    assert f"0001.npz: is damaged: {len(raw) - 100} bytes" in refused(recorded)


def test_an_index_that_is_cut_off(recorded):
    index = recorded / "recording.json"
    index.write_text(index.read_text()[:-50])
    assert "recording.json: cannot be read" in refused(recorded)


@pytest.mark.parametrize("change", [
    {"recipe": 5}, {"steps": 5}, {"steps": [5] * 4}, {"steps": [{"octave": 1}] * 4}, {"files": []},
    {"files": {"pixels.npy": 5}}, {"recipe": None},
], ids=str)  # fmt: skip
def test_an_index_of_other_things(change, recorded):
    index = recorded / "recording.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), **change}))
    assert "recording.json: cannot be read" in refused(recorded)


def test_an_index_that_names_files_elsewhere(recorded, tmp_path):
    index, elsewhere = recorded / "recording.json", tmp_path / "elsewhere"
    elsewhere.write_text("not the recording's")
    told = json.loads(index.read_text())
    for name in ("../elsewhere", str(elsewhere)):
        files = {**told["files"], name: {"bytes": 0, "sha1": ""}}
        index.write_text(json.dumps({**told, "files": files}))
        assert "is not a file of its folder" in refused(recorded)


@pytest.mark.parametrize("content", [b"", b"text", np.zeros(3), np.array([None, {}])], ids=str)
def test_arrays_that_are_none(content, recorded):
    path, index = recorded / "pixels.npy", recorded / "recording.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content, allow_pickle=True)
    told = json.loads(index.read_text())
    told["files"]["pixels.npy"] = {"bytes": path.stat().st_size, "sha1": file_sha1(path)}
    index.write_text(json.dumps(told))
    with pytest.raises(RecordingError, match="pixels.npy: is damaged"):
        recording.Recording(recorded).array("pixels")


def test_a_step_of_numbers_that_are_none(recorded):
    for value in (np.nan, np.inf):
        step = recording.Recording(recorded).step(1)
        step["gradient"][0, 0, 0] = value
        path, index = recorded / "0002.npz", recorded / "recording.json"
        np.savez(path, **step)
        told = json.loads(index.read_text())
        told["files"][path.name] = {"bytes": path.stat().st_size, "sha1": file_sha1(path)}
        index.write_text(json.dumps(told))
        with pytest.raises(RecordingError, match="0002.npz: is damaged .*not finite"):
            recording.Recording(recorded).step(2)


def test_a_recording_on_a_full_disk_names_its_place(request_of, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError("32400 requested and 25568 written")

    monkeypatch.setattr("numpy.save", full)
    request, folder = request_of(), tmp_path / "full"
    message = "full: cannot be written: the disk is full"
    with pytest.raises(RecordingError, match=message), recording.Writer(folder) as writer:
        compare.record(request, writer, "{}")
    assert not list(tmp_path.glob("full*"))


def test_a_recording_of_another_format(recorded):
    index = recorded / "recording.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "format": 2}))
    assert "is a recording of format 2, this deepdream reads 1" in refused(recorded)


def test_a_recording_is_never_written_over(recorded, tmp_path):
    with pytest.raises(RecordingError, match="exists already"):
        recording.Writer(recorded)
    with pytest.raises(RecordingError, match="no such folder to record into"):
        recording.Writer(tmp_path / "no" / "where")


def test_a_stopped_recording_leaves_nothing(request_of, tmp_path, monkeypatch):
    monkeypatch.setattr("deepdream.dream.octaves.make_step", lambda *args, **kwargs: 1 / 0)
    request, folder = request_of(), tmp_path / "stopped"
    with pytest.raises(ZeroDivisionError), recording.Writer(folder) as writer:
        compare.record(request, writer, recipe.recipe(request, folder / "recording.json"))
    assert not folder.exists() and not list(tmp_path.glob("*.partial"))


def test_the_verdict_alone_needs_no_page(run, recorded, photo, tmp_path, small_folder, engine_name):
    code, said, _ = run(
        "compare", photo, "--with", recorded, "--model", small_folder, "--engine", engine_name
    )
    assert (
        code == 0
        and said.splitlines()[-1]
        == "equal: Equal to the bit: every activation, gradient and pixel of all 4 steps."
    )
    assert said.startswith(f"reads {photo}, the image")


def test_the_command_records(run, photo, tmp_path, small_folder, engine_name, fast):
    code, out, _ = run(
        "compare",
        photo,
        "--record",
        tmp_path / "r",
        "--model",
        small_folder,
        "--engine",
        engine_name,
        *fast,
    )
    assert code == 0 and f"wrote {tmp_path / 'r'}" in out
    assert recording.Recording(tmp_path / "r").recipe["settings"]["octaves"] == 2
