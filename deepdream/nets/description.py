"""A model's deploy net as a message, checked as far as that goes without an engine; its weights
held against it."""

import difflib
from typing import Any, Optional, Tuple

from netfile.blobs import MOST_BYTES, four_axes
from netfile.caffemodel import stored_shapes
from netfile.errors import NetError
from netfile.forks import layer_of_a_fork
from netfile.kinds import misplaced
from netfile.prototxt import read_prototxt
from netfile.shapes import input_shapes, weight_shapes

from ..errors import ModelError
from ..settings import DEFAULT_MODEL
from . import engine
from .catalogue import Model


def describe(model: Model, caffe: Any) -> Any:
    """The deploy net as a NetParameter of the engine's own caffe_pb2, in V2.

    Raises:
        ModelError: it has a syntax error, a layer type that the engine does not have, a bottom that
            no layer makes, or no picture as its input.
    """
    try:
        net = read_prototxt(model.deploy, caffe.io.caffe_pb2)
    except NetError as e:
        raise ModelError(str(e)) from None
    _check_layers(model, net, caffe)
    size = _declared(net)
    if size is None or size[0] != 3 or min(size) < 1:
        raise ModelError(
            f"{model.deploy}: its input's shape without the first axis is {size}, not (3, height, "
            "width), "
            "as a picture's is"
        )
    return net


def declared_size(net: Any) -> Tuple[int, int, int]:
    """(channels, height, width) of the input "data" of a net that `describe` checked."""
    channels, height, width = _declared(net) or (0, 0, 0)
    return channels, height, width


def _declared(net: Any) -> Optional[Tuple[int, ...]]:
    shape = input_shapes(net).get("data")
    return tuple(shape[1:]) if shape and len(shape) == 4 else None


def _check_layers(model: Model, net: Any, caffe: Any) -> None:
    known_types = set(caffe.layer_type_list())
    made = set()
    for layer in net.layer:
        if layer.type not in known_types:
            told = layer_of_a_fork(layer.type)
            if told:
                raise ModelError(f'{model.deploy}: layer "{layer.name}": {told}')
            near = difflib.get_close_matches(layer.type, known_types, 1)
            hint = f'did you mean "{near[0]}"? ' if near else ""
            raise ModelError(
                f'{model.deploy}: layer "{layer.name}" has the unknown type "{layer.type}"; '
                f"{hint}this engine has {len(known_types)} types"
            )
        for bottom in layer.bottom:
            if bottom not in made:
                raise ModelError(
                    f'{model.deploy}: layer "{layer.name}" reads "{bottom}", which no earlier '
                    "layer makes; "
                    "correct its bottom"
                )
        made.update(layer.top)
    if "data" not in input_shapes(net):
        raise ModelError(
            f'{model.deploy}: has no input named "data", which the notebook\'s code reads and '
            "writes; rename it"
        )


def _cure(model: Model) -> str:
    """How to get the weights that are not there."""
    if model.url:
        return f"get it from {model.url} and put it there"
    if model.name == DEFAULT_MODEL:
        return "train it: make model"
    return "put them there, or correct the caffemodel that its readme names"


def check_weights(model: Model, net: Any, caffe: Any) -> None:
    """Hold the weights file against the net that is to be built.

    Raises:
        ModelError: the file is not there, is damaged, lacks a layer, or has another shape for it.
    """
    if not model.weights.is_file():
        raise ModelError(
            misplaced(model.weights, "a caffemodel")
            or f"{model.name}: its weights are not there ({model.weights}); {_cure(model)}"
        )
    size = model.weights.stat().st_size
    if engine.aborts(caffe) and size > MOST_BYTES:
        raise ModelError(
            f"{model.weights}: has {size / 1e9:.1f} GB, and a real Caffe reads caffemodels of up "
            "to 2 GB; the built-in engine reads this one"
        )
    try:
        stored = stored_shapes(model.weights, caffe.io.caffe_pb2)
    except NetError as e:
        raise ModelError(str(e)) from None
    wanted = weight_shapes(net)
    missing = [name for name in wanted if not stored.get(name)]
    if missing:
        raise ModelError(
            f"{model.weights}: has no weights for {len(missing)} of the net's {len(wanted)} "
            "layers, "
            f"{missing[0]} for one; it was cut off or belongs to another net than {model.deploy}"
        )
    for name, shapes in wanted.items():
        if [four_axes(s) for s in stored[name]] != [four_axes(s) for s in shapes]:
            raise ModelError(
                f'{model.weights}: layer "{name}" has weights of shapes {stored[name]} but '
                f"{model.deploy} wants "
                f"{shapes}; one of the two files belongs to another net"
            )
