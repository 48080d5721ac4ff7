"""Time one gradient step (forward to inception_4c/output, objective, backward) of full-size bvlc_googlenet, random weights.

Beside it the same number of multiplications at this machine's own sgemm rate, measured between the steps, since
the rate of a shared machine changes from minute to minute.
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from deepdream import engine as engines  # noqa: E402
from net_surgery.shapes import infer  # noqa: E402

END = "inception_4c/output"


def load(caffe):
    """(net with force_backward and random weights, its description)."""
    from google.protobuf import text_format

    net = caffe.io.caffe_pb2.NetParameter()
    text_format.Merge((ROOT / "prototxt/bvlc_googlenet/deploy.prototxt").read_text(), net)
    net.force_backward = True
    net.layer[0].input_param.shape[0].dim[0] = 1
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as f:
        f.write(str(net))
        f.flush()
        return caffe.Net(f.name, caffe.TEST), net


def multiplications(description, height, width):
    """Multiplications of one forward pass to END, over its convolutions."""
    sizes = infer(description, {"data": (1, 3, height, width)}, END)
    total = 0
    for layer in description.layer:
        if layer.type == "Convolution" and layer.top[0] in sizes:
            p = layer.convolution_param
            total += math.prod(sizes[layer.top[0]]) * sizes[layer.bottom[0]][1] // p.group * p.kernel_size[0] ** 2
    return total


def step(net, height, width):
    """Seconds of (forward, backward)."""
    src, dst = net.blobs["data"], net.blobs[END]
    src.reshape(1, 3, height, width)
    src.data[...] = np.random.RandomState(0).uniform(-120, 130, src.data.shape)
    a = time.perf_counter()
    net.forward(end=END)
    dst.diff[...] = dst.data
    b = time.perf_counter()
    net.backward(start=END)
    return b - a, time.perf_counter() - b


def sgemm_rate(side=2000):
    """Multiply-adds per second of NumPy's sgemm on all cores."""
    a = np.random.RandomState(0).normal(size=(side, side)).astype(np.float32)
    started = time.perf_counter()
    a @ a
    return side**3 / (time.perf_counter() - started)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--engine", choices=engines.NAMES, default="compat")
    p.add_argument("--size", nargs="+", default=["1024x575", "224x224"], metavar="WxH")
    p.add_argument("--repeats", type=int, default=7)
    args = p.parse_args()
    caffe = engines.load(args.engine)
    net, description = load(caffe)
    about = engines.describe(caffe)
    print(f"{about['name']} {about['version']}, {about.get('threads', 'its own number of')} threads; medians of {args.repeats}")
    print("size        forward  backward  step     convolutions at the sgemm rate  ratio")
    for size in args.size:
        width, height = map(int, size.split("x"))
        work = 2 * multiplications(description, height, width)  # the backward pass costs the forward pass once more
        step(net, height, width)
        rows = [(*step(net, height, width), work / sgemm_rate()) for _ in range(args.repeats)]
        forward, backward, floor = (statistics.median(column) for column in zip(*rows))
        total = forward + backward
        print(f"{size:10}  {forward:6.3f}s  {backward:7.3f}s  {total:6.3f}s  {floor:29.3f}s  {total / floor:5.2f}")


if __name__ == "__main__":
    main()
