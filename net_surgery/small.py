"""Small operations that dreamers use."""

from typing import Any, Dict, List, Optional, Sequence

from .errors import SurgeryError
from .operation import Operated, layer_named, opened


def average_pooling(
    prototxt: Any,
    weights: Any = None,
    *,
    layers: Optional[Sequence[str]] = None,
    caffe: Any = None,
) -> Operated:
    """The net with AVE in place of MAX pooling (Gatys et al., arXiv 1508.06576).

    Args:
        prototxt: a path, or an Operated.
        weights: the path of its caffemodel, or None.
        layers: names of Pooling layers; all of them by default.
        caffe: the engine module; by default a real Caffe, else caffe_compat.

    Raises:
        FormatError: a file cannot be read.
        SurgeryError: the net has no Pooling layer of a name.
    """
    operated = opened(prototxt, weights, caffe)
    for layer in _chosen(operated, layers, "Pooling"):
        if layer.pooling_param.pool == layer.pooling_param.MAX:
            layer.pooling_param.pool = layer.pooling_param.AVE
            del layer.top[1:]  # the mask of the maxima
            operated.note(layer.name, layer.name, "MAX pooling made AVE")
    return operated


def out_of_place(
    prototxt: Any,
    weights: Any = None,
    *,
    layers: Optional[Sequence[str]] = None,
    caffe: Any = None,
) -> Operated:
    """The net with every in-place layer writing a blob of its own, called like the layer.

    So what an in-place ReLU would overwrite stays visible, and what it makes has the layer's name.

    Args:
        prototxt: a path, or an Operated.
        weights: the path of its caffemodel, or None.
        layers: names of layers; all that work in place by default.
        caffe: the engine module; by default a real Caffe, else caffe_compat.

    Raises:
        FormatError: a file cannot be read.
        SurgeryError: the net has no layer of a name.
    """
    operated = opened(prototxt, weights, caffe)
    chosen = {layer.name for layer in _chosen(operated, layers, None)}
    now: Dict[str, str] = {}  # old name of a blob -> its present name
    taken = {top for layer in operated.net.layer for top in layer.top}
    for layer in operated.net.layer:
        in_place = {blob for blob in layer.top if blob in layer.bottom}
        for i, bottom in enumerate(layer.bottom):
            layer.bottom[i] = now.get(bottom, bottom)
        for i, top in enumerate(layer.top):
            if top in in_place and layer.name in chosen:
                new = layer.name if layer.name not in taken else layer.name + "_out"
                now[top], layer.top[i] = new, new
                taken.add(new)
                operated.note(
                    layer.name,
                    layer.name,
                    f"{layer.type} out of place: {top} stays as it is, {new} is the result",
                )
            elif top in in_place:
                layer.top[i] = now.get(top, top)
            else:
                now.pop(top, None)
    return operated


def force_backward(prototxt: Any, weights: Any = None, *, caffe: Any = None) -> Operated:
    """The net with force_backward: true, so that gradients reach its input.

    Args:
        prototxt: a path, or an Operated.
        weights: the path of its caffemodel, or None.
        caffe: the engine module; by default a real Caffe, else caffe_compat.

    Raises FormatError where a file cannot be read.
    """
    operated = opened(prototxt, weights, caffe)
    operated.net.force_backward = True
    operated.note("", operated.net.name, "force_backward: true")
    return operated


def _chosen(operated: Operated, names: Optional[Sequence[str]], kind: Optional[str]) -> List[Any]:
    """The layers of these names, or all, of a type, or of any."""
    if names is None:
        return [layer for layer in operated.net.layer if kind in (None, layer.type)]
    layers = [layer_named(operated, name) for name in names]
    for layer in layers:
        if kind not in (None, layer.type):
            raise SurgeryError(f'layer "{layer.name}" is a {layer.type}, not a {kind}')
    return layers
