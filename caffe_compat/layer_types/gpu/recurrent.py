"""RNN, LSTM and LSTMUnit: what needs no step before it is computed for all steps at once."""

from typing import Any, Callable, List, Sequence, Tuple

import torch

from ..recurrent import LSTM, RNN, LSTMUnit, Recurrent
from ..registry import Blobs, twin

_aten = torch.ops.aten


def unit_forward(gates: Any, c_prev: Any, cont: Any) -> Tuple[Any, ...]:
    """One LSTM step: gates (N, 4D), c_prev (N, D), cont (N, 1); (c, h, i, f, o, g), (N, D) each."""
    width = c_prev.shape[1]
    i, f, o = torch.sigmoid(gates[:, : 3 * width]).split(width, 1)
    f, g = cont * f, torch.tanh(gates[:, 3 * width :])
    c = f * c_prev + i * g
    return c, o * torch.tanh(c), i, f, o, g


def unit_backward(
    dc: Any, dh: Any, c_prev: Any, c: Any, i: Any, f: Any, o: Any, g: Any
) -> Tuple[Any, Any]:
    """(gradient of the gates, of c_prev) from those of c and h; f holds cont already."""
    tanh_c = torch.tanh(c)
    through = dc + dh * o * (1 - tanh_c * tanh_c)
    d_gates = [
        through * g * i * (1 - i),
        through * c_prev * f * (1 - f),
        dh * tanh_c * o * (1 - o),
        through * i * (1 - g * g),
    ]
    return torch.cat(d_gates, 1), through * f


def _unit_forward(layer: LSTMUnit, bottom: Blobs, top: Blobs) -> None:
    c_prev, gates = bottom[0].gpu_data[0], bottom[1].gpu_data[0]
    c, h, *acts = unit_forward(gates, c_prev, bottom[2].gpu_data.reshape(-1, 1))
    layer.remember(bottom, acts)
    top[0].set_gpu_data(c)
    top[1].set_gpu_data(h)


