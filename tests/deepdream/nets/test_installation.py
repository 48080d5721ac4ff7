"""Models of an installation: what it ships is only read, the rest goes into the user's cache."""

import shutil

import pytest

from deepdream import cli
from deepdream.nets import any_size, catalogue, download, find, labels
from deepdream.settings import DEFAULT_MODEL
from netfile.system import places
from netfile.system.files import file_sha1

CONTENT = b"\x0a\x03net" * 50
README = """---
caffemodel: own.caffemodel
caffemodel_url: http://127.0.0.1:9/own.caffemodel
sha1: {sha1}
mean: [1, 2, 3]
classes: synset_words.txt
---
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "arrived"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def models(tmp_path, monkeypatch, small_folder, source):
    """models/ of an installation that ships the weights of `small`, and none of `own`."""
    data = tmp_path / "site" / "deepdream" / "data"
    made = data / "models"
    made.mkdir(parents=True)
    shutil.copytree(
        str(small_folder), str(made / "small"), ignore=shutil.ignore_patterns(".any_size")
    )
    (made / "own").mkdir()
    (made / "own" / "readme.md").write_text(README.format(sha1=file_sha1(source)))
    shutil.copy(str(small_folder / "deploy.prototxt"), str(made / "own"))
    monkeypatch.setenv("DEEPDREAM_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(places, "_DATA", data)
    monkeypatch.setattr(places, "IS_CHECKOUT", False)
    for module in (catalogue, labels, download):
        monkeypatch.setattr(module, "MODELS", made)
    return made


@pytest.fixture
def untouched(models):
    """Asserts that nothing is written into the installation."""

    def files():
        return sorted((str(p), p.stat().st_mtime_ns) for p in models.rglob("*"))

    before = files()
    yield
    assert files() == before


@pytest.mark.usefixtures("untouched")
def test_downloads_go_into_the_cache_and_are_found_there(models, source, tmp_path, capsys):
    there = tmp_path / "cache" / "models" / "own" / "own.caffemodel"
    assert find("own").weights == there
    assert cli.main(["models", "get", "own", "--from", str(source)]) == 0
    assert f"wrote {there}" in capsys.readouterr().out
    assert find("OWN").weights.read_bytes() == CONTENT
    names = sorted(p.name for p in there.parent.iterdir())
    assert names == [there.name, f"{there.name}.origin.json"]  # no lock, no leftovers
    assert find("small").weights == models / "small" / "small.caffemodel"


@pytest.mark.usefixtures("untouched")
def test_names_of_classes_go_into_the_cache_and_are_found_there(tmp_path, capsys):
    names = tmp_path / "synset_words.txt"
    names.write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish\n")
    assert len(labels.classes(find("own"))) == 1000  # WordNet's, which the package has
    command = ["models", "get", "synset_words.txt", "--from", str(names)]
    assert cli.main(command) == 2 and "--trust" in capsys.readouterr().err
    assert cli.main([*command, "--trust"]) == 0
    assert (tmp_path / "cache" / "models" / "synset_words.txt").is_file()
    assert labels.classes(find("own")) == ["tench, Tinca tinca", "goldfish"]


@pytest.mark.usefixtures("untouched")
def test_a_converted_net_goes_into_the_cache(caffe, tmp_path):
    made, _ = any_size.any_size(find("small"), caffe)
    assert made.weights.parents[1] == tmp_path / "cache" / "models" / "small" / ".any_size"
    again, _ = any_size.any_size(find("small"), caffe)
    assert again == made


@pytest.mark.usefixtures("untouched")
def test_where_no_cache_can_be_written_a_converted_net_lasts_for_the_process(caffe, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder belongs")
    made, _ = any_size.any_size(find("small"), caffe)
    assert made.weights.is_file()


@pytest.mark.usefixtures("untouched")
def test_where_no_cache_can_be_written_a_download_says_so_in_a_line(source, tmp_path, capsys):
    (tmp_path / "cache").write_text("a file where a folder belongs")
    assert cli.main(["models", "get", "own", "--from", str(source)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written" in line and "DEEPDREAM_HOME" in line


def test_weights_that_were_shipped_are_never_replaced(models, source, capsys):
    readme = models / "small" / "readme.md"
    readme.write_text(readme.read_text().replace("end:", f"sha1: {'0' * 40}\nend:"))
    shipped = (models / "small" / "small.caffemodel").read_bytes()
    words = ["models", "get", "small", "--from", str(source), "--overwrite"]
    assert cli.main(words) == 2
    assert "pip install --force-reinstall" in capsys.readouterr().err
    assert (models / "small" / "small.caffemodel").read_bytes() == shipped
    assert cli.main(["doctor"]) == 1
    assert "pip install --force-reinstall" in capsys.readouterr().out


def test_the_doctor_names_only_what_an_installation_has(models, capsys, monkeypatch):
    for name in ("requests", "matplotlib", "sklearn", "numba", "scipy"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    shutil.copytree(str(models / "small"), str(models / DEFAULT_MODEL))
    (models / DEFAULT_MODEL / "deploy.prototxt").unlink()
    cli.main(["doctor"])
    told = capsys.readouterr().out
    assert "pip install 'deepdream-caffe[download]'" in told and "models get own" in told
    assert not [word for word in ("make ", "scripts/", "-e '.", "-e .") if word in told]
