"""Windows that Caffe has not, made of those that it has, beside a plain loop over the windows."""

from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest

from net_surgery.imports.graphs import convert_graph
from tests.support.onnx_graphs import Graph

SIZE = (12, 9)


def looped(x: np.ndarray, pads: List[int], kernel: int, stride: int, how: Any, fill: float) -> Any:
    """how(window) of each window of a padded map (channels, height, width)."""
    padded = np.pad(x, ((0, 0), (pads[0], pads[2]), (pads[1], pads[3])), "constant",
                    constant_values=fill)  # fmt: skip
    rows, columns = ((n - kernel) // stride + 1 for n in padded.shape[1:])
    return np.stack(
        [
            np.stack([how(padded[:, i * stride :, j * stride :][:, :kernel, :kernel])
                      for j in range(columns)], -1)
            for i in range(rows)
        ],
        -2,
    )  # fmt: skip


@pytest.mark.parametrize("pads", [[0, 0, 1, 1], [2, 0, 0, 1], [1, 2, 1, 2]], ids=str)
@pytest.mark.parametrize("op", ["Conv", "MaxPool", "AveragePool", "AveragePool with padding"])
def test_windows(caffe: Any, tmp_path: Path, op: str, pads: List[int]) -> None:
    graph = Graph(1, 2, *SIZE, opset=11)
    settings: Dict[str, Any] = {"pads": pads, "strides": [2, 2], "kernel_shape": [3, 3]}
    hows: Dict[str, Any] = {
        "MaxPool": lambda w: w.max((1, 2)),
        "AveragePool": lambda w: np.nanmean(w, (1, 2)),
        "AveragePool with padding": lambda w: w.mean((1, 2)),
    }
    fill = {"MaxPool": -np.inf, "AveragePool": np.nan}.get(op, 0.0)
    if op == "Conv":
        weights = graph.arrays[graph.random(3, 2, 3, 3)]
        hows[op] = lambda w: (weights * w).sum((1, 2, 3))
        graph.add(op, "x", "c0", **settings)
    else:
        graph.add(op.split()[0], **settings, **({"count_include_pad": 1} if " " in op else {}))
    (tmp_path / "a.onnx").write_bytes(graph.message())
    folder = convert_graph(tmp_path / "a.onnx", "net", caffe).save(tmp_path / "net")
    net = caffe.Net(
        str(folder / "deploy.prototxt"), caffe.TEST, weights=str(folder / "net.caffemodel")
    )
    x = np.random.RandomState(3).normal(0, 1, (2, *SIZE)).astype(np.float32)
    net.blobs["data"].data[0] = x
    net.forward()
    wanted = looped(x, pads, 3, 2, hows[op], fill)
    found = net.blobs[graph.last].data[0]
    assert found.shape == wanted.shape and np.abs(found - wanted).max() < 1e-5
