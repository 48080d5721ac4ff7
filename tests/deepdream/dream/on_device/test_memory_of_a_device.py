"""What a dream takes of a device's memory, beside what was worked out before it."""

import math
import weakref
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest

import deepdream
from deepdream import nets
from deepdream.dream import objectives, preprocess, smoothing
from deepdream.nets import memory

# beside the small net's layers, those that keep something for the way back
DEPLOY = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 16 kernel_size: 3 pad: 1
                            weight_filler { type: "xavier" } } }
layer { name: "norm1" type: "LRN" bottom: "conv1" top: "norm1" }
layer { name: "scale1" type: "Scale" bottom: "norm1" top: "norm1"
        scale_param { bias_term: true } }
layer { name: "prelu1" type: "PReLU" bottom: "norm1" top: "norm1" }
layer { name: "pool1" type: "Pooling" bottom: "norm1" top: "pool1"
        pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "a" type: "Convolution" bottom: "pool1" top: "a"
        convolution_param { num_output: 20 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "b" type: "Convolution" bottom: "pool1" top: "b"
        convolution_param { num_output: 30 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "both" type: "Concat" bottom: "a" bottom: "b" top: "both" }
layer { name: "end" type: "Convolution" bottom: "both" top: "end"
        convolution_param { num_output: 20 kernel_size: 3 weight_filler { type: "xavier" } } }
"""


def watching() -> Any:
    """A context that notes the most bytes that tensors had at any time."""
    modes = pytest.importorskip("torch.utils._python_dispatch")
    torch = pytest.importorskip("torch")

    class Watching(modes.TorchDispatchMode):  # type: ignore[misc, name-defined]
        most = 0

        def __init__(self) -> None:
            super().__init__()
            self.seen: Dict[int, Any] = {}

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = func(*args, **(kwargs or {}))
            for tensor in (*args, *(out if isinstance(out, (tuple, list)) else [out])):
                if isinstance(tensor, torch.Tensor):
                    self.seen[id(tensor)] = weakref.ref(tensor)
            found = (of() for of in self.seen.values())
            storages = [tensor.untyped_storage() for tensor in found if tensor is not None]
            now = sum({one.data_ptr(): one.nbytes() for one in storages}.values())
            self.most = max(self.most, now)
            return out

    return Watching()


@pytest.mark.parametrize("which", ["small", "keeping"])
def test_a_step_takes_what_was_worked_out(
    which: str, small: Any, caffe: Any, tmp_path: Path
) -> None:
    model, end = small, "inception_3b/output"
    if which == "keeping":
        (tmp_path / "deploy.prototxt").write_text(DEPLOY)
        caffe.set_random_seed(1)
        caffe.Net(str(tmp_path / "deploy.prototxt"), caffe.TEST).save(f"{tmp_path}/x.caffemodel")
        (tmp_path / "readme.md").write_text("---\ncaffemodel: x.caffemodel\nmean: [1, 2, 3]\n---\n")
        model, end = str(tmp_path), "end"
    size = (300, 400)
    opened = nets.open(model, caffe, layers=[end], sizes=[size], gpu=0)
    source = preprocess.reshape_input(opened.net, size)
    source.data[...] = np.random.RandomState(0).uniform(-99, 99, (1, 3, *size))
    how = {
        "objective": objectives.strongest(end),
        "smoothing": smoothing.named("laplacian+natural"),
    }
    with watching() as seen:
        for _ in range(2):
            deepdream.make_step(opened.net, rng=np.random.RandomState(0), **how)
    assert 0.75 < seen.most / memory.of_net(opened, [size]) < 1.15


def test_a_command_refuses_what_a_device_has_too_little_memory_for(
    run: Any, caffe: Any, photo: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    devices = pytest.importorskip("caffe_compat.devices")
    monkeypatch.setattr(devices, "free", lambda: (10**6, 10**9))
    out = tmp_path / "out.png"
    words = ["dream", photo, "-o", out, "--gpu", 0, "--octaves", 1]
    code, _, err = run(*words)
    assert code == 2 and len(err.strip().splitlines()) == 1, err
    assert "the picture is 120x90: a step at that size takes" in err
    assert "are free on the GPU (" in err and "at most" in err
    assert "--memory SIZE makes it by tiles that fit there; leave out --gpu" in err
    assert not out.exists()
    assert run(*words, "--memory", "100G", "--quiet")[0] == 0
    assert math.prod(deepdream.load_image(str(out)).shape) == 3 * 90 * 120
