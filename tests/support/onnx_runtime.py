"""ONNX's own packages beside an imported net: onnx and onnxruntime, the extra `onnx-tests`."""

from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from net_surgery.imports.graphs import convert_graph
from tests.support.onnx_graphs import Graph, Node


def written(graph: Graph) -> Any:
    """The graph as the package onnx makes and checks it: a ModelProto."""
    import onnx
    from onnx import helper, numpy_helper

    def made(node: Node) -> Any:
        settings = {
            k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v
            for k, v in node.settings.items()
        }
        return helper.make_node(node.op, node.inputs, node.outputs, node.name, **settings)

    floats = onnx.TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            [made(node) for node in graph.nodes],
            "net",
            [helper.make_tensor_value_info(n, floats, shape) for n, shape in graph.inputs],
            [helper.make_tensor_value_info(n, floats, None) for n in graph.outputs or [graph.last]],
            [numpy_helper.from_array(a, n) for n, a in graph.arrays.items()],
        ),
        opset_imports=[helper.make_opsetid("", graph.opset)],
        ir_version=8,
    )
    return onnx.shape_inference.infer_shapes(model)


def tensors(model: Any, feeds: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Every tensor that ONNX Runtime works out, by name; nothing is fused."""
    import onnx
    import onnxruntime

    model = type(model).FromString(model.SerializeToString())
    there = {output.name for output in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in there and node.op_type not in ("Constant", "Shape"):
                model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def compared(
    graph: Graph, caffe: Any, folder: Path, tolerance: float = 1e-5, **options: Any
) -> Any:
    """The imported net after a pass, each of its blobs held to its tensor.

    tolerance: of a value, in parts of the largest in its blob. Returns (the Graph that was
    imported, the net).
    """
    model = written(graph)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    imported = convert_graph(path, "net", caffe, **options)
    saved = imported.save(folder / "net")
    net = caffe.Net(
        str(saved / "deploy.prototxt"), caffe.TEST, weights=str(saved / "net.caffemodel")
    )
    feeds: Dict[str, np.ndarray] = {}
    rng = np.random.RandomState(1)
    for blob in net.inputs:
        shape = net.blobs[blob].data.shape
        feeds[imported.tensors[blob]] = rng.normal(0, 1, shape).astype(np.float32)
        net.blobs[blob].data[...] = feeds[imported.tensors[blob]]
    net.forward()
    wanted = tensors(model, feeds)
    found: List[str] = []
    for blob, tensor in imported.tensors.items():
        if tensor in wanted:
            expected, data = wanted[tensor], net.blobs[blob].data
            assert data.shape == expected.shape, (blob, data.shape, expected.shape)
            scale = max(1.0, float(np.abs(expected).max()))
            off = float(np.abs(data - expected).max()) / scale
            assert off < tolerance, (blob, tensor, off)
            found.append(blob)
    assert found
    return imported, net
