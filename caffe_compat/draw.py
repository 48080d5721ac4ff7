"""Drawings of nets, by pydot and Graphviz: `draw_net_to_file(net_parameter, "net.png")`."""

from typing import Any, Dict, List, Optional

from .errors import CaffeError
from .net.graph import included
from .proto import caffe_pb2

_BLOB = {"shape": "octagon", "fillcolor": "#F0E68C", "style": "filled"}
_IN_PLACE = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
_LAYER = {"shape": "record", "style": "filled"}
_COLORS = {
    "Convolution": "#FF5050",
    "Deconvolution": "#FF5050",
    "Pooling": "#FF9900",
    "InnerProduct": "#CC33FF",
}
_WINDOWED = ("Convolution", "Deconvolution", "Pooling")


def _pydot() -> Any:
    try:
        import pydot
    except ImportError:
        raise CaffeError(
            "drawing nets needs pydot and Graphviz: pip install 'deepdream-caffe[draw]' "
            "and the system's package graphviz"
        ) from None
    return pydot


def get_pooling_types_dict() -> Dict[int, str]:
    """{number: name} of the pooling methods."""
    return {number: name for name, number in caffe_pb2.PoolingParameter.PoolMethod.items()}


def get_edge_label(layer: Any) -> str:
    """The text beside a layer's arrow: how many outputs it has, or the batch size."""
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return f"Batch {layer.data_param.batch_size}" if layer.type == "Data" else '""'


def _window(layer: Any) -> List[int]:
    """(kernel, stride, pad) as numbers, the first of each."""
    p = layer.pooling_param if layer.type == "Pooling" else layer.convolution_param
    numbers = []
    for name, plain, default in (
        ("kernel", "kernel_size", 1),
        ("stride", "stride", 1),
        ("pad", "pad", 0),
    ):
        values = getattr(p, plain)
        values = list(values) if hasattr(values, "__len__") else [values]
        one = getattr(p, name + "_h") if p.HasField(name + "_h") else None
        numbers.append((values or [default])[0] if one is None else one)
    return numbers


def get_layer_label(layer: Any, rankdir: str) -> str:
    """The text in a layer's box: its name and type, and its window.

    On lines of their own where the net is drawn downward or upward (rankdir TB or BT).
    """
    lines = [
        layer.name,
        f"({get_pooling_types_dict()[layer.pooling_param.pool]} Pooling)"
        if layer.type == "Pooling"
        else f"({layer.type})",
    ]
    if layer.type in _WINDOWED:
        kernel, stride, pad = _window(layer)
        lines += [f"kernel size: {kernel}", f"stride: {stride}", f"pad: {pad}"]
    return '"' + ("\\n" if rankdir in ("TB", "BT") else " ").join(lines) + '"'


def choose_color_by_layertype(layertype: str) -> str:
    """A colour for each kind of layer."""
    return _COLORS.get(layertype, "#6495ED")


def get_pydot_graph(
    caffe_net: Any, rankdir: str, label_edges: bool = True, phase: Optional[int] = None
) -> Any:
    """The net (a NetParameter) as a pydot graph; with a phase, only the layers that are in it."""
    pydot = _pydot()
    graph = pydot.Dot(caffe_net.name or "Net", graph_type="digraph", rankdir=rankdir)
    blobs, boxes, edges = {}, [], []
    for layer in caffe_net.layer:
        if phase is not None and not included(layer, caffe_pb2.NetState(phase=phase)):
            continue
        name = f"{layer.name}_{layer.type}"
        in_place = len(layer.bottom) == len(layer.top) == 1 and layer.bottom[0] == layer.top[0]
        style = (
            _IN_PLACE
            if in_place
            else {**_LAYER, "fillcolor": choose_color_by_layertype(layer.type)}
        )
        boxes.append(pydot.Node(_quoted(name), label=get_layer_label(layer, rankdir), **style))
        for blob in [*layer.bottom, *layer.top]:
            blobs[blob] = pydot.Node(_quoted(blob + "_blob"), label=_quoted(blob), **_BLOB)
        edges += [(blob + "_blob", name, '""') for blob in layer.bottom]
        edges += [
            (name, blob + "_blob", get_edge_label(layer) if label_edges else '""')
            for blob in layer.top
        ]
    for node in [*boxes, *blobs.values()]:
        graph.add_node(node)
    for source, target, label in edges:
        graph.add_edge(pydot.Edge(_quoted(source), _quoted(target), label=label))
    return graph


def _quoted(text: str) -> str:
    return f'"{text}"'


def draw_net(caffe_net: Any, rankdir: str, ext: str = "png", phase: Optional[int] = None) -> bytes:
    """The drawing as bytes of a picture file of this kind."""
    try:
        return get_pydot_graph(caffe_net, rankdir, phase=phase).create(format=ext)
    except FileNotFoundError:
        raise CaffeError(
            "drawing nets needs Graphviz's program dot: install the system's package graphviz"
        ) from None


def draw_net_to_file(
    caffe_net: Any, filename: str, rankdir: str = "LR", phase: Optional[int] = None
) -> None:
    """Draw a net into a file, of the kind that its ending names (png, pdf, svg, ...)."""
    ext = filename.rsplit(".", 1)[-1] if "." in filename else "png"
    drawing = draw_net(caffe_net, rankdir, ext, phase)
    with open(filename, "wb") as f:
        f.write(drawing)
