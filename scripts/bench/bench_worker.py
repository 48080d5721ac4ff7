"""One side of the benchmark: bvlc_googlenet on one engine, and the time of its gradient steps.

bench.py starts it and talks to it in lines of JSON: a question names a size, the answer has the
times. Engines: compat and caffe (as `deepdream` loads them), torch (eager, on the CPU). As in a
dream, the built-in engine's net is lean; plain is that engine with a net that holds everything.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

END = "inception_4c/output"
STEPS = 3  # one after the other, as in a dream; the median counts
PROTOTXT = ROOT / "prototxt" / "bvlc_googlenet" / "deploy.prototxt"


Times = Dict[str, List[float]]  # {layer kind: [forward, backward]} in seconds


def picture(width: int, height: int) -> np.ndarray:
    shape = (1, 3, height, width)
    return np.random.RandomState(0).uniform(-120, 130, shape).astype(np.float32)


class CaffeSide:
    """Forward to END, the notebook's objective, backward, on an engine with pycaffe's API.

    plain: let a net that could be lean hold everything.
    """

    def __init__(self, engine: str, plain: bool = False) -> None:
        from google.protobuf import text_format

        from deepdream.nets import engine as engines

        self.caffe = engines.load(engine)
        description = self.caffe.io.caffe_pb2.NetParameter()
        text_format.Merge(PROTOTXT.read_text(), description)
        description.force_backward = True
        description.layer[0].input_param.shape[0].dim[0] = 1
        with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as f:
            f.write(str(description))
            f.flush()
            self.net = self.caffe.Net(f.name, self.caffe.TEST)
        about = engines.describe(self.caffe)
        self.name = f"{about['name']} {about['version']}{', plain' if plain else ''}"
        self._context = contextlib.ExitStack()
        if not plain and hasattr(self.net, "lean"):
            self._context.enter_context(self.net.lean())

    def prepare(self, width: int, height: int) -> None:
        source = self.net.blobs["data"]
        source.reshape(1, 3, height, width)
        source.data[...] = picture(width, height)

    def forward(self) -> None:
        self.net.forward(end=END)
        self.net.blobs[END].diff[...] = self.net.blobs[END].data

    def backward(self) -> None:
        self.net.backward(start=END)

    def layer_times(self) -> Times:
        """The times of one step. In-place ReLUs that run within their convolution count there."""
        times: Times = {}
        last = list(self.net._layer_names).index(END)
        if self.caffe.__name__ == "caffe_compat":
            self._watch(times)
            self.net._passes.repeats.keeps = False
            self.forward()
            self.backward()
            self.net._passes.repeats.keeps = True
            for layer in self._engine_layers():
                del layer.forward, layer.backward
            return times
        for i in range(last + 1):
            started = time.perf_counter()
            self.net._forward(i, i)
            times.setdefault(kind(self.net.layers[i]), [0.0, 0.0])[0] += (
                time.perf_counter() - started
            )
        self.net.blobs[END].diff[...] = self.net.blobs[END].data
        for i in range(last, -1, -1):
            started = time.perf_counter()
            self.net._backward(i, i)
            times.setdefault(kind(self.net.layers[i]), [0.0, 0.0])[1] += (
                time.perf_counter() - started
            )
        return times

    def _engine_layers(self) -> List[Any]:
        """The built-in engine's own layers, behind those that net.layers shows."""
        return list(self.net._parts.layers)

    def _watch(self, times: Times) -> None:
        """Let every layer of the built-in engine add up what it takes."""

        def timed(call: Any, layer: Any, place: int) -> Callable[..., None]:
            def run(*args: Any, **kwargs: Any) -> None:
                started = time.perf_counter()
                call(*args, **kwargs)
                times.setdefault(kind(layer), [0.0, 0.0])[place] += time.perf_counter() - started

            return run

        for layer in self._engine_layers():
            layer.forward = timed(layer.forward, layer, 0)
            layer.backward = timed(layer.backward, layer, 1)


