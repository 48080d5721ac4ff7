"""Small operations that dreamers use."""

from typing import Dict

from .errors import SurgeryError
from .operation import layer_named, opened


def average_pooling(prototxt, weights=None, *, layers=None, caffe=None):
    """The net with AVE in place of MAX pooling, in all its Pooling layers or those named: an Operated (Gatys et al., arXiv 1508.06576)."""
    operated = opened(prototxt, weights, caffe)
    for layer in _chosen(operated, layers, "Pooling"):
        if layer.pooling_param.pool == layer.pooling_param.MAX:
            layer.pooling_param.pool = layer.pooling_param.AVE
            del layer.top[1:]  # the mask of the maxima
            operated.note(layer.name, layer.name, "MAX pooling made AVE")
    return operated


def out_of_place(prototxt, weights=None, *, layers=None, caffe=None):
    """The net with every in-place layer (or those named) writing a blob of its own, called like the layer: an Operated.

    What an in-place ReLU would overwrite stays visible, and what a blob's name stood for behind it is now called like the layer.
    """
    operated = opened(prototxt, weights, caffe)
    chosen = {layer.name for layer in _chosen(operated, layers, None)}
    now: Dict[str, str] = {}  # old name of a blob -> its name by now
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
                    f"{layer.type} out of place: {top} stays as it is, {new} is what comes out",
                )
            elif top in in_place:
                layer.top[i] = now.get(top, top)
            else:
                now.pop(top, None)
    return operated


def force_backward(prototxt, weights=None, *, caffe=None):
    """The net with force_backward: true, so that gradients reach its input: an Operated."""
    operated = opened(prototxt, weights, caffe)
    operated.net.force_backward = True
    operated.note("", operated.net.name, "force_backward: true")
    return operated


def _chosen(operated, names, kind):
    if names is None:
        return [layer for layer in operated.net.layer if kind in (None, layer.type)]
    found = [layer_named(operated, name) for name in names]
    for layer in found:
        if kind not in (None, layer.type):
            raise SurgeryError(f'layer "{layer.name}" is a {layer.type}, no {kind}')
    return found
