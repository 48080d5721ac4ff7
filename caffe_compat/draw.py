"""Drawings of nets, by pydot and Graphviz: `draw_net_to_file(net_parameter, "net.png")`.

The graph is pycaffe's of 2018, to the word. Its figures are those of `kernel_size`, `stride` and
`pad` alone: a window given by `kernel_h` and `kernel_w` is shown as 0 or 1.
"""

from typing import Any, Dict, Optional, Tuple

from netfile.system.files import whole_file
from netfile.system.places import install

from .errors import CaffeError
from .proto import caffe_pb2

LAYER_STYLE_DEFAULT = {"shape": "record", "fillcolor": "#6495ED", "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
BLOB_STYLE = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}
_COLORS = {
    "Convolution": "#FF5050",
    "Deconvolution": "#FF5050",
    "Pooling": "#FF9900",
    "InnerProduct": "#CC33FF",
}
_LEARNING = ("Convolution", "Deconvolution", "InnerProduct")


def _pydot() -> Any:
    try:
        import pydotplus as pydot  # first, as in pycaffe
    except ImportError:
        try:
            import pydot
        except ImportError:
            raise CaffeError(
                f"drawing nets needs pydot and Graphviz: {install('draw')}, and the system's "
                "package graphviz"
            ) from None
    return pydot


def get_pooling_types_dict() -> Dict[int, str]:
    """{number: name} of the pooling methods."""
    return {number: name for name, number in caffe_pb2.PoolingParameter.PoolMethod.items()}


def get_edge_label(layer: Any) -> str:
    """The text beside a layer's arrow: how many outputs it has, or the batch size."""
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return '""'


def get_layer_lr_mult(layer: Any) -> Tuple[float, float]:
    """The learning rates of a layer's weights and biases, 1 where it says none.

    Raises ValueError for layers that do not learn, or that have more than two parameters.
    """
    if layer.type not in _LEARNING:
        raise ValueError(f"{layer.type} layers do not have a learning rate multiplier")
    if len(layer.param) > 2:
        raise ValueError(
            f'Could not parse the learning rate multiplier: layer "{layer.name}" has '
            f"{len(layer.param)}, for weights and biases"
        )
    weights, biases = [*(spec.lr_mult for spec in layer.param), 1.0, 1.0][:2]
    return weights, biases


def _window(layer: Any) -> Tuple[int, int, int]:
    """(kernel, stride, pad) as pycaffe shows them."""
    if layer.type == "Pooling":
        pooling = layer.pooling_param
        return pooling.kernel_size, pooling.stride, pooling.pad
    conv = layer.convolution_param
    kernel, stride, pad = (
        values[0] if values else default
        for values, default in ((conv.kernel_size, 1), (conv.stride, 1), (conv.pad, 0))
    )
    return kernel, stride, pad


def get_layer_label(layer: Any, rankdir: str, display_lrm: bool = False) -> str:
    """The text in a layer's box: its name and type, its window, and its learning rates if asked.

    On one line where the net is drawn downward or upward (rankdir TB or BT), else on lines of their
    own.
    """
    kind = layer.type
    if kind == "Pooling":
        kind += " " + get_pooling_types_dict()[layer.pooling_param.pool]
    parts = [layer.name.replace('"', '\\"'), f"({kind})"]
    if layer.type in ("Convolution", "Deconvolution", "Pooling"):
        kernel, stride, pad = _window(layer)
        parts += [f"kernel size: {kernel}", f"stride: {stride}", f"pad: {pad}"]
    if display_lrm and layer.type in _LEARNING:
        rates = get_layer_lr_mult(layer)
        if any(rates):
            parts.append("lr mult: {:.1f}, {:.1f}".format(*rates))
    return '"' + (" " if rankdir in ("TB", "BT") else "\\n").join(parts) + '"'


def choose_color_by_layertype(layertype: str) -> str:
    """A colour for each kind of layer."""
    return _COLORS.get(layertype, LAYER_STYLE_DEFAULT["fillcolor"])


def _in_phase(layer: Any, phase: int) -> bool:
    """Whether a layer's rules put it into a phase, by their phases alone."""
    if layer.include and layer.exclude:
        raise ValueError(f"layer {layer.name} has both include and exclude specified.")
    if layer.include:
        return any(rule.phase == phase for rule in layer.include)
    return not any(rule.phase == phase for rule in layer.exclude)


def get_pydot_graph(
    caffe_net: Any,
    rankdir: str,
    label_edges: bool = True,
    phase: Optional[int] = None,
    display_lrm: bool = False,
) -> Any:
    """The net (a NetParameter) as a pydot graph; with a phase, only the layers that are in it."""
    pydot = _pydot()
    graph = pydot.Dot(caffe_net.name or "Net", graph_type="digraph", rankdir=rankdir)
    nodes: Dict[str, Any] = {}
    edges = []
    for layer in caffe_net.layer:
        if phase is not None and not _in_phase(layer, phase):
            continue
        name = f"{layer.name}_{layer.type}"
        in_place = len(layer.bottom) == len(layer.top) == 1 and layer.bottom[0] == layer.top[0]
        style = (
            NEURON_LAYER_STYLE
            if in_place
            else {**LAYER_STYLE_DEFAULT, "fillcolor": choose_color_by_layertype(layer.type)}
        )
        nodes[name] = pydot.Node(get_layer_label(layer, rankdir, display_lrm), **style)
        for blob in layer.bottom:
            nodes[blob + "_blob"] = pydot.Node(_quoted(blob), **BLOB_STYLE)
            edges.append((blob + "_blob", name, '""'))
        for blob in layer.top:
            nodes[blob + "_blob"] = pydot.Node(_quoted(blob))
            label = get_edge_label(layer) if label_edges else '""'
            edges.append((name, blob + "_blob", label))
    for node in nodes.values():
        graph.add_node(node)
    for source, target, label in edges:
        graph.add_edge(pydot.Edge(nodes[source], nodes[target], label=label))
    return graph


def _quoted(name: str) -> str:
    """A blob's name, with its colons and quotes for what they are."""
    if ":" not in name and '"' not in name:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def draw_net(
    caffe_net: Any,
    rankdir: str,
    ext: str = "png",
    phase: Optional[int] = None,
    display_lrm: bool = False,
) -> bytes:
    """The drawing as bytes of a picture file of this kind; "raw": as text for Graphviz."""
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    if ext == "raw":
        return graph.to_string().encode()
    try:
        return graph.create(format=ext)
    except FileNotFoundError:
        raise CaffeError(
            "drawing nets needs Graphviz's program dot: install the system's package graphviz, "
            "or draw into a .raw file, which needs none"
        ) from None


def draw_net_to_file(
    caffe_net: Any,
    filename: str,
    rankdir: str = "LR",
    phase: Optional[int] = None,
    display_lrm: bool = False,
) -> None:
    """Draw a net into a file, of the kind that its ending names (png, pdf, svg, raw, ...)."""
    ext = filename.rsplit(".", 1)[-1] if "." in filename else "png"
    drawing = draw_net(caffe_net, rankdir, ext, phase, display_lrm)
    with whole_file(filename) as partial:
        partial.write_bytes(drawing)
