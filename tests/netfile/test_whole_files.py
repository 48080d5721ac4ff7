"""Files and folders appear whole or not at all."""

import pytest

from netfile.files import whole_file, whole_folder


class Stop(Exception):
    pass


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path):
    (tmp_path / "x.txt").write_text("old")
    with whole_file(tmp_path / "x.txt") as partial:
        partial.write_text("new")
        assert names(tmp_path) == [".x.txt.part", "x.txt"]
        assert (tmp_path / "x.txt").read_text() == "old"
    assert names(tmp_path) == ["x.txt"] and (tmp_path / "x.txt").read_text() == "new"


def test_a_folder_appears_when_it_is_whole(tmp_path):
    with whole_folder(tmp_path / "new") as partial:
        (partial / "x.txt").write_text("new")
        assert not (tmp_path / "new").exists() and partial.parent == tmp_path
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
