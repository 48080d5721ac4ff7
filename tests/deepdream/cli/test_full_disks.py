"""A disk that is full at any write of a long run: one line, nothing half-written, and the run goes
on once there is room."""

import shutil

import pytest

from deepdream import pictures
from deepdream.dream import class_pictures
from deepdream.films import writing
from deepdream.request import journal as journals
from tests.support import films
from tests.support.full_disks import full_at
from tests.support.kills import contents

SHORT = ["--iterations", 1, "--octaves", 1, "--seed", 3]


@pytest.fixture
def few_steps(monkeypatch):
    octave = class_pictures.Octave(1.0, 1, (4.0, 2.0), (0, 0))
    monkeypatch.setitem(class_pictures.METHODS, "octaves", class_pictures.Method((octave,), 20, 2))


@pytest.fixture
def words(photo, tmp_path, small_folder, engine_name, few_steps):
    """The words of a short run of each kind, which writes into a folder."""

    def of(kind, folder):
        net = ["--model", small_folder, "--engine", engine_name]
        settings = ["--octaves", 2, "--octave-scale", "1.2", "--evaluations", 2, "--end", "3b"]
        plot = ["--plot", folder / "curves.svg"] if kind == "match --plot" else []
        command, *options = kind.split()
        begin = {
            "classes": ["classes", 0, 1, "--seeds", 1],
            "match": ["match", photo, *settings, *plot],
            "zoom": ["zoom", photo, "--frames", 2, *SHORT],
            "video": ["video", tmp_path / "film", *SHORT],
        }[command]
        if options == ["--animate"]:
            begin += ["--animate", folder / "zoom.gif"]
        return [*begin, *net, "-o", folder / OUTS[kind]]

    (tmp_path / "film").mkdir()
    for number, frame in enumerate(films.panning(2, (24, 32))):
        pictures.save(tmp_path / "film" / f"{number}.png", frame)
    return of


OUTS = {
    "zoom": "frames",
    "zoom --animate": "frames",
    "video frames": "dreams",
    "video": "dream.mp4",
    "classes": "pictures",
    "match": "match.png",
    "match --plot": "match.png",
}


def check_refused(code, err, folder, whole):
    """Ask that a run has ended in one line, with no file that is not as it should be."""
    line = err.splitlines()[-1]
    assert code == 2 and "Traceback" not in err
    assert line.startswith("deepdream ") and "No space left on device" in line, err
    assert err.count("No space left") == 1
    for name, data in contents(folder).items():
        hidden = any(part.startswith(".") and "deepdream-run" in part for part in name.split("/"))
        assert hidden or data == whole[name], name


@pytest.mark.slow
@pytest.mark.parametrize("kind", OUTS)
def test_a_disk_that_is_full_at_any_write(run, words, tmp_path, kind, engine_name):
    for package in {"video": ["cv2", "av"], "match --plot": ["matplotlib"]}.get(kind, []):
        pytest.importorskip(package)
    if kind == "video frames":
        pytest.importorskip("cv2")
    wanted, folder, refused = tmp_path / "whole", tmp_path / "run", 0
    wanted.mkdir()
    assert run(*words(kind, wanted))[0] == 0
    whole, begin, out = contents(wanted), words(kind, folder), folder / OUTS[kind]
    number, step = 1, 1 if engine_name == "compat" else 5
    while True:
        folder.mkdir()
        with full_at(number) as disk:
            code, _, err = run(*begin)
        if code != 0:
            assert disk.is_full
            check_refused(code, err, folder, whole)
            refused += 1
            begun = journals.of(out).exists
            assert begun == (f"resume {out}` goes on" in err), err
            code, _, err = run("resume", out) if begun else run(*begin)
            assert code == 0, (number, err)
        assert contents(folder) == whole
        assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
        shutil.rmtree(str(folder))
        if not disk.is_full:
            break
        number += step
    assert refused > 20 // step


def test_a_film_for_which_there_is_no_room_is_written_later(run, words, tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    pytest.importorskip("av")
    out, write = tmp_path / "dream.mp4", writing._write
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def cramped(*what):
        """FFmpeg writes by itself, and gets a real refusal."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        write(*what)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "_write", cramped)
        code, _, err = run(*words("video", tmp_path))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 2 and err.count("\n") == 1 and f"{out}: cannot be written: " in err, err
    assert f"resume {out}` goes on" in err and not out.exists()
    assert run("resume", out)[0] == 0
    assert len(films.seen(out)[0]) == 2