def _unit_backward(
    layer: LSTMUnit, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    acts = layer.recall(bottom)
    if acts is None:
        _set_zero(bottom[:2], propagate_down)
        return
    dc, dh = (t.gpu_diff[0] for t in top)
    d_gates, dc = unit_backward(dc, dh, bottom[0].gpu_data[0], top[0].gpu_data[0], *acts)
    for blob, value, wanted in zip(bottom, (dc, d_gates), propagate_down):
        if wanted:
            blob.set_gpu_diff(value)


def _set_zero(blobs: Blobs, propagate_down: Sequence[bool]) -> None:
    for blob, wanted in zip(blobs, propagate_down):
        if wanted:
            blob.mutable_gpu_diff.zero_()


twin(LSTMUnit, _unit_forward, _unit_backward)


def _begin(layer: Recurrent, bottom: Blobs) -> Tuple[Any, Any, List[Any]]:
    """(what x and the static input give each step (T, N, gates * D), cont (T, N, 1), states)."""
    steps, streams = bottom[0].shape[:2]
    x, weights = bottom[0].gpu_data.reshape(steps * streams, -1), layer.blobs[0].gpu_data
    inputs = torch.addmm(layer.blobs[1].gpu_data, x, weights.t()).view(steps, streams, -1)
    if layer.static:
        static = bottom[2].gpu_data.reshape(streams, -1)
        inputs.add_(static @ layer.blobs[2].gpu_data.t())
    blobs = bottom[-len(layer.states) :] if layer.exposed else layer.kept
    states = [b.gpu_data.reshape(streams, layer.outputs).clone() for b in blobs]
    return inputs, bottom[1].gpu_data.unsqueeze(2), states


def _end(layer: Recurrent, top: Blobs, outputs: Any, states: Sequence[Any]) -> None:
    """Give the tops what they get, and keep the states for the next pass."""
    top[0].set_gpu_data(outputs)
    for blobs in (layer.kept, top[1:]):
        for blob, state in zip(blobs, states):
            blob.set_gpu_data(state.clone())


def _give(
    layer: Recurrent,
    bottom: Blobs,
    propagate_down: Sequence[bool],
    of_gates: Sequence[Any],
    before: Sequence[Any],
    *further: Callable[[], Any],
) -> None:
    """Give the gradients of bottoms and parameters.

    Args:
        layer: of which.
        bottom: its bottoms.
        propagate_down: for each of them, whether its gradient is wanted.
        of_gates: for each step, the gradient of the gates, (N, gates * D).
        before: for each step, the hidden state that it began with, times cont, (N, D).
        further: for each parameter after that of the hidden state, what gives its gradient.
    """
    d_gates = torch.stack(list(of_gates))
    flat = d_gates.flatten(0, 1)
    x = bottom[0].gpu_data.reshape(len(flat), -1)
    gradients: List[Callable[[], Any]] = [lambda: flat.t() @ x, lambda: flat.sum(0)]
    if layer.static:
        static = bottom[2].gpu_data.reshape(d_gates.shape[1], -1)
        gradients.append(lambda: d_gates.sum(0).t() @ static)
    gradients.append(lambda: flat.t() @ torch.cat(list(before)))
    gradients += further
    layer.add_gpu_gradients(*(_adding(b, g) for b, g in zip(layer.blobs, gradients)))
    if propagate_down[0]:
        bottom[0].set_gpu_diff(flat @ layer.blobs[0].gpu_data)
    if layer.static and propagate_down[2]:
        bottom[2].set_gpu_diff(d_gates.sum(0) @ layer.blobs[2].gpu_data)


def _adding(blob: Any, gradient: Callable[[], Any]) -> Callable[[], None]:
    return lambda: blob.add_gpu_diff(gradient())


def _no_gradient(layer: Recurrent, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    """No forward pass has run at this shape."""
    _set_zero(bottom, [w and i not in layer.no_gradient for i, w in enumerate(propagate_down)])


def _lstm_forward(layer: LSTM, bottom: Blobs, top: Blobs) -> None:
    inputs, conts, (h, c) = _begin(layer, bottom)
    weights = layer.blobs[2 + layer.static].gpu_data.t()
    outputs, before, memory = [], [], []
    for gates, cont in zip(inputs, conts):
        before.append(cont * h)
        c_prev = c
        c, h, *acts = unit_forward(torch.addmm(gates, before[-1], weights), c_prev, cont)
        outputs.append(h)
        memory.append((c_prev, c, acts))
    layer.remember(bottom, (conts.clone(), before, memory))
    _end(layer, top, torch.stack(outputs), (h, c))


def _lstm_backward(layer: LSTM, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    state = layer.recall(bottom)
    if state is None:
        _no_gradient(layer, propagate_down, bottom)
        return
    conts, before, memory = state
    d_top, weights = top[0].gpu_diff, layer.blobs[2 + layer.static].gpu_data
    dh = dc = d_top.new_zeros(d_top.shape[1:])
    d_gates: List[Any] = []
    for step in reversed(range(len(memory))):
        c_prev, c, acts = memory[step]
        gradient, dc = unit_backward(dc, dh + d_top[step], c_prev, c, *acts)
        dh = conts[step] * (gradient @ weights)
        d_gates.append(gradient)
    _give(layer, bottom, propagate_down, d_gates[::-1], before)


twin(LSTM, _lstm_forward, _lstm_backward)


def _rnn_forward(layer: RNN, bottom: Blobs, top: Blobs) -> None:
    inputs, conts, (h,) = _begin(layer, bottom)
    weights = layer.blobs[2 + layer.static].gpu_data.t()
    hidden, before = [], []
    for gates, cont in zip(inputs, conts):
        before.append(cont * h)
        h = torch.addmm(gates, before[-1], weights).tanh_()
        hidden.append(h)
    flat = torch.cat(hidden)
    outputs = torch.addmm(layer.blobs[-1].gpu_data, flat, layer.blobs[-2].gpu_data.t()).tanh_()
    layer.remember(bottom, (conts.clone(), before, hidden, outputs.clone()))
    _end(layer, top, outputs, [h])


def _rnn_backward(layer: RNN, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    state = layer.recall(bottom)
    if state is None:
        _no_gradient(layer, propagate_down, bottom)
        return
    conts, before, hidden, outputs = state
    d_inner = _aten.tanh_backward(top[0].gpu_diff.reshape(outputs.shape), outputs)
    d_hidden = (d_inner @ layer.blobs[-2].gpu_data).view(top[0].shape)
    weights = layer.blobs[2 + layer.static].gpu_data
    dh = d_hidden.new_zeros(d_hidden.shape[1:])
    d_gates: List[Any] = []
    for step in reversed(range(len(hidden))):
        gradient = _aten.tanh_backward(dh + d_hidden[step], hidden[step])
        dh = conts[step] * (gradient @ weights)
        d_gates.append(gradient)
    _give(
        layer, bottom, propagate_down, d_gates[::-1], before,
        lambda: d_inner.t() @ torch.cat(hidden),
        lambda: d_inner.sum(0),
    )  # fmt: skip


twin(RNN, _rnn_forward, _rnn_backward)
