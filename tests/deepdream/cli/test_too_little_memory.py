"""Every command that runs a net asks beforehand whether its passes fit into the memory."""

import subprocess
import sys

import pytest

from deepdream.nets import memory
from netfile.system.memory import Free


@pytest.fixture
def pictures(tmp_path, photo):
    """A folder of labelled pictures, as `evaluate` takes it."""
    folder = tmp_path / "pictures" / "0"
    folder.mkdir(parents=True)
    (folder / "photo.png").write_bytes(photo.read_bytes())
    return folder.parent


@pytest.mark.parametrize(
    "words, message",
    [
        (("dream", "PHOTO", "-o", "OUT.png"), "the picture is 120x90: a step at that size takes"),
        (("dream", "PHOTO", "-o", "OUT.png", "--guide", "PHOTO"), "120x90: a step at that size"),
        (("zoom", "PHOTO", "-o", "OUT"), "the picture is 120x90: a step at that size takes"),
        (("match", "PHOTO", "-o", "OUT.png", "--enhance", "multiply:2"), "the picture is 120x90"),
        (("heatmap", "PHOTO", "-o", "OUT.png", "--class", "1"), "the picture is 120x90: a step"),
        (("classes", "1", "-o", "OUT", "--seeds", "256"), "256 pictures of 32x32 at a time take"),
        (("evaluate", "PICTURES", "-o", "OUT"), "the picture is 32x32: a step at that size takes"),
        (("compare", "PHOTO", "--record", "OUT"), "the picture is 120x90: a step at that size"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_net_is_built(
    words, message, run, photo, pictures, small_folder, engine_name, tmp_path, monkeypatch
):
    if words[0] == "evaluate":
        pytest.importorskip("sklearn")
        pytest.importorskip("matplotlib")
    monkeypatch.setattr(memory, "free", lambda: Free(20_000, "left by ulimit -v"))
    monkeypatch.setattr("deepdream.nets.opening.build", lambda *args: pytest.fail("it was built"))
    places = {"PHOTO": photo, "PICTURES": pictures, "OUT": tmp_path / "out"}
    places["OUT.png"] = tmp_path / "out.png"
    words = [str(places.get(word, word)) for word in words]
    code, _, err = run(*words, "--model", small_folder, "--engine", engine_name)
    assert code == 2 and message in err and "left by ulimit -v" in err, err
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("megabytes", [350, 550])
def test_too_little_memory_to_start_the_engine_is_one_line(
    megabytes, photo, tmp_path, small_folder, engine_name
):
    if engine_name != "compat":
        pytest.skip("a real Caffe needs less")
    resource, out = pytest.importorskip("resource"), tmp_path / "x.png"
    limit = megabytes * 10**6
    done = subprocess.run(
        [sys.executable, "-m", "deepdream", "dream", str(photo), "-o", str(out), "--model",
         str(small_folder)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "memory" in done.stderr and not out.exists()
