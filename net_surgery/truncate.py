"""A net cut off after a layer, with nothing that the layer does not need."""

from typing import Any, Callable, Sequence, Set, Union

from netfile.shapes import INPUTS, input_shapes

from .errors import SurgeryError
from .operation import Operated, layer_named, opened


def truncate(
    prototxt: Any,
    weights: Any = None,
    end: Union[str, Sequence[str]] = "",
    *,
    caffe: Any = None,
) -> Operated:
    """The net up to `end`; layers that no end needs are left out, with their weights.

    As in forward(end=), a net that ends in a Convolution does not have its in-place ReLU. Layers
    that read a database become Input layers of the shape that they declare.

    Args:
        prototxt: a path, or an Operated.
        weights: the path of its caffemodel, or None.
        end: a layer's name, or several; or a blob's name, which stands for the last layer that
            writes the blob.
        caffe: the engine module; by default a real Caffe, else caffe_compat.

    Raises:
        FormatError: a file cannot be read.
        SurgeryError: the net has no such layer, or an input's shape is not declared.
    """
    operated = opened(prototxt, weights, caffe)
    ends = [end] if isinstance(end, str) else list(end)
    keep: Set[int] = set()
    for name in ends:
        keep |= _needed(operated, _number(operated, name))
    gone = [layer.name for i, layer in enumerate(operated.net.layer) if i not in keep]
    _keep(operated.net.layer, lambda i, layer: i in keep)
    names = {layer.name for layer in operated.net.layer}
    if operated.weights is not None:
        _keep(operated.weights.layer, lambda i, layer: layer.name in names)
    _databases_to_inputs(operated)
    for name in ends:
        operated.note(
            name, name, f"the net's end; {len(gone)} layers that it does not need are left out"
        )
    return operated


def _number(operated: Operated, end: str) -> int:
    layers = list(operated.net.layer)
    if any(layer.name == end for layer in layers):
        return max(i for i, layer in enumerate(layers) if layer.name == end)
    writers = [i for i, layer in enumerate(layers) if end in layer.top]
    return writers[-1] if writers else list(layers).index(layer_named(operated, end))


def _needed(operated: Operated, last: int) -> Set[int]:
    """Numbers of the layers that layer `last` needs, its own among them.

    In-place layers count as writers of their blob.
    """
    layers = list(operated.net.layer)
    wanted, keep = set(layers[last].bottom), {last}
    for i in range(last - 1, -1, -1):
        if wanted & set(layers[i].top):
            keep.add(i)
            wanted |= set(layers[i].bottom)
    return keep


def _keep(layers: Any, wanted: Callable[[int, Any], bool]) -> None:
    kept = [type(layer)() for layer in layers]
    for copy, layer in zip(kept, layers):
        copy.CopyFrom(layer)
    kept = [layer for i, layer in enumerate(kept) if wanted(i, layer)]
    del layers[:]
    layers.extend(kept)


def _databases_to_inputs(operated: Operated) -> None:
    shapes = input_shapes(operated.net)
    read = {blob for layer in operated.net.layer for blob in layer.bottom}
    for layer in list(operated.net.layer):
        if layer.type not in INPUTS or layer.type == "Input":
            continue
        tops = [top for top in layer.top if top in read]
        if not all(shapes.get(top) for top in tops):
            raise SurgeryError(
                f'layer "{layer.name}" ({layer.type}) does not declare the shape of its picture; '
                "give its transform_param a crop_size"
            )
        twin = next(
            (
                other
                for other in operated.net.layer
                if other.type == "Input" and set(other.top) & set(tops)
            ),
            None,
        )
        if twin is None:
            what = layer.type
            new = type(layer)()
            new.name, new.type = layer.name, "Input"
            new.top.extend(tops)
            for top in tops:
                new.input_param.shape.add().dim.extend(shapes[top])
            layer.CopyFrom(new)
            operated.note(
                layer.name,
                layer.name,
                f"{what} made an Input of {' and '.join(str(shapes[top]) for top in tops)}",
            )
        else:
            operated.net.layer.remove(layer)  # the other phase's