def kind(layer: Any) -> str:
    """A layer's type; of a convolution, also the size of its kernel."""
    shape = layer.blobs[0].data.shape if layer.type == "Convolution" else ()
    return f"Convolution {shape[2]}x{shape[3]}" if shape else layer.type


class TorchSide:
    """The same step as eager PyTorch operations, one for each of the prototxt's layers."""

    def __init__(self) -> None:
        import torch
        from google.protobuf import text_format

        from caffe_compat.proto import caffe_pb2

        self.torch = torch
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        net = caffe_pb2.NetParameter()
        text_format.Merge(PROTOTXT.read_text(), net)
        self.layers: List[Tuple[Any, Any]] = []
        channels = {"data": 3}
        for layer in net.layer[1:]:
            self.layers.append((layer, self._weights(layer, channels)))
            if layer.name == END:
                break
        self.name = f"PyTorch {torch.__version__}, eager"

    def _weights(self, layer: Any, channels: Dict[str, int]) -> Any:
        """(weights, biases) of a convolution, () of others; notes the top's channels."""
        weights: Any = ()
        depth = sum(channels[b] for b in layer.bottom)
        if layer.type == "Convolution":
            p = layer.convolution_param
            shape = (p.num_output, depth, p.kernel_size[0], p.kernel_size[0])
            weights = self.torch.randn(*shape) * 0.02, self.torch.zeros(p.num_output)
            depth = p.num_output
        channels[layer.top[0]] = depth
        return weights

    def prepare(self, width: int, height: int) -> None:
        self.source = self.torch.from_numpy(picture(width, height)).requires_grad_()

    def forward(self) -> None:
        from scripts.bench.torch_engine import operation

        blobs = {"data": self.source}
        for layer, weights in self.layers:
            blobs[layer.top[0]] = operation(layer, [blobs[b] for b in layer.bottom], weights)
        self.target = blobs[END]

    def backward(self) -> None:
        self.target.backward(self.target.detach())
        self.target = None


def memory(field: str) -> Optional[float]:
    """Megabytes that this process takes, or None where the system does not tell.

    field: VmRSS is what it takes now, VmHWM its peak.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


Side = Union[CaffeSide, TorchSide]


def make(engine: str) -> Side:
    if engine == "torch":
        return TorchSide()
    return CaffeSide("compat", plain=True) if engine == "plain" else CaffeSide(engine)


def warm_up(engine: str) -> float:
    """Seconds of the first step, which loads code and may compile it.

    It runs on a net of its own, so that the measured net's memory holds nothing else.
    """
    side = make(engine)
    side.prepare(64, 64)
    started = time.perf_counter()
    side.forward()
    side.backward()
    return time.perf_counter() - started


def step_times(side: Side) -> Dict[str, float]:
    """Seconds of the median step of STEPS, {"forward": ..., "backward": ...}."""
    passes = []
    for _ in range(STEPS):
        started = time.perf_counter()
        side.forward()
        turned = time.perf_counter()
        side.backward()
        passes.append((time.perf_counter() - started, turned - started))
    step, forward = sorted(passes)[STEPS // 2]
    return {"forward": forward, "backward": step - forward}


def main(argv: Optional[List[str]] = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("engine", choices=["compat", "plain", "caffe", "torch"])
    engine = p.parse_args(argv).engine
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    first = warm_up(engine)
    side = make(engine)
    loaded = memory("VmRSS")
    print(json.dumps({"name": side.name, "first": first}), file=answers, flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        side.prepare(*question["size"])
        answer: Dict[str, Any] = {}
        if question["layers"]:
            assert isinstance(side, CaffeSide)
            answer.update(side.layer_times())
        else:
            answer.update(step_times(side))
            peak = memory("VmHWM")
            answer["peak"] = peak - loaded if peak and loaded else None
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
