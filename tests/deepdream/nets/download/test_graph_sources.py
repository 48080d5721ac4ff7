"""Models whose deploy net is made of the ONNX graph that has their weights."""

import hashlib
import json
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from deepdream import cli, nets
from deepdream.nets import download
from tests.support.misbehaving import offset, send
from tests.support.onnx_graphs import Graph

pytest.importorskip("requests")
WEIGHTS = "mynet.caffemodel"


def content(*more: str) -> bytes:
    graph = Graph(1, 3, 32, 32)
    graph.conv(3, 4, pads=[1, 1, 1, 1], outputs=["conv1"])
    graph.add("Relu", outputs=["relu1"])
    graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], outputs=["pool1"])
    graph.conv(4, 6, pads=[1, 1, 1, 1], outputs=["conv2"])
    for name in more:
        graph.add(name)
    return graph.message()


@pytest.fixture
def model(tmp_path: Path, server: Any) -> Callable[[bytes], Path]:
    """A function: the folder of a model whose weights are in this file on a server."""

    def make(data: bytes) -> Path:
        server.behaviours = [lambda h: send(h, data, offset(h))]
        folder = tmp_path / "mynet"
        folder.mkdir()
        url = server.url.replace("net.caffemodel", "net.onnx")
        (folder / "readme.md").write_text(
            f"---\nname: Net\ndeploy: graph\ncaffemodel: {WEIGHTS}\nmean: [1, 2, 3]\nsources:\n"
            f"- place: {url}\n  format: ONNX\n  sha256: {hashlib.sha256(data).hexdigest()}\n---\n"
        )
        return folder

    return make


def names(folder: Path) -> Any:
    return sorted(path.name for path in folder.iterdir())


def test_the_net_comes_with_its_weights(model: Any, capsys: Any) -> None:
    folder = model(content())
    assert cli.main(["models", "get", str(folder)]) == 0
    assert names(folder) == ["deploy.prototxt", WEIGHTS, f"{WEIGHTS}.origin.json", "readme.md"]
    told = json.loads((folder / f"{WEIGHTS}.origin.json").read_text())
    assert told["format"] == "ONNX graph of opset 13"
    found = nets.find(str(folder))
    assert download.is_right(download.wanted(found))
    opened = nets.open(found, layers=[nets.default_end(found)])
    opened.net.forward(end=opened.end)
    assert opened.end == "pool1" and np.any(opened.net.blobs["pool1"].data)
    # got again, it replaces what it made itself
    assert cli.main(["models", "get", str(folder), "--source", "1", "--overwrite"]) == 0


def test_without_them_a_dream_says_how_to_get_them(model: Any, photo: Path, capsys: Any) -> None:
    folder = model(content())
    for command in (["dream", str(photo)], ["layers"]):
        assert cli.main([*command, "--model", str(folder)]) == 2
        said = capsys.readouterr().err
        assert "its net and weights are not there" in said
        assert f"`deepdream models get {folder}` gets them" in said
    assert cli.main(["models", "get", str(folder), "--until", "conv1"]) == 2
    assert "its net comes with its weights" in capsys.readouterr().err


def test_a_prototxt_that_was_there_is_not_replaced(model: Any, capsys: Any) -> None:
    folder = model(content())
    (folder / "deploy.prototxt").write_text("mine")
    assert cli.main(["models", "get", str(folder)]) == 2
    assert "was not made of a graph; move it away" in capsys.readouterr().err
    assert (folder / "deploy.prototxt").read_text() == "mine" and len(names(folder)) == 2


def test_a_graph_that_is_not_converted_leaves_nothing(model: Any, capsys: Any) -> None:
    folder = model(content("Erf"))
    assert cli.main(["models", "get", str(folder)]) == 2
    assert "has nodes that are not converted: Erf" in capsys.readouterr().err
    assert names(folder) == ["readme.md"]
