"""A model's deploy net as a message, checked as far as that goes without an engine; its weights
held against it."""

import difflib
from typing import Any, Dict, List, Tuple

from netfile.blobs import MOST_BYTES, four_axes
from netfile.caffemodel import stored_shapes
from netfile.errors import NetError
from netfile.faults.forks import layer_of_a_fork
from netfile.faults.kinds import misplaced
from netfile.prototxt import read_prototxt
from netfile.shapes import input_shapes, weight_shapes
from netfile.system.places import IS_CHECKOUT, reinstall

from ..errors import ModelError, Size
from ..settings import DEFAULT_MODEL
from . import engine
from .catalogue import Model
from .training_net import as_deploy_net, is_training_net

_COLOURS = {1: "grey", 3: "colour"}


def describe(model: Model, caffe: Any) -> Any:
    """The deploy net as a NetParameter of the engine's own caffe_pb2, in V2.

    That of a training net is made of it.

    Raises:
        ModelError: it has a syntax error, a layer type that the engine does not have, a bottom that
            no layer makes, or another input than one picture, with as many channels as the model's
            mean; or it comes with weights that are not there.
    """
    if model.is_of_a_graph and not model.deploy.is_file():
        raise _not_there(model)
    try:
        net = read_prototxt(model.deploy, caffe.io.caffe_pb2)
    except NetError as e:
        raise ModelError(str(e)) from None
    if is_training_net(net):
        net = as_deploy_net(net, _stored(model, caffe), model.facts.get("input_size"), model.deploy)
    _check_layers(model, net, caffe)
    _check_input(model, net)
    return net


def _stored(model: Model, caffe: Any) -> Dict[str, Any]:
    """{layer: shapes of its stored parameters}; nothing where they cannot be read, which
    `check_weights` reports."""
    try:
        return stored_shapes(model.weights, caffe.io.caffe_pb2)
    except NetError:
        return {}


def input_name(net: Any) -> str:
    """Name of the blob that takes the picture, in a net that `describe` checked."""
    return _inputs(net)[0]


def declared_size(net: Any) -> Tuple[int, int, int]:
    """(channels, height, width) of the input of a net that `describe` checked."""
    _, channels, height, width = input_shapes(net)[input_name(net)] or (0, 0, 0, 0)
    return channels, height, width


def input_shape(net: Any, size: Size, count: int = 1) -> Dict[str, Tuple[int, ...]]:
    """{input: (N, C, H, W)} for `count` pictures of this (height, width)."""
    return {input_name(net): (count, declared_size(net)[0], *size)}


def _inputs(net: Any) -> List[str]:
    return [top for layer in net.layer if layer.type == "Input" for top in layer.top]


def _check_input(model: Model, net: Any) -> None:
    """Raise ModelError where a net takes anything but one picture, or other channels than the
    model's mean has."""
    if not net.layer:
        raise ModelError(
            misplaced(model.deploy, "a prototxt")
            or f"{model.deploy}: describes no layers; download it again"
        )
    inputs = _inputs(net)
    if not inputs:
        raise ModelError(
            f"{model.deploy}: has no input that takes a picture; give it an Input layer"
        )
    if len(inputs) > 1:
        names = ", ".join(f'"{name}"' for name in inputs)
        raise ModelError(
            f"{model.deploy}: has {len(inputs)} inputs ({names}); a net can be dreamt on whose "
            "only input is its picture, because nothing says what to put into the others"
        )
    name, shape = inputs[0], input_shapes(net)[inputs[0]]
    if shape is None or len(shape) != 4 or min(shape) < 1:
        raise ModelError(
            f'{model.deploy}: its input "{name}" has the shape {shape}, not (number, channels, '
            "height, width), as pictures have"
        )
    channels = shape[1]
    if channels not in _COLOURS:
        raise ModelError(
            f'{model.deploy}: its input "{name}" has {channels} channels; a net can be dreamt on '
            "that takes pictures in colour (3 channels) or grey (1)"
        )
    if len(model.mean) not in (1, channels):
        values = ", ".join(f"{value:g}" for value in model.mean)
        raise ModelError(
            f'{model.deploy}: its input "{name}" is {_COLOURS[channels]}, with {channels} channel, '
            f"but the mean has {len(model.mean)} values ({values}); give one value"
        )


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


def _cure(model: Model) -> str:
    """How to get the weights that are not there."""
    if model.url:
        return f"get it from {model.url} and put it there"
    if model.facts.get("sources"):
        return "its readme lists where they can be had"
    if model.name == DEFAULT_MODEL:
        return "train it: make model" if IS_CHECKOUT else f"install it again: {reinstall()}"
    return "put them there, or correct the caffemodel that its readme names"


def _not_there(model: Model) -> ModelError:
    """The error for a model whose weights are not there."""
    told = misplaced(model.weights, "a caffemodel")
    what = "net and weights" if model.is_of_a_graph else "weights"
    gettable = not told and bool(model.url or model.facts.get("sources"))
    return ModelError(
        told or f"{model.name}: its {what} are not there ({model.weights}); {_cure(model)}",
        to_get=model.name if gettable else "",
    )


def check_weights(model: Model, net: Any, caffe: Any) -> None:
    """Hold the weights file against the net that is to be built.

    Raises:
        ModelError: the file is not there, is damaged, lacks a layer, or has another shape for it.
    """
    if not model.weights.is_file():
        raise _not_there(model)
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
