"""One side of the benchmark: load bvlc_googlenet into an engine, then time a gradient step for each size that is asked for.

Started by bench.py, which talks to it in lines of JSON. Engines: compat, caffe (whatever `deepdream` loads), torch (eager, on the CPU).
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

END = "inception_4c/output"
STEPS = 3  # one behind the other, as in a dream; the middle one counts
PROTOTXT = ROOT / "prototxt" / "bvlc_googlenet" / "deploy.prototxt"


def picture(width, height):
    return np.float32(np.random.RandomState(0).uniform(-120, 130, (1, 3, height, width)))


class CaffeSide:
    """Forward to END, the notebook's objective, backward, on an engine with pycaffe's API."""

    def __init__(self, engine):
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
        self.name = f"{about['name']} {about['version']}"

    def prepare(self, width, height):
        source = self.net.blobs["data"]
        source.reshape(1, 3, height, width)
        source.data[...] = picture(width, height)

    def forward(self):
        self.net.forward(end=END)
        self.net.blobs[END].diff[...] = self.net.blobs[END].data

    def backward(self):
        self.net.backward(start=END)

    def layer_times(self):
        """Seconds by layer kind, {kind: [forward, backward]}, of one step. In-place ReLUs that run along with their convolution count there."""
        times = {}
        last = list(self.net._layer_names).index(END)
        if self.caffe.__name__ == "caffe_compat":
            self._watch(times)
            self.forward()
            self.backward()
            for layer in self.net.layers:
                del layer.forward, layer.backward
            return times
        for i in range(last + 1):
            started = time.perf_counter()
            self.net._forward(i, i)
            times.setdefault(kind(self.net.layers[i]), [0, 0])[0] += time.perf_counter() - started
        self.net.blobs[END].diff[...] = self.net.blobs[END].data
        for i in range(last, -1, -1):
            started = time.perf_counter()
            self.net._backward(i, i)
            times.setdefault(kind(self.net.layers[i]), [0, 0])[1] += time.perf_counter() - started
        return times

    def _watch(self, times):
        def timed(call, layer, place):
            def run(*args, **kwargs):
                started = time.perf_counter()
                call(*args, **kwargs)
                times.setdefault(kind(layer), [0, 0])[place] += time.perf_counter() - started

            return run

        for layer in self.net.layers:
            layer.forward, layer.backward = (
                timed(layer.forward, layer, 0),
                timed(layer.backward, layer, 1),
            )


def kind(layer):
    """A layer's type, convolutions with their kernel's size."""
    shape = layer.blobs[0].data.shape if layer.type == "Convolution" else ()
    return f"Convolution {shape[2]}x{shape[3]}" if shape else layer.type


class TorchSide:
    """The same step as eager PyTorch operations, one for each of the prototxt's layers."""

    def __init__(self):
        import torch
        from google.protobuf import text_format

        from caffe_compat.proto import caffe_pb2

        self.torch = torch
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        net = caffe_pb2.NetParameter()
        text_format.Merge(PROTOTXT.read_text(), net)
        self.layers, channels = [], {"data": 3}
        for layer in net.layer[1:]:
            self.layers.append((layer, self._weights(layer, channels)))
            if layer.name == END:
                break
        self.name = f"PyTorch {torch.__version__}, eager"

    def _weights(self, layer, channels):
        depth = (
            sum(channels[b] for b in layer.bottom)
            if layer.type == "Concat"
            else channels[layer.bottom[0]]
        )
        weights = None
        if layer.type == "Convolution":
            p = layer.convolution_param
            weights = (
                self.torch.randn(p.num_output, depth, p.kernel_size[0], p.kernel_size[0]) * 0.02,
                self.torch.zeros(p.num_output),
            )
            depth = p.num_output
        channels[layer.top[0]] = depth
        return weights

    def prepare(self, width, height):
        self.source = self.torch.from_numpy(picture(width, height)).requires_grad_()

    def forward(self):
        f = self.torch.nn.functional
        blobs = {"data": self.source}
        for layer, weights in self.layers:
            x = blobs[layer.bottom[0]]
            if layer.type == "Convolution":
                p = layer.convolution_param
                y = f.conv2d(
                    x,
                    *weights,
                    stride=p.stride[0] if p.stride else 1,
                    padding=p.pad[0] if p.pad else 0,
                )
            elif layer.type == "ReLU":
                y = f.relu(x, inplace=True)
            elif layer.type == "Pooling":
                p = layer.pooling_param
                y = f.max_pool2d(x, p.kernel_size, p.stride, p.pad, ceil_mode=True)
            elif layer.type == "LRN":
                p = layer.lrn_param
                y = f.local_response_norm(x, p.local_size, p.alpha, p.beta, p.k)
            else:
                y = self.torch.cat([blobs[b] for b in layer.bottom], 1)
            blobs[layer.top[0]] = y
        self.target = blobs[END]

    def backward(self):
        self.target.backward(self.target.detach())
        self.target = None


def memory(field):
    """Megabytes of this process's memory: VmRSS now, VmHWM at its peak; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def make(engine):
    return TorchSide() if engine == "torch" else CaffeSide(engine)


def warm_up(engine):
    """Load, and perhaps compile, the code with a net of its own, so that the measured one's memory is its own; returns seconds of the first pass."""
    side = make(engine)
    side.prepare(64, 64)
    started = time.perf_counter()
    side.forward()
    side.backward()
    return time.perf_counter() - started


def main(engine):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    first = warm_up(engine)
    side = make(engine)
    loaded = memory("VmRSS")
    print(json.dumps({"name": side.name, "first": first}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        side.prepare(*asked["size"])
        if asked.get("layers"):
            answer = side.layer_times()
        else:
            passes = []
            for _ in range(STEPS):
                a = time.perf_counter()
                side.forward()
                b = time.perf_counter()
                side.backward()
                passes.append((time.perf_counter() - a, b - a))
            step, forward = sorted(passes)[STEPS // 2]
            peak = memory("VmHWM")
            answer = {
                "forward": forward,
                "backward": step - forward,
                "peak": peak and peak - loaded,
            }
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
