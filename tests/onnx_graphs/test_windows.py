"""Windows in settings drawn at random beside ONNX Runtime (`make test-onnx`)."""

import os
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest

from net_surgery.errors import FormatError
from tests.support.onnx_graphs import Graph
from tests.support.onnx_runtime import compared

pytestmark = pytest.mark.onnx
ROUNDS = int(os.environ.get("FUZZ_EXAMPLES", "40"))


def drawn(rng: np.random.RandomState, op: str) -> Dict[str, Any]:
    """Settings of a node that slides windows."""
    kernel = [int(n) for n in rng.randint(1, 6, 2)]
    settings: Dict[str, Any] = {"strides": [int(n) for n in rng.randint(1, 4, 2)]}
    padding = rng.randint(4)
    if padding == 0:
        settings["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        # ONNX Runtime refuses less, or does not do as ONNX says
        kernel = [max(k, s) for k, s in zip(kernel, settings["strides"])]
    elif padding > 1:
        settings["pads"] = [int(rng.randint(0, kernel[i % 2])) for i in range(4)]
    settings["kernel_shape"] = kernel
    if op in ("Conv", "ConvTranspose"):
        if padding:
            settings["dilations"] = [int(n) for n in rng.randint(1, 3, 2)]
        if op == "ConvTranspose" and padding:
            settings["output_padding"] = [int(rng.randint(0, s)) for s in settings["strides"]]
    else:
        settings["ceil_mode"] = int(rng.randint(2)) if padding else 0
    if op == "AveragePool":
        settings["count_include_pad"] = int(rng.randint(2))
    return settings


def compare_one(op: str, seed: int, caffe: Any, folder: Path) -> None:
    rng = np.random.RandomState(seed)
    settings = drawn(rng, op)
    size = [int(n) for n in rng.randint(10, 18, 2)]
    graph = Graph(1, 2, *size, opset=22 if op != "ConvTranspose" else 11, seed=seed)
    kernel = settings["kernel_shape"]
    if op == "Conv":
        graph.add(op, "x", graph.random(3, 2, *kernel), graph.random(3), **settings)
    elif op == "ConvTranspose":
        graph.add(op, "x", graph.random(2, 3, *kernel), **settings)
    else:
        graph.add(op, **settings)
    try:
        compared(graph, caffe, folder)
    except (AssertionError, FormatError) as e:
        raise AssertionError(f"{op} {size} {settings}: {e}") from None


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose", "MaxPool", "AveragePool"])
def test_windows(caffe: Any, tmp_path: Path, op: str) -> None:
    failed: List[str] = []
    refused = 0
    for seed in range(ROUNDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            compare_one(op, seed, caffe, folder)
        except AssertionError as e:
            if "but Caffe's pooling" in str(e):  # both sizes are told
                refused += 1
            else:
                failed.append(str(e))
        except Exception as e:
            failed.append(f"{type(e).__name__} {e}")
    assert not failed, "\n".join(failed)
    assert refused <= ROUNDS // 10
