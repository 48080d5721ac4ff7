"""Files and folders appear whole or not at all, and what killed processes leave is removed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netfile.errors import WriteError
from netfile.system import files
from netfile.system.files import whole_file, whole_folder
from netfile.system.outputs import check_new_folder, check_output

ROOT = Path(__file__).resolve().parents[3]
# writes half of a file, says so, and dies or waits for a line
WRITER = """
import os, signal, sys
from netfile.system.files import whole_file
with whole_file(sys.argv[1]) as partial:
    partial.write_text("half")
    print(flush=True)
    sys.stdin.readline() or os.kill(os.getpid(), signal.SIGKILL)
"""


class Stop(Exception):
    pass


@pytest.fixture(autouse=True)
def nothing_swept(monkeypatch):
    monkeypatch.setattr(files, "_swept", set())


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def writer(path):
    """A process that has written half of a file. Waits for a line on stdin."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=str(ROOT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    return process


def killed(path):
    """Leave what a killed process leaves."""
    process = writer(path)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_file_appears_when_it_is_whole(tmp_path):
    (tmp_path / "x.txt").write_text("old")
    with whole_file(tmp_path / "x.txt") as partial:
        partial.write_text("new")
        assert partial.parent.parent == tmp_path and partial.parent.stat().st_mode & 0o77 == 0
        assert (tmp_path / "x.txt").read_text() == "old"
    assert names(tmp_path) == ["x.txt"] and (tmp_path / "x.txt").read_text() == "new"


def test_a_folder_appears_when_it_is_whole(tmp_path):
    with whole_folder(tmp_path / "new") as partial:
        (partial / "x.txt").write_text("new")
        assert not (tmp_path / "new").exists() and partial.parent.parent == tmp_path
    assert names(tmp_path) == ["new"] and names(tmp_path / "new") == ["x.txt"]
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_nothing_is_left_after_an_error(whole, tmp_path):
    with pytest.raises(Stop), whole(tmp_path / "x") as partial:
        partial.is_dir() or partial.write_text("half")
        raise Stop
    assert names(tmp_path) == []


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_the_system_s_error_is_passed_on(whole, tmp_path):
    with pytest.raises(FileNotFoundError), whole(tmp_path / "no" / "x") as partial:
        partial.write_text("half")
    assert names(tmp_path) == []
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine").touch()
    with pytest.raises(OSError), whole(tmp_path / "x") as partial:
        partial.is_dir() or partial.write_text("whole")
    assert names(tmp_path) == ["x"] and names(tmp_path / "x") == ["mine"]


def test_two_writers_of_one_name_do_not_mix(tmp_path):
    with whole_file(tmp_path / "x") as mine, whole_file(tmp_path / "x") as other:
        mine.write_text("mine")
        other.write_text("other, and longer")
    assert (tmp_path / "x").read_text() == "mine" and names(tmp_path) == ["x"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    killed(tmp_path / "x")
    (left,) = names(tmp_path)
    assert files.leftovers(tmp_path) == [tmp_path / left]
    with whole_file(tmp_path / "y") as partial:
        partial.touch()
    assert names(tmp_path) == ["y"]


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    process = writer(tmp_path / "x")
    assert files.leftovers(tmp_path) == []
    with whole_file(tmp_path / "y") as partial:
        partial.touch()
    process.communicate(b"go on\n")
    assert process.returncode == 0 and (tmp_path / "x").read_text() == "half"


def test_only_what_is_ours_is_removed(tmp_path):
    mine = [".deepdream-notes", ".deepdream-0123456789abcdef", ".x.part", "x.partial"]
    (tmp_path / mine[1]).write_text("a file, not a folder")
    for name in (mine[0], *mine[2:]):
        (tmp_path / name).mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".deepdream-00000000000000aa").symlink_to(elsewhere)
    with whole_file(tmp_path / "y") as partial:
        partial.touch()
    assert set(mine) <= set(names(tmp_path)) and elsewhere.is_dir()


def test_a_link_is_kept_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "x").symlink_to(tmp_path / "there" / "y")
    with whole_file(tmp_path / "x") as partial:
        partial.write_text("new")
    assert (tmp_path / "x").is_symlink() and (tmp_path / "there" / "y").read_text() == "new"


def test_a_pipe_is_kept(tmp_path):
    os.mkfifo(str(tmp_path / "x"))
    with pytest.raises(OSError, match="not a file"), whole_file(tmp_path / "x") as partial:
        partial.touch()
    assert (tmp_path / "x").is_fifo()


def test_permissions_of_a_file_are_kept(tmp_path):
    (tmp_path / "x").touch(0o600)
    with whole_file(tmp_path / "x") as partial:
        partial.touch()
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600


def test_without_replace_a_file_that_came_meanwhile_stays(tmp_path):
    with pytest.raises(FileExistsError), whole_file(tmp_path / "x", replace=False) as partial:
        partial.write_text("new")
        (tmp_path / "x").write_text("mine")
    assert (tmp_path / "x").read_text() == "mine" and names(tmp_path) == ["x"]
    with pytest.raises(FileExistsError), whole_file(tmp_path / "x", replace=False):
        pass


def test_many_writers_leave_one_whole_file(tmp_path):
    def write(letter):
        for _ in range(20):
            with whole_file(tmp_path / "x") as partial:
                partial.write_text(letter * 10000)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (tmp_path / "x").read_text()
    assert len(text) == 10000 and len(set(text)) == 1 and names(tmp_path) == ["x"]


# ---- asked beforehand


def refused(*args, **options):
    with pytest.raises(WriteError) as e:
        check_output(*args, **options)
    return str(e.value)


def test_an_existing_file_is_refused_unless_asked_for(tmp_path):
    (tmp_path / "x").touch()
    assert "exists already" in refused(tmp_path / "x")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert "exists already" in refused(tmp_path / "gone")
    check_output(tmp_path / "x", overwrite=True)
    check_output(tmp_path / "new")
    assert names(tmp_path) == ["gone", "x"]


def test_an_input_is_refused_under_every_name(tmp_path, monkeypatch):
    source = tmp_path / "x.png"
    source.touch()
    (tmp_path / "link.png").symlink_to(source)
    os.link(str(source), str(tmp_path / "hard.png"))
    monkeypatch.chdir(tmp_path)
    spellings = ("x.png", "link.png", "hard.png", f"../{tmp_path.name}/x.png", str(source))
    for spelling in spellings:
        assert "an input" in refused(spelling, overwrite=True, inputs=[source])


def test_what_can_never_be_written_is_refused(tmp_path):
    assert "File name too long" in refused(tmp_path / ("x" * 300))
    assert "no such folder" in refused(tmp_path / "no" / "x")
    assert "is a folder" in refused(tmp_path, overwrite=True)
    os.mkfifo(str(tmp_path / "pipe"))
    assert "pipe" in refused(tmp_path / "pipe")
    with pytest.raises(WriteError, match="File name too long"):
        check_new_folder(tmp_path / "new", "x" * 300)
    check_new_folder(tmp_path / "new", "x")
    assert names(tmp_path) == ["pipe"]
