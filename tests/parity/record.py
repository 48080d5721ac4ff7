"""Run every case on one engine and record what comes out: `python record.py ENGINE FOLDER`.

The first engine that runs in FOLDER writes each case's weights there, the next ones load them; each writes
FOLDER/ENGINE.npz. Needs nothing but NumPy and the engine, so that it runs on Debian's Python 3.9 too.
"""

import importlib
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from tests.support import (
    cases,
    nets,
)


def open_net(caffe, folder, name, text):
    """The net of this prototxt, with the weights in the folder, which are written if they are not there."""
    stem = os.path.join(folder, "".join(c if c.isalnum() else "_" for c in name))
    with open(stem + ".prototxt", "w") as f:
        f.write(text)
    weights = stem + ".caffemodel"
    if not os.path.exists(weights):
        net = caffe.Net(stem + ".prototxt", caffe.TEST)
        for layer, blobs in net.params.items():
            if net.layer_dict[layer].type == "Parameter":
                blobs[0].data[...] = cases.values(4, blobs[0].data.shape)
            if net.layer_dict[layer].type == "BatchNorm":  # which no filler fills
                for blob, values in zip(
                    blobs,
                    (
                        cases.values(5, blobs[0].data.shape),
                        0.5 + cases.values(6, blobs[1].data.shape) ** 2,
                        1.7,
                    ),
                ):
                    blob.data[...] = values
        net.save(weights)
    return caffe.Net(stem + ".prototxt", weights, caffe.TEST)


def record_layer(caffe, folder, name, case, out):
    net = open_net(caffe, folder, name, cases.layer_prototxt(case))
    if '"MemoryData"' in case["body"]:
        net.set_input_arrays(cases.values(7, (4, 3, 4, 5)), cases.values(8, (4,)))
    given = [blob for blob in net.blobs if blob.startswith("in") and "split" not in blob]
    for i, blob in enumerate(given):
        # Caffe's Parameter layer hands its own memory to its top in the first forward pass
        target = net.params[blob][0] if blob in net.params else net.blobs[blob]
        target.data[...] = cases.values(i, target.data.shape, case["tie"], case["whole"].get(i))
    net.forward()
    out[name + "|names"] = np.array(list(net.blobs))
    for blob in net.outputs:
        out[name + "|forward|" + blob] = net.blobs[blob].data.copy()
        if case["force"]:
            net.blobs[blob].diff[...] = cases.values(99, net.blobs[blob].data.shape)
    if not case["backward"]:
        return
    net.backward()
    for blob in given:
        out[name + "|backward|" + blob] = net.blobs[blob].diff.copy()
    for i, blob in enumerate(net.params.get("layer", [])):
        out[name + "|weights|" + str(i)] = blob.diff.copy()


def record_names(net, name, out):
    out[name + "|names"] = np.array(list(net.blobs))
    out[name + "|layers"] = np.array(list(net._layer_names))
    out[name + "|params"] = np.array(
        [layer + str([tuple(b.data.shape) for b in blobs]) for layer, blobs in net.params.items()]
    )


def record_built(caffe, folder, name, out):
    """Build a bundled net with random weights, and record its names and the shapes of its weights and blobs."""
    path = os.path.join(folder, name + ".prototxt")
    with open(path, "w") as f:
        f.write(nets.bundled(name))
    net = caffe.Net(path, caffe.TEST)
    record_names(net, name, out)
    out[name + "|blobs"] = np.array(
        [blob + str(tuple(net.blobs[blob].data.shape)) for blob in net.blobs]
    )


def fill(net, size):
    """Give the net's input this (height, width), and values that depend on nothing but it."""
    source = net.blobs[net.inputs[0]]
    source.reshape(1, 3, *size)
    source.data[...] = np.random.RandomState(size[0]).uniform(-120, 130, source.data.shape)
    return source


def clear(net):
    for blob in net.blobs.values():
        blob.diff[...] = 0


def keep_tops(net, key, end, out):
    """Record the tops of every layer up to `end`."""
    reached = list(net._layer_names).index(end) + 1
    for layer in list(net._layer_names)[:reached]:
        for top in net.top_names[layer]:
            out[key + "forward|" + top] = net.blobs[top].data.copy()


def record_net(caffe, folder, name, spec, out):
    net = open_net(caffe, folder, name, spec["text"])
    record_names(net, name, out)
    declared = net.blobs[net.inputs[0]].data.shape[2:]
    for size, end in spec["passes"]:
        source = fill(net, size)
        net.forward(end=end)
        clear(net)
        net.blobs[end].diff[...] = net.blobs[end].data
        net.backward(start=end)
        key = f"{name}|{size[1]}x{size[0]} {end}|"
        keep_tops(net, key, end, out)
        out[key + "backward|data"] = source.diff.copy()
    record_whole(net, name, declared, out)
    for first, last in spec["spans"]:
        record_span(net, f"{name}|{first} to {last}|", declared, first, last, out)


def record_whole(net, name, size, out):
    """forward() and backward() without a start or an end: every blob, and the gradients of the input and of every weight."""
    source = fill(net, size)
    net.reshape()
    outputs = net.forward()
    keep_tops(net, f"{name}|whole|", list(net._layer_names)[-1], out)
    for blob, value in outputs.items():
        net.blobs[blob].diff[...] = cases.values(99, value.shape)
    for blobs in net.params.values():
        for blob in blobs:
            blob.diff[...] = 0
    net.backward()
    out[f"{name}|whole|backward|data"] = source.diff.copy()
    for layer, blobs in net.params.items():
        for i, blob in enumerate(blobs):
            out[f"{name}|whole|weights|{layer} {i}"] = blob.diff.copy()


def record_span(net, key, size, first, last, out):
    """forward(start=, end=) from a bottom that was changed by hand, and backward over the same layers."""
    fill(net, size)
    net.forward()
    bottom = net.blobs[net.bottom_names[first][0]]
    bottom.data[...] *= np.float32(1.25)
    net.forward(start=first, end=last)
    top = net.blobs[net.top_names[last][0]]
    out[key + "forward|" + last] = top.data.copy()
    clear(net)
    top.diff[...] = top.data
    net.backward(start=last, end=first)
    out[key + "backward|span"] = bottom.diff.copy()


def main(engine, folder):
    caffe = importlib.import_module(engine)
    caffe.set_random_seed(3)
    sys.modules["doubling"] = cases.doubling(caffe)
    getattr(caffe, "allow_python_layers", bool)()
    out = {}
    for name, case in cases.LAYERS.items():
        record_layer(caffe, folder, name, case, out)
    for name, spec in nets.NETS.items():
        record_net(caffe, folder, name, spec, out)
    for name in nets.BUILT:
        record_built(caffe, folder, name, out)
    np.savez(os.path.join(folder, engine + ".npz"), **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
