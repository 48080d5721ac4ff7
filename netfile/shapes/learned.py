"""Layers with parameters, but those that slide a window (windows.py)."""

import math
from typing import Any, List, Tuple

from .common import Known, ParameterRules, Rules, Shape, canonical_axis, refused

_GATES = {"LSTM": 4, "RNN": 1}
_STATES = {"LSTM": 2, "RNN": 1}


def _same(layer: Any, bottoms: List[Known]) -> List[Shape]:
    return [bottoms[0]]


def _inner_product(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p = layer.inner_product_param
    if p.num_output < 1:
        raise refused(layer, "needs num_output, at least 1")
    axis = canonical_axis(layer, p.axis, bottoms[0])
    return [(*bottoms[0][:axis], p.num_output)]


def _inner_product_weights(layer: Any, bottoms: List[Known]) -> List[Known]:
    p = layer.inner_product_param
    inputs = math.prod(bottoms[0][canonical_axis(layer, p.axis, bottoms[0]) :])
    matrix = (inputs, p.num_output) if p.transpose else (p.num_output, inputs)
    return [matrix] + ([(p.num_output,)] if p.bias_term else [])


def _embed(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p = layer.embed_param
    if min(p.num_output, p.input_dim) < 1:
        raise refused(
            layer,
            f"has num_output {p.num_output} and input_dim {p.input_dim}; each must be at least 1",
        )
    return [(*bottoms[0], p.num_output)]


def _embed_weights(layer: Any, bottoms: List[Known]) -> List[Known]:
    p = layer.embed_param
    return [(p.input_dim, p.num_output)] + ([(p.num_output,)] if p.bias_term else [])


def _batch_norm_statistics(layer: Any, bottoms: List[Known]) -> List[Known]:
    channels = bottoms[0][1] if len(bottoms[0]) > 1 else 1
    return [(channels,), (channels,), (1,)]


def _prelu(layer: Any, bottoms: List[Known]) -> List[Shape]:
    if len(bottoms[0]) < 2:
        raise refused(layer, f"wants a bottom of two axes or more, not {bottoms[0]}")
    return [bottoms[0]]


def _slopes(layer: Any, bottoms: List[Known]) -> List[Known]:
    return [() if layer.prelu_param.channel_shared else bottoms[0][1:2]]


def _broadcast(layer: Any, bottoms: List[Known]) -> List[Shape]:
    """Scale and Bias, by a parameter or by their second bottom."""
    wanted = _factors(layer, bottoms)
    if len(bottoms) > 1 and bottoms[1] != wanted:
        raise refused(
            layer, f"gets values of the shape {bottoms[1]} for {wanted} of its bottom {bottoms[0]}"
        )
    return [bottoms[0]]


def _factors(layer: Any, bottoms: List[Known]) -> Known:
    """The part of the first bottom's shape that a Scale or Bias has values for."""
    p, whole = layer.scale_param if layer.type == "Scale" else layer.bias_param, bottoms[0]
    if p.num_axes == 0 and len(bottoms) == 1:
        axis = 0
    else:
        axis = canonical_axis(layer, p.axis, whole)
    if len(bottoms) > 1:
        axes = len(bottoms[1])
    else:
        axes = len(whole) - axis if p.num_axes == -1 else p.num_axes
    if axis + axes > len(whole):
        raise refused(layer, f"wants {axes} axes from axis {axis} on, but its bottom is {whole}")
    return whole[axis : axis + axes]


def _broadcast_parameters(layer: Any, bottoms: List[Known]) -> List[Known]:
    own = len(bottoms) == 1
    bias = layer.type == "Scale" and layer.scale_param.bias_term
    return [_factors(layer, bottoms)] * (own + bias)


def _recurrent_inputs(layer: Any, bottoms: List[Known]) -> Tuple[bool, int]:
    """(whether an LSTM or RNN has a static input, how many values of x it gets at each step)."""
    hidden = _STATES[layer.type] if layer.recurrent_param.expose_hidden else 0
    static = len(bottoms) == 3 + hidden
    if len(bottoms) not in (2 + hidden, 3 + hidden):
        raise refused(layer, f"has {len(bottoms)} bottoms but takes {2 + hidden} or {3 + hidden}")
    if layer.recurrent_param.num_output < 1:
        raise refused(layer, "needs num_output, at least 1")
    x, cont = bottoms[:2]
    if len(x) < 2 or cont != x[:2] or (static and bottoms[2][:1] != x[1:2]):
        raise refused(
            layer,
            "wants x (T, N, ...), cont (T, N) and, where it has one, a static input (N, ...), "
            f"not {bottoms}",
        )
    return static, math.prod(x[2:])


def _recurrent(layer: Any, bottoms: List[Known]) -> List[Shape]:
    _recurrent_inputs(layer, bottoms)
    steps, streams = bottoms[0][:2]
    outputs = layer.recurrent_param.num_output
    return [(steps, streams, outputs), *[(1, streams, outputs)] * (len(layer.top) - 1)]


def _recurrent_weights(layer: Any, bottoms: List[Known]) -> List[Known]:
    static, inputs = _recurrent_inputs(layer, bottoms)
    outputs = layer.recurrent_param.num_output
    rows = _GATES[layer.type] * outputs
    shapes = [(rows, inputs), (rows,)]
    if static:
        shapes.append((rows, math.prod(bottoms[2][1:])))
    shapes.append((rows, outputs))
    return shapes + ([(outputs, outputs), (outputs,)] if layer.type == "RNN" else [])


def _lstm_unit(layer: Any, bottoms: List[Known]) -> List[Shape]:
    c, gates, cont = bottoms
    if len(c) != 3 or c[0] != 1 or gates != (1, c[1], 4 * c[2]) or cont != c[:2]:
        raise refused(
            layer, f"wants bottoms (1, N, D), (1, N, 4 D) and (1, N), not {c}, {gates}, {cont}"
        )
    return [c, c]


def _parameter(layer: Any, bottoms: List[Known]) -> List[Known]:
    return [tuple(layer.parameter_param.shape.dim)]


TOPS: Rules = {
    "BatchNorm": _same,
    "Bias": _broadcast,
    "Embed": _embed,
    "InnerProduct": _inner_product,
    "LSTM": _recurrent,
    "LSTMUnit": _lstm_unit,
    "PReLU": _prelu,
    "Parameter": lambda layer, bottoms: [*_parameter(layer, bottoms)],
    "RNN": _recurrent,
    "Scale": _broadcast,
}
PARAMETERS: ParameterRules = {
    "BatchNorm": _batch_norm_statistics,
    "Bias": _broadcast_parameters,
    "Embed": _embed_weights,
    "InnerProduct": _inner_product_weights,
    "LSTM": _recurrent_weights,
    "PReLU": _slopes,
    "Parameter": _parameter,
    "RNN": _recurrent_weights,
    "Scale": _broadcast_parameters,
}
