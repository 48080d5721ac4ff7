"""`deepdream models import`, and a dream of what it wrote."""

from pathlib import Path
from typing import Any

import pytest

from net_surgery.imports import TABLES
from netfile.prototxt import read_prototxt
from netfile.system.places import PROTOTXT
from tests.support import foreign_weights as foreign
from tests.support.onnx_graphs import Graph

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
        (source, "bvlc_gogglenet", "(did you mean bvlc_googlenet?); known are"),
        (tmp_path / "none", MODEL, "No such file"),
        (tmp_path, MODEL, "a folder, given where a file of weights goes"),
    ):
        code, _, said = run("models", "import", file, "--as", name, "-o", out)
        assert code == 2 and told in said and said.count("\n") == 1, said
    (tmp_path / "evil.pth").write_bytes(foreign.torch_zip({}, b"\x80\x02cos\nsystem\n."))
    code, _, said = run("models", "import", tmp_path / "evil.pth", "--as", MODEL, "-o", out)
    assert code == 2 and "asks for os.system" in said
    assert not out.exists()


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A net that no table knows."""
    net = Graph("n", 3, "h", "w", opset=11)
    for channels, count in ((3, 8), (8, 8)):
        net.conv(channels, count, pads=[1, 1, 1, 1])
        net.add("Relu")
    net.add("GlobalAveragePool")
    path = tmp_path / "net.onnx"
    path.write_bytes(net.message())
    return path


def test_a_graph_that_no_table_knows_dreams(
    graph: Path, run: Any, tmp_path: Path, photo: Any, fast: Any
) -> None:
    out = tmp_path / "mynet"
    words = ["models", "import", graph, "--as", "mynet", "-o", out]
    code, _, noted = run(*words)
    assert code == 2 and "nx3xhxw; give one with --size" in noted and not out.exists()
    code, _, noted = run(*words, "--size", "64x48")
    assert code == 0 and "its mean colour is not known" in noted
    dreamt = tmp_path / "dream.png"
    dream = ["dream", photo, "--model", out, "-o", dreamt, *fast]
    code, _, noted = run(*dream)
    assert code == 2 and "it does not say the mean" in noted
    assert run(*dream, "--mean", "104,117,123")[0] == 0
    code, said, noted = run(*words, "--size", "64", "--mean", "104,117,123", "--input-scale",
                            "0.017", "--channel-order", "rgb", "--overwrite")  # fmt: skip
    assert code == 0 and not noted and "from ONNX graph of opset 11" in said
    assert run(*dream, "--overwrite")[0] == 0


@pytest.mark.parametrize("more, told", [
    (["--size", "0"], "must be such as 224 or 320x240"), (["--size", "9x9x9"], "must be such as"),
    (["--mean", "blue"], "neither numbers nor a mean file"),
    (["--input-scale", "0"], "at least 1e-09"),
    (["--as", "../net"], "is no name for a model"), (["--as", MODEL], "of its own"),
])  # fmt: skip
def test_what_is_said_of_a_graph_is_checked(
    graph: Path, run: Any, tmp_path: Path, more: Any, told: str
) -> None:
    words = ["models", "import", graph, "--size", "64", "--as", "net", "-o", tmp_path / "out"]
    code, _, noted = run(*words, *more)
    assert code == 2 and told in noted and noted.count("\n") == 1, noted
    assert not (tmp_path / "out").exists()
