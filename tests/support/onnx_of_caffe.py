"""Deploy nets written as ONNX graphs, as converters from Caffe write them."""

from typing import Any, Dict, List, Tuple

import numpy as np

from netfile.shapes import infer, weight_shapes, window
from tests.support.onnx_graphs import Graph


def graph_of(net: Any, seed: int = 0) -> Tuple[Graph, Dict[str, List[np.ndarray]]]:
    """(the graph, {layer: its parameters}) of a NetParameter in V2, with random weights."""
    shapes: Dict[str, Any] = weight_shapes(net)
    blobs: Dict[str, Any] = infer(net)
    source = net.layer[0].top[0]
    graph = Graph(*blobs[source], opset=10, seed=seed, name=source)
    current = {source: source}  # blob -> the tensor that it holds
    parameters: Dict[str, List[np.ndarray]] = {}
    for layer in net.layer[1:]:
        made = [_random(graph.rng, layer.type, i, s) for i, s in enumerate(shapes[layer.name])] \
            if layer.name in shapes else []  # fmt: skip
        if made:
            parameters[layer.name] = made
        read = [current[blob] for blob in layer.bottom]
        # only the last tensor of an in-place chain can have the blob's name
        name = f"{layer.name}_1" if layer.top[0] in current else layer.top[0]
        _WRITERS[layer.type](graph, layer, read, made, name, len(blobs[layer.bottom[0]]))
        current[layer.top[0]] = name
    return graph, parameters


def _random(rng: np.random.RandomState, type: str, index: int, shape: Any) -> np.ndarray:
    if type == "BatchNorm" and index == 2:
        return np.ones(1, np.float32)
    if type in ("BatchNorm", "Scale"):
        return np.asarray(rng.uniform(0.5, 1.5, shape), np.float32)
    fan = int(np.prod(shape[1:]))
    if np.prod(shape) > 500_000:  # quicker, and as good for what is tested
        row = rng.normal(0, fan**-0.5, (1, fan))
        return np.asarray(np.repeat(row, shape[0], 0).reshape(shape), np.float32)
    return np.asarray(rng.normal(0, 1.4 * fan**-0.5, shape), np.float32)


def _conv(graph: Graph, layer: Any, read: Any, made: Any, name: str, axes: int) -> None:
    kernel, stride, pad, dilation = window(layer.convolution_param)
    graph.add(
        "Conv", *read, *map(graph.constant, made), outputs=[name], kernel_shape=list(kernel),
        strides=list(stride), pads=[*pad, *pad], dilations=list(dilation),
        group=int(layer.convolution_param.group),
    )  # fmt: skip


def _pool(graph: Graph, layer: Any, read: Any, made: Any, name: str, axes: int) -> None:
    p = layer.pooling_param
    average = p.pool == p.AVE
    if p.global_pooling:
        graph.add("GlobalAveragePool" if average else "GlobalMaxPool", *read, outputs=[name])
        return
    kernel, stride, pad, _ = window(p)
    more = {"count_include_pad": 1} if average else {}
    graph.add(
        "AveragePool" if average else "MaxPool", *read, outputs=[name], kernel_shape=list(kernel),
        strides=list(stride), pads=[*pad, *pad], ceil_mode=1, **more,
    )  # fmt: skip


def _lrn(graph: Graph, layer: Any, read: Any, made: Any, name: str, axes: int) -> None:
    p = layer.lrn_param
    graph.add("LRN", *read, outputs=[name], size=int(p.local_size), alpha=float(p.alpha),
              beta=float(p.beta), bias=float(p.k))  # fmt: skip


def _inner(graph: Graph, layer: Any, read: Any, made: Any, name: str, axes: int) -> None:
    if axes != 2:
        read = [graph.add("Flatten", *read, outputs=[f"{name}/flat"])]
    graph.add("Gemm", *read, *map(graph.constant, made), outputs=[name], transB=1)


def _batch_norm(graph: Graph, layer: Any, read: Any, made: Any, name: str, axes: int) -> None:
    mean, variance = made[:2]
    one, zero = np.ones_like(mean), np.zeros_like(mean)
    graph.add("BatchNormalization", *read, *map(graph.constant, (one, zero, mean, variance)),
              outputs=[name], epsilon=float(layer.batch_norm_param.eps))  # fmt: skip


def _scale(graph: Graph, layer: Any, read: Any, made: Any, name: str, axes: int) -> None:
    gain, offset = (graph.constant(part.reshape(-1, 1, 1)) for part in made)
    scaled = graph.add("Mul", *read, gain, outputs=[f"{name}/scaled"])
    graph.add("Add", scaled, offset, outputs=[name])


def _plain(op: str, **settings: Any) -> Any:
    def write(graph: Graph, layer: Any, read: Any, made: Any, name: str, axes: int) -> None:
        graph.add(op, *read, outputs=[name], **settings)

    return write


def _clip(graph: Graph, layer: Any, read: Any, made: Any, name: str, axes: int) -> None:
    p = layer.clip_param
    graph.add("Clip", *read, outputs=[name], min=float(p.min), max=float(p.max))


_WRITERS: Dict[str, Any] = {
    "BatchNorm": _batch_norm, "Clip": _clip, "Concat": _plain("Concat", axis=1),
    "Convolution": _conv, "Dropout": _plain("Dropout"), "Eltwise": _plain("Sum"),
    "InnerProduct": _inner, "LRN": _lrn, "Pooling": _pool, "ReLU": _plain("Relu"),
    "Scale": _scale, "Softmax": _plain("Softmax", axis=1),
}  # fmt: skip
