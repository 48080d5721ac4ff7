"""`deepdream models get` and `list`, and the scripts that download."""

import json
import shutil
import subprocess
import sys

import pytest

from deepdream import cli
from deepdream.nets import catalogue
from netfile.system.places import ROOT
from tests.support.downloads import archive
from tests.support.misbehaving import CONTENT, not_found


def test_get_writes_the_file_and_a_second_time_does_nothing(folder, capsys, server):
    assert cli.main(["models", "get", str(folder)]) == 0
    assert (
        f"{len(CONTENT)} bytes from {server.url}" in capsys.readouterr().out
        and (folder / "net.caffemodel").read_bytes() == CONTENT
    )
    assert cli.main(["models", "get", str(folder)]) == 0
    assert (
        "is installed already, and verified" in capsys.readouterr().out and len(server.asked) == 1
    )


def test_get_tells_a_program_how_far_it_is_and_what_it_wrote(folder, capsys, server):
    assert cli.main(["models", "get", str(folder), "--json"]) == 0
    heard = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    start, *steps, written, done = heard
    assert start == {"event": "start", "name": str(folder)} and done["event"] == "done"
    assert steps[-1]["done"] == steps[-1]["total"] == len(CONTENT)
    assert written["path"] == str(folder / "net.caffemodel") and written["source"] == server.url
    assert cli.main(["models", "get", str(folder), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_get_says_in_one_line_why_it_failed(folder, capsys, server):
    server.behaviours = [not_found]
    assert cli.main(["models", "get", str(folder)]) == 2
    err = capsys.readouterr().err.strip()
    assert (
        err.splitlines()[-1].startswith(
            "deepdream models: net.caffemodel could not be downloaded: http"
        )
        and "answered 404" in err
    )
    assert (
        cli.main(["models", "get", "bvlc_gogglenet"]) == 2
        and "did you mean bvlc_googlenet" in capsys.readouterr().err
    )


def test_without_requests_the_install_command_is_told(folder, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "requests", None)
    assert (
        cli.main(["models", "get", str(folder)]) == 2
        and "pip install -e '.[download]'" in capsys.readouterr().err
    )


@pytest.fixture
def models(tmp_path, monkeypatch, small_folder):
    """A folder of models, one of which has a broken readme."""
    made = tmp_path / "models"
    for name in ("good", "broken"):
        shutil.copytree(small_folder, made / name)
    (made / "broken" / "readme.md").write_text("---\ncaffemodel: \x1b[31mx\nmean: five\n---\n")
    monkeypatch.setattr(catalogue, "MODELS", made)


def test_a_broken_readme_is_told_among_the_others(models, capsys, monkeypatch):
    assert cli.main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "broken  " in said and "its readme is broken: " in said and "good" in said
    monkeypatch.setattr("deepdream.cli.commands.doctor._version_of", lambda python, engine: "1.0")
    cli.main(["doctor"])
    assert "its readme is broken: " in capsys.readouterr().out


def test_no_readme_steers_the_terminal(folder, capsys, monkeypatch):
    readme = folder / "readme.md"
    readme.write_text(readme.read_text().replace("name: Net", "license: \x1b[31mred\x9b"))
    monkeypatch.setattr("deepdream.nets.known", lambda: [str(folder)])
    assert cli.main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "\\x1b[31mred\\x9b" in said and "\x1b" not in said and "\x9b" not in said


@pytest.mark.parametrize("name", ["../victim", "{}", "readme.md", "deploy.prototxt", "a/b", ".."])
def test_get_writes_into_the_models_folder_alone(name, folder, victim, capsys, server):
    readme = folder / "readme.md"
    text = readme.read_text().replace("net.caffemodel\n", f"{name.format(victim)}\n", 1)
    readme.write_text(text)
    assert cli.main(["models", "get", str(folder)]) == 2
    assert "caffemodel is " in capsys.readouterr().err
    assert readme.read_text() == text and not server.asked


def test_list_tells_every_model(capsys):
    assert cli.main(["models", "list"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert (
        rows["motif_googlenet"].endswith("installed, verified")
        and " 6 MB" in rows["motif_googlenet"]
    )
    assert (
        "554 MB" not in rows["VGG_ILSVRC_16_layers"]
        and "553 MB" in rows["VGG_ILSVRC_16_layers"]
        and "CC BY 4.0" in rows["VGG_ILSVRC_16_layers"]
    )
    assert "--trust" not in rows["squeezenet_v1.0"]  # its ONNX file has a hash
    assert "--trust" in rows["googlenet_places205"] and "not known" in rows["googlenet_places205"]
    assert "from caffemodel, ONNX, PyTorch: " in rows["bvlc_googlenet"]


@pytest.mark.parametrize("columns", [80, 20])
def test_every_model_is_told_at_any_width(columns, capsys, monkeypatch):
    monkeypatch.setattr("netfile.terminal.terminal_width", lambda: columns)
    assert cli.main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    words = " ".join(lines).split()
    assert {"VGG_ILSVRC_16_layers", "ONNX,", "PyTorch:"} < set(words)
    whole = [line for line in lines if " " in line.strip()]  # a name alone stays whole
    assert max(map(len, whole)) <= columns


def test_the_sources_of_one_model(capsys):
    assert cli.main(["models", "list", "VGG_ILSVRC_16_layers"]) == 0
    first, _, own, other = capsys.readouterr().out.splitlines()
    assert first == "VGG_ILSVRC_16_layers: CC BY 4.0, 553 MB, not installed"
    assert own.split()[:5] == ["1", "caffemodel", "553", "MB", "SHA1"]
    assert "SHA256 00b39a1b..." in other and other.endswith("vgg16-00b39a1b.pth")
    assert cli.main(["models", "list", "motif_googlenet"]) == 0
    assert "no sources" in capsys.readouterr().out


def test_a_program_is_told_of_every_source(capsys):
    assert cli.main(["models", "list", "--json"]) == 0
    *models, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert done["event"] == "done" and {m["event"] for m in models} == {"model"}
    told = {m["name"]: m for m in models}
    assert told["motif_googlenet"]["verified"] and told["motif_googlenet"]["sources"] == []
    onnx = told["bvlc_googlenet"]["sources"][3]
    assert (onnx["number"], onnx["format"], onnx["bytes"]) == (4, "ONNX", 28020232)
    assert told["hed_bsds500"]["sources"][0]["converted"] == "2026-11-28"


def test_doctor_tells_which_source_answers(folder, server, capsys, monkeypatch):
    monkeypatch.setattr("deepdream.cli.commands.doctor._version_of", lambda python, engine: "1.0")
    monkeypatch.setattr("deepdream.nets.known", lambda: [str(folder)])
    (folder / "deploy.prototxt").write_text('name: "net"')
    cli.main(["doctor"])
    said = capsys.readouterr().out
    assert "1 source (caffemodel)" in said and not server.asked
    cli.main(["doctor", "--online"])
    assert f"{server.url} answers, in " in capsys.readouterr().out
    readme = folder / "readme.md"
    readme.write_text(readme.read_text().replace(server.url, "http://127.0.0.1:9/x"))
    cli.main(["doctor", "--online"])
    said = capsys.readouterr().out
    assert "no source answers (http://127.0.0.1:9/x: refused the connection)" in said


def test_a_gists_readme_needs_no_mean(folder, capsys):
    readme = folder / "readme.md"
    readme.write_text(
        readme.read_text().replace("mean: [1, 2, 3]\n", "gist_id: 0123456789abcdef\n")
    )
    assert (
        cli.main(["models", "get", str(folder)]) == 0
        and (folder / "net.caffemodel").read_bytes() == CONTENT
    )


def test_caffes_spelling_of_a_download_takes_a_models_folder():
    script = ROOT / "scripts" / "nets" / "download_model_binary.py"
    run = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and "--trust" in run.stdout


WORDS = (
    b"n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n"
    b"n01484850 great white shark, white shark\n"
)


def test_names_of_classes_by_script_and_how_they_are_found(
    tmp_path, capsys, small_folder, monkeypatch
):
    from deepdream import nets as model
    from scripts.nets import get_synset_words

    source = tmp_path / "caffe_ilsvrc12.tar.gz"
    source.write_bytes(archive([("./det_synset_words.txt", b"x"), ("./synset_words.txt", WORDS)]))
    folder = shutil.copytree(small_folder, tmp_path / "named")
    to = folder / "synset_words.txt"
    assert (
        get_synset_words.main(["--to", str(to), "--from", str(source)]) == 2
        and "--trust" in capsys.readouterr().err
    )
    (folder / "readme.md").write_text(
        (folder / "readme.md").read_text().replace("end:", "classes: synset_words.txt\nend:")
    )
    found = model.find(str(folder))
    with pytest.raises(Exception, match="deepdream models get synset_words.txt gets them"):
        model.class_number(found, "goldfish")
    assert get_synset_words.main(["--to", str(to), "--from", str(source), "--trust"]) == 0
    assert (
        to.read_bytes() == WORDS
        and get_synset_words.main(["--to", str(to)]) == 0
        and "is there already" in capsys.readouterr().out
    )
    assert model.class_number(found, "goldfish") == (1, "goldfish, Carassius auratus")
    assert (
        model.class_number(found, "Tinca tinca")[0] == 0 and model.class_number(found, "2")[0] == 2
    )
    with pytest.raises(Exception, match="did you mean goldfish"):
        model.class_number(found, "goldfisch")
