"""The folder of a net that was made of a graph."""

from pathlib import Path
from typing import Any

import pytest

from net_surgery.cli import main
from net_surgery.imports import Input, convert, convert_graph
from tests.support.onnx_graphs import Graph


@pytest.fixture
def source(tmp_path: Path) -> Path:
    graph = Graph(1, 3, "h", "w")
    graph.conv(3, 4, pads=[1, 1, 1, 1], outputs=["conv1"])
    graph.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    path = tmp_path / "my\x1bnet.onnx"
    path.write_bytes(graph.message())
    return path


def test_the_readme_says_what_is_known(source: Path, caffe: Any, tmp_path: Path) -> None:
    taken = Input(mean=(103.939, 116.779, 123.68), channel_order="rgb", scale=0.017)
    made = convert(source, "mynet", caffe, (32, 32), taken)
    folder = made.save(tmp_path / "mynet")
    assert sorted(p.name for p in folder.iterdir()) == sorted(made.file_names())
    lines = (folder / "readme.md").read_text().splitlines()
    for line in ("name: mynet", "mean: [103.939, 116.779, 123.68]", "channel_order: rgb",
                 "scale: 0.017", "input_size: 32", "caffemodel: mynet.caffemodel",
                 "source_format: ONNX graph of opset 13", f"source_sha256: {made.sha256}",
                 "SAME padding is that of a picture of 32x32."):  # fmt: skip
        assert line in lines, line
    assert "\x1b" not in "".join(lines) + (folder / "deploy.prototxt").read_text()
    assert "not known" not in "".join(lines)


def test_and_what_is_not(source: Path, caffe: Any, tmp_path: Path) -> None:
    folder = convert_graph(source, "mynet", caffe, (32, 20)).save(tmp_path / "mynet")
    text = (folder / "readme.md").read_text()
    assert "Its mean colour is not known" in text and "channel order is taken as bgr" in text
    assert not {"mean:", "channel_order:", "scale:", "classes:", "input_size:"} & {
        line.split(" ")[0] for line in text.split("---")[1].splitlines()
    }


def test_net_surgerys_command(source: Path, caffe: Any, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    words = ["import", str(source), "--as", "mynet", "-o", str(out)]
    assert main(words) == 2
    assert "give one with --size" in capsys.readouterr().err and not out.exists()
    assert main([*words, "--size", "32,32", "--mean", "1,2,3"]) == 0
    assert f"wrote {out}, from ONNX graph" in capsys.readouterr().out
    assert "mean: [1.0, 2.0, 3.0]" in (out / "readme.md").read_text()
