"""Run every case on one engine and record what comes out: `record.py ENGINE FOLDER [NET...]`.

The first engine that runs in FOLDER writes each case's weights there, and the others load them;
each writes FOLDER/ENGINE.npz. With names of nets, they alone are run beside the layers. It needs
nothing but NumPy and the engine, so it runs on Debian's Python 3.9 too.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support import cases, nets  # noqa: E402

Arrays = Dict[str, np.ndarray]


def open_net(caffe: Any, folder: Path, name: str, text: str) -> Any:
    """The net of this prototxt, with the weights in the folder; writes them if there are none."""
    stem = "".join(c if c.isalnum() else "_" for c in name)
    prototxt, weights = folder / f"{stem}.prototxt", folder / f"{stem}.caffemodel"
    prototxt.write_text(text)
    if not weights.exists():
        net = caffe.Net(str(prototxt), caffe.TEST)
        fill_params(net)
        net.save(str(weights))
    return caffe.Net(str(prototxt), str(weights), caffe.TEST)


def fill_params(net: Any) -> None:
    """Seeded values for the params that no filler fills."""
    for layer, blobs in net.params.items():
        if net.layer_dict[layer].type == "Parameter":
            blobs[0].data[...] = cases.values(4, blobs[0].data.shape)
        if net.layer_dict[layer].type == "BatchNorm":
            blobs[0].data[...] = cases.values(5, blobs[0].data.shape)
            blobs[1].data[...] = 0.5 + cases.values(6, blobs[1].data.shape) ** 2
            blobs[2].data[...] = 1.7


def record_layer(caffe: Any, folder: Path, name: str, case: cases.Case, out: Arrays) -> None:
    """A layer's tops, and from seeded diffs of theirs, those of its bottoms and weights."""
    net = open_net(caffe, folder, name, cases.layer_prototxt(case))
    if case["kind"] == "MemoryData":
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


def record_names(net: Any, name: str, out: Arrays) -> None:
    """The names of a net's blobs and layers, and the shapes of its params, as text."""
    out[name + "|names"] = np.array(list(net.blobs))
    out[name + "|layers"] = np.array(list(net._layer_names))
    out[name + "|params"] = np.array(
        [layer + str([tuple(b.data.shape) for b in blobs]) for layer, blobs in net.params.items()]
    )


def record_built(caffe: Any, folder: Path, name: str, out: Arrays) -> None:
    """The names and shapes of a bundled net, built but not run."""
    path = folder / f"{name}.prototxt"
    path.write_text(nets.bundled(name))
    net = caffe.Net(str(path), caffe.TEST)
    record_names(net, name, out)
    out[name + "|blobs"] = np.array(
        [blob + str(tuple(net.blobs[blob].data.shape)) for blob in net.blobs]
    )


def fill(net: Any, size: Tuple[int, int]) -> Any:
    """Reshape the net's input to this (height, width), fill it by that alone; returns its blob."""
    source = net.blobs[net.inputs[0]]
    source.reshape(1, 3, *size)
    source.data[...] = np.random.RandomState(size[0]).uniform(-120, 130, source.data.shape)
    return source


def clear(net: Any) -> None:
    for blob in net.blobs.values():
        blob.diff[...] = 0


def keep_tops(net: Any, key: str, end: str, out: Arrays) -> None:
    """Record the tops of every layer up to `end`."""
    reached = list(net._layer_names).index(end) + 1
    for layer in list(net._layer_names)[:reached]:
        for top in net.top_names[layer]:
            out[key + "forward|" + top] = net.blobs[top].data.copy()


def record_net(caffe: Any, folder: Path, name: str, spec: Dict[str, Any], out: Arrays) -> None:
    """A net's passes to an end and back, one whole pass, and its spans."""
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


def record_whole(net: Any, name: str, size: Tuple[int, int], out: Arrays) -> None:
    """forward() and backward() without start or end: all blobs, gradients of input and weights."""
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


def record_span(
    net: Any, key: str, size: Tuple[int, int], first: str, last: str, out: Arrays
) -> None:
    """forward(start=, end=) from a bottom changed by hand, and backward over the same layers."""
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


def record(caffe: Any, folder: Path, some: Sequence[str] = ()) -> Arrays:
    """All layers' arrays, and those of all nets, or of some."""
    caffe.set_random_seed(3)
    sys.modules["doubling"] = cases.doubling(caffe)
    getattr(caffe, "allow_python_layers", bool)()
    out: Arrays = {}
    for name, case in cases.LAYERS.items():
        record_layer(caffe, folder, name, case, out)
    for name in some or nets.NETS:
        record_net(caffe, folder, name, nets.NETS[name], out)
    for name in () if some else nets.BUILT:
        record_built(caffe, folder, name, out)
    return out


def main(engine: str, folder: Path, some: Sequence[str]) -> None:
    out = record(importlib.import_module(engine), folder, some)
    np.savez(str(folder / f"{engine}.npz"), **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
