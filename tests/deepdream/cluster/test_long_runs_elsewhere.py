"""Zooms, films and classes by workers: as this process makes them, to the bit, and a run that was
begun here goes on there, or the other way round."""

from dataclasses import replace

import pytest

from deepdream import pictures
from deepdream.cluster import client
from deepdream.cluster.client import Cluster
from deepdream.dream import octaves
from deepdream.settings import CLUSTER
from tests.support import films
from tests.support.kills import contents

pytest.importorskip("distributed")

SHORT = ["--iterations", 1, "--octaves", 2, "--octave-scale", "1.2", "--seed", 5]

pytestmark = pytest.mark.slow  # workers take seconds to start


@pytest.fixture
def film(tmp_path):
    pytest.importorskip("cv2")
    folder = tmp_path / "film"
    folder.mkdir()
    for number, frame in enumerate(films.panning(3, (60, 72))):
        pictures.save(folder / f"{number}.png", frame)
    return folder


@pytest.fixture
def tiled(monkeypatch):
    """Frames are made by tiles, as if they needed more memory than there is."""
    from deepdream.nets import opening

    monkeypatch.setattr(opening, "_tile", lambda asked, tiling: (48, 56))


@pytest.fixture
def given(monkeypatch):
    """The pieces of work that workers were given."""
    work, begin = [], Cluster.begin

    def counted(self, *what):
        work.append(what[0].__name__)
        return begin(self, *what)

    monkeypatch.setattr(Cluster, "begin", counted)
    return work


@pytest.fixture
def stopped(monkeypatch, run):
    """Run a command line that Ctrl-C stops in its second frame, at its third step."""

    def stop(*words):
        taken, make_step = [], octaves.make_step

        def step(net, **settings):
            taken.append(1)
            if len(taken) == 4:
                raise KeyboardInterrupt
            make_step(net, **settings)

        with monkeypatch.context() as patch:
            patch.setattr(octaves, "make_step", step)
            code, _, err = run(*words)
        assert code == 130 and "goes on" in err

    return stop


def long_run(name, photo, film):
    """The words of a run of three frames."""
    source = ["zoom", photo, "--frames", 3] if name == "zoom" else ["video", film]
    return [*source, *SHORT, "-o"]


@pytest.mark.parametrize("name", ["zoom", "video"])
def test_the_tiles_of_frames_go_to_the_workers(
    run, photo, film, tmp_path, scheduler, tiled, given, name
):
    words = long_run(name, photo, film)
    assert run(*words, tmp_path / "here")[0] == 0 and not given
    code, _, err = run(*words, tmp_path / "there", "--scheduler", scheduler)
    assert code == 0 and given.count("tile_made") > 12, err
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


@pytest.mark.parametrize("name", ["zoom", "video"])
@pytest.mark.parametrize("begun", ["here", "there"])
def test_a_run_goes_on_where_there_are_workers_and_where_there_are_none(
    run, stopped, photo, film, tmp_path, scheduler, tiled, given, name, begun
):
    words, elsewhere = long_run(name, photo, film), ["--scheduler", scheduler]
    assert run(*words, tmp_path / "whole")[0] == 0
    first, then = ([], elsewhere) if begun == "here" else (elsewhere, [])
    stopped(*words, tmp_path / "out", *first)
    before = len(given)
    assert bool(before) == (begun == "there")
    code, said, err = run("resume", tmp_path / "out", *then)
    assert code == 0 and "goes on after frame 1 of 3" in said, err
    assert (len(given) > before) == (begun == "here")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", ["zoom", "video"])
def test_frames_that_need_no_tiles_are_made_here_and_that_is_said(
    run, photo, film, tmp_path, given, name
):
    code, _, err = run(*long_run(name, photo, film), tmp_path / "out", "--workers", 2)
    assert code == 0 and not given
    assert "each frame needs the one before it" in err and "nothing for workers to do" in err


def test_a_film_goes_on_after_its_scheduler_has_gone(
    run, photo, film, tmp_path, scheduler, tiled, monkeypatch
):
    words, taken, begin = long_run("video", photo, film), [], Cluster.begin
    assert run(*words, tmp_path / "whole")[0] == 0

    def gone(self, *what):
        taken.append(1)
        if len(taken) == 20:
            raise self._gone()
        return begin(self, *what)

    with monkeypatch.context() as patch:
        patch.setattr(Cluster, "begin", gone)
        code, _, err = run(*words, tmp_path / "out", "--scheduler", scheduler)
    assert code == 2 and "is gone" in err and f"resume {tmp_path / 'out'}` goes on" in err
    assert err.splitlines()[-1].count("deepdream video:") == 1
    assert run("resume", tmp_path / "out", "--scheduler", scheduler)[0] == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_classes_go_on_by_workers_and_none_is_made_twice(
    run, tmp_path, scheduler, small_folder, engine_name, monkeypatch, given
):
    words = ["classes", 0, 2, 3, "--method", "simonyan", "--seeds", 1]
    words += ["--model", small_folder, "--engine", engine_name, "-o"]
    assert run(*words, tmp_path / "whole")[0] == 0
    from deepdream.cli.commands import classes

    made, make = [], classes.made_of_class

    def interrupted(*what):
        made.append(1)
        if len(made) == 2:
            raise KeyboardInterrupt
        return make(*what)

    with monkeypatch.context() as patch:
        patch.setattr(classes, "made_of_class", interrupted)
        assert run(*words, tmp_path / "out")[0] == 130
    code, said, err = run("resume", tmp_path / "out", "--scheduler", scheduler)
    assert code == 0 and "goes on after class 1 of 3" in said, err
    assert given == ["class_made"] * 2
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_match_goes_on_here_and_says_why(
    run, photo, tmp_path, monkeypatch, small_folder, engine_name, given
):
    optimize = pytest.importorskip("scipy.optimize")
    words = ["match", photo, "--octaves", 2, "--octave-scale", "1.2", "--evaluations", 2]
    words += ["--end", "3b", "--model", small_folder, "--engine", engine_name, "-o"]
    assert run(*words, tmp_path / "whole.png")[0] == 0
    out, minimize, begun = tmp_path / "out.png", optimize.minimize, []

    def interrupted(*what, **how):
        begun.append(1)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return minimize(*what, **how)

    with monkeypatch.context() as patch:
        patch.setattr(optimize, "minimize", interrupted)
        assert run(*words, out)[0] == 130
    code, _, err = run("resume", out, "--workers", 2)
    assert code == 0 and not given and "nothing for workers to do" in err
    assert out.read_bytes() == (tmp_path / "whole.png").read_bytes()


def test_a_run_whose_scheduler_is_not_there_stays_as_it_is(
    run, stopped, photo, film, tmp_path, tiled, monkeypatch
):
    monkeypatch.setattr(client, "CLUSTER", replace(CLUSTER, seconds=1))
    for name in ("zoom", "video"):
        words, out = long_run(name, photo, film), tmp_path / name
        code, _, err = run(*words, out, "--scheduler", "tcp://127.0.0.1:1")
        assert code == 2 and err.count("\n") == 1 and not out.exists()
        assert "scheduler tcp://127.0.0.1:1: " in err and "goes on" not in err
        stopped(*words, out)
        before = contents(out)
        code, _, err = run("resume", out, "--scheduler", "tcp://127.0.0.1:1")
        assert code == 2 and f"resume {out}` goes on" in err.splitlines()[-1]
        assert contents(out) == before
