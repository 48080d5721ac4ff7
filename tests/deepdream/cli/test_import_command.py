"""`deepdream models import`, and a dream of what it wrote."""

from pathlib import Path
from typing import Any

import pytest

from net_surgery.imports import TABLES
from netfile.places import PROTOTXT
from netfile.prototxt import read_prototxt
from tests.support import foreign_weights as foreign

MODEL = "torchvision_squeezenet1_1"


@pytest.fixture
def source(caffe: Any, tmp_path: Path) -> Path:
    table = next(t for t in TABLES if t.model == MODEL)
    net = read_prototxt(PROTOTXT / MODEL / "deploy.prototxt", caffe.io.caffe_pb2)
    arrays = foreign.source_arrays(table, net)
    arrays["extra\x1b"] = arrays["classifier.1.bias"]
    path = tmp_path / "squeeze.safetensors"
    path.write_bytes(foreign.safetensors(arrays))
    return path


def test_what_was_imported_dreams(
    source: Path, run: Any, tmp_path: Path, photo: Any, fast: Any
) -> None:
    out = tmp_path / "model"
    words = ["models", "import", source, "--as", MODEL, "-o", out]
    code, said, noted = run(*words)
    assert code == 0 and f"wrote {out}: deploy.prototxt" in said
    assert noted == f"note: not used of {source}: extra\\x1b\n"
    code, _, noted = run(*words)
    assert code == 2 and "exists already" in noted and "--overwrite replaces it" in noted
    assert run(*words, "--overwrite")[0] == 0
    dreamt = tmp_path / "dream.png"
    code, _, noted = run("dream", photo, "--model", out, "-o", dreamt, *fast)
    assert code == 0, noted
    assert dreamt.is_file()


def test_what_cannot_be_imported_leaves_nothing(source: Path, run: Any, tmp_path: Path) -> None:
    out = tmp_path / "model"
    for file, name, told in (
        (source, "hed_bsds500", "has none of the arrays of hed_bsds500"),
        (source, "bvlc_gogglenet", "invalid choice"),
        (tmp_path / "none", MODEL, "No such file"),
        (tmp_path, MODEL, "a folder, given where a file of weights goes"),
    ):
        code, _, said = run("models", "import", file, "--as", name, "-o", out)
        assert code == 2 and told in said and said.count("\n") == 1, said
    (tmp_path / "evil.pth").write_bytes(foreign.torch_zip({}, b"\x80\x02cos\nsystem\n."))
    code, _, said = run("models", "import", tmp_path / "evil.pth", "--as", MODEL, "-o", out)
    assert code == 2 and "asks for os.system" in said
    assert not out.exists()
