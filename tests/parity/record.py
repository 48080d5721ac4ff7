"""Run every case on one engine and record what comes out: `python record.py ENGINE FOLDER`.

The first engine that runs in FOLDER writes each case's weights there, the next ones load them; each writes
FOLDER/ENGINE.npz. Needs nothing but NumPy and the engine, so that it runs on Debian's Python 3.9 too.
"""

import importlib
import os
import sys

import numpy as np

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")]

import cases  # noqa: E402
import nets  # noqa: E402


def open_net(caffe, folder, name, text):
    """The net of this prototxt, with the weights in the folder, which are written if they are not there."""
    stem = os.path.join(folder, "".join(c if c.isalnum() else "_" for c in name))
    with open(stem + ".prototxt", "w") as f:
        f.write(text)
    weights = stem + ".caffemodel"
    if not os.path.exists(weights):
        caffe.Net(stem + ".prototxt", caffe.TEST).save(weights)
    return caffe.Net(stem + ".prototxt", weights, caffe.TEST)


def record_layer(caffe, folder, name, case, out):
    net = open_net(caffe, folder, name, cases.layer_prototxt(case))
    for i, blob in enumerate(net.inputs):
        net.blobs[blob].data[...] = cases.values(i, net.blobs[blob].data.shape, case["tie"])
    net.forward()
    out[name + "|names"] = np.array(list(net.blobs))
    for blob in net.outputs:
        out[name + "|forward|" + blob] = net.blobs[blob].data.copy()
        net.blobs[blob].diff[...] = cases.values(99, net.blobs[blob].data.shape)
    net.backward()
    for blob in net.inputs:
        out[name + "|backward|" + blob] = net.blobs[blob].diff.copy()
    for i, blob in enumerate(net.params.get("layer", [])):
        out[name + "|weights|" + str(i)] = blob.diff.copy()


def record_net(caffe, folder, name, spec, out):
    net = open_net(caffe, folder, name, spec["text"])
    out[name + "|names"] = np.array(list(net.blobs))
    out[name + "|layers"] = np.array(list(net._layer_names))
    out[name + "|params"] = np.array([layer + str([tuple(b.data.shape) for b in blobs]) for layer, blobs in net.params.items()])
    source = net.blobs[net.inputs[0]]
    for size, end in spec["passes"]:
        source.reshape(1, 3, *size)
        source.data[...] = np.random.RandomState(size[0]).uniform(-120, 130, source.data.shape)
        net.forward(end=end)
        target = net.blobs[end]
        for blob in net.blobs.values():
            blob.diff[...] = 0
        target.diff[...] = target.data
        net.backward(start=end)
        key = f"{name}|{size[1]}x{size[0]} {end}|"
        reached = list(net._layer_names).index(end) + 1
        for layer in list(net._layer_names)[:reached]:
            for top in net.top_names[layer]:
                out[key + "forward|" + top] = net.blobs[top].data.copy()
        out[key + "backward|data"] = source.diff.copy()


def main(engine, folder):
    caffe = importlib.import_module(engine)
    caffe.set_random_seed(3)
    out = {}
    for name, case in cases.LAYERS.items():
        record_layer(caffe, folder, name, case, out)
    for name, spec in nets.NETS.items():
        record_net(caffe, folder, name, spec, out)
    np.savez(os.path.join(folder, engine + ".npz"), **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
