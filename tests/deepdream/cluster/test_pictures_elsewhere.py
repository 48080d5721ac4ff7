"""`--scheduler` and `--workers`: what workers make is what this process would have made, to the
bit, whatever becomes of the workers."""

import os
import signal

import pytest

from deepdream import pictures
from deepdream.cluster import client
from deepdream.cluster.client import Cluster
from tests.deepdream.cluster import hooks

pytest.importorskip("distributed")

SHORT = ["--iterations", 1, "--octaves", 2, "--octave-scale", "1.2", "--seed", 5]

pytestmark = pytest.mark.slow  # workers take seconds to start


@pytest.fixture
def photos(photo, tmp_path):
    """A folder of four photographs, of which no two are the same."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate("abcd"):
        pixels = pictures.load(photo)[: 90 - 2 * number]
        pixels[0, 0] = ord(name)
        pictures.save(folder / f"{name}.png", pixels)
    return folder


def files(folder):
    """{name: content} of a folder; none where it is not there."""
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def same_as_local(run, tmp_path, photos, scheduler, *words):
    """Run a batch here and elsewhere; returns what each said, after comparing what each wrote."""
    here, there = tmp_path / "here", tmp_path / "there"
    one = run("batch", photos, "-o", here, *SHORT, *words)
    other = run("batch", photos, "-o", there, *SHORT, *words, "--scheduler", scheduler)
    assert files(here) == files(there) and one[0] == other[0], other[2]
    return one, other


def test_a_batch_equals_a_local_one(run, photos, tmp_path, scheduler):
    one, other = same_as_local(run, tmp_path, photos, scheduler)
    assert other[1].splitlines()[-1] == "4 of 4 pictures done"
    assert len(files(tmp_path / "there")) == 4
    again = run("batch", photos, "-o", tmp_path / "there", *SHORT, "--scheduler", scheduler)
    assert again[:2] == (0, "4 of 4 pictures are done already\n")


@pytest.mark.parametrize(
    "words",
    [
        ["--guide", "{}/c.png", "--mask", "{}/b.png", "--keep-colours", "--max-size", "64"],
        ["--objective", 'guide("3b", "{}/c.png") + l2("4c")', "--smooth", "gaussian"],
    ],
    ids=["guide-mask", "objective"],
)
def test_all_that_a_request_names_goes_along(run, photos, tmp_path, scheduler, words):
    same_as_local(run, tmp_path, photos, scheduler, *(word.format(photos) for word in words))


def test_tiles_are_those_of_this_process(run, photos, tmp_path, scheduler, monkeypatch):
    from deepdream.nets import opening

    monkeypatch.setattr(opening, "_tile", lambda asked, tiling: (48, 56))
    same_as_local(run, tmp_path, photos, scheduler)
    assert b'"tile": {"height": 48' in files(tmp_path / "there")["a-dream.png"]


@pytest.mark.parametrize(
    "words", [[], ["--guide", "{}/c.png", "--mask", "{}/b.png"]], ids=["plain", "guide-mask"]
)
def test_tiles_of_one_picture_go_to_the_workers(
    run, photos, tmp_path, scheduler, monkeypatch, words
):
    from deepdream.nets import opening

    monkeypatch.setattr(opening, "_tile", lambda asked, tiling: (48, 56))
    given, results = [], Cluster.results

    def counted(self, work, pieces):
        return results(self, work, (given.append(1) or piece for piece in pieces))

    monkeypatch.setattr(Cluster, "results", counted)
    words = ["dream", photos / "a.png", *SHORT, *(word.format(photos) for word in words), "-o"]
    assert run(*words, tmp_path / "here.png")[0] == 0 and not given
    code, _, err = run(*words, tmp_path / "there.png", "--scheduler", scheduler)
    assert code == 0 and len(given) > 4, err
    assert (tmp_path / "here.png").read_bytes() == (tmp_path / "there.png").read_bytes()


def test_failures_are_told_as_here(run, photos, tmp_path, scheduler):
    (photos / "b.png").write_bytes(b"no picture")
    one, other = same_as_local(run, tmp_path, photos, scheduler)
    assert one[0] == 1 and one[2] == other[2]
    assert one[1].splitlines()[-2:] == other[1].splitlines()[-2:]


def test_what_fails_on_a_worker_is_told_as_here(run, photos, tmp_path, scheduler):
    one, other = same_as_local(run, tmp_path, photos, scheduler, "--objective", '0 * l2("4c")')
    assert one[0] == 2 and "nothing to amplify" in one[2] and one[2] == other[2]


def test_the_work_of_a_worker_that_dies_is_done_again(
    run, photos, tmp_path, scheduler, monkeypatch
):
    died, begin = tmp_path / "died", Cluster.begin

    def deadly(self, work, *what):
        return begin(self, hooks.dies_once, str(died), work, *what)

    monkeypatch.setattr(Cluster, "begin", deadly)
    same_as_local(run, tmp_path, photos, scheduler)
    assert died.exists() and len(files(tmp_path / "there")) == 4


def test_a_picture_that_ends_every_worker_is_refused(run, photos, tmp_path, scheduler, monkeypatch):
    begin = Cluster.begin
    monkeypatch.setattr(Cluster, "begin", lambda self, *what: begin(self, hooks.dies))
    out = tmp_path / "d.png"
    code, _, err = run("dream", photos / "d.png", "-o", out, *SHORT, "--scheduler", scheduler)
    assert code == 2 and "2 workers died while they worked on it" in err and not out.exists()


def test_ctrl_c_keeps_what_is_written_and_the_rest_is_made_later(
    run, photos, tmp_path, scheduler, monkeypatch
):
    out, taken, result = tmp_path / "dreams", [], Cluster.result

    def interrupted(self, begun):
        taken.append(1)
        if len(taken) == 3:
            signal.raise_signal(signal.SIGINT)
        return result(self, begun)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with monkeypatch.context() as patch:
        patch.setattr(Cluster, "result", interrupted)
        code, said, err = run("batch", photos, "-o", out, *SHORT, "--scheduler", scheduler)
    signal.signal(signal.SIGINT, before)
    assert code == 130 and said.splitlines()[-1] == "2 of 4 pictures done; 2 left"
    assert "stopped" in err and sorted(files(out)) == ["a-dream.png", "b-dream.png"]
    assert run("batch", photos, "-o", out, *SHORT, "--scheduler", scheduler)[0] == 0
    run("batch", photos, "-o", tmp_path / "here", *SHORT)
    assert files(out) == files(tmp_path / "here")


def test_a_picture_that_nobody_waits_for_ends(tmp_path, scheduler):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with client.joined(scheduler, None) as cluster:
        begun = cluster.begin(hooks.until_unwanted, str(pipe))
        told = open(pipe)
        assert told.readline() == "begun\n" and not begun.done()
    with told:
        assert told.readline() == "nobody waits\n"


def test_class_pictures_equal_local_ones(run, tmp_path, scheduler, small_folder, engine_name):
    words = ["0", "2", "3", "--method", "simonyan", "--seeds", "2"]
    words += ["--model", small_folder, "--engine", engine_name]
    assert run("classes", *words, "-o", tmp_path / "here")[0] == 0
    code, _, err = run("classes", *words, "-o", tmp_path / "there", "--scheduler", scheduler)
    assert code == 0, err
    assert files(tmp_path / "here") == files(tmp_path / "there")
    assert len(files(tmp_path / "there")) == 7


def test_workers_of_this_machine_share_its_cores(run, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "cores", lambda: 6)
    with client.joined(None, 2) as cluster:
        begun = cluster.begin(os.getenv, "CAFFE_COMPAT_THREADS")
        assert cluster.result(begun) == "3" and len(cluster.workers) == 2
        assert cluster.address.startswith("tls://127.0.0.1:")
        pid = cluster.result(cluster.begin(os.getpid))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_workers_of_this_machine_change_nothing_here(run, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "cores", lambda: 14)  # a share that no recipe has
    words = ["dream", photos / "a.png", *SHORT, "-o"]
    assert run(*words, tmp_path / "here.png")[0] == 0
    code, said, err = run(*words, tmp_path / "there.png", "--workers", 2)
    assert code == 0 and "2 workers at tls://127.0.0.1:" in said, err
    assert (tmp_path / "here.png").read_bytes() == (tmp_path / "there.png").read_bytes()
