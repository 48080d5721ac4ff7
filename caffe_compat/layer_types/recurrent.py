"""RNN, LSTM and LSTMUnit (Donahue et al., arXiv 1411.4389).

Shapes: T steps, N streams, D hidden values. Bottoms of RNN and LSTM: x (T, N, ...), cont (T, N), 0
where a new sequence begins and 1 elsewhere, and perhaps one static input (N, ...) that every step
sees. The hidden state is kept from one forward pass to the next; with expose_hidden it comes in as
further bottoms and goes out as further tops (1, N, D), and no gradient passes through those, as in
Caffe. Parameters, in Caffe's order: of x (with bias), of the static input, of the hidden state, and
for RNN of the output (with bias).
"""

import math
from typing import Any, Callable, List, Sequence, Tuple

import numpy as np

from ..blob import Blob
from ..errors import ShapeError
from ..fillers import fill
from ..kernels.softmax import sigmoid
from .registry import Blobs, Layer, register

States = List[np.ndarray]
_MOST_STEPS = 10_000  # no Caffe unrolls a net of more


def unit_forward(gates: np.ndarray, c_prev: np.ndarray, cont: np.ndarray) -> Tuple[np.ndarray, ...]:
    """One LSTM step.

    Args:
        gates: (N, 4D) before their nonlinearities, in the order i, f, o, g.
        c_prev: (N, D).
        cont: (N, 1).

    Returns: (c, h, i, f, o, g), each (N, D).
    """
    i, f, o, g = np.split(gates, 4, 1)
    i, f, o, g = sigmoid(i), cont * sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * c_prev + i * g
    return c, o * np.tanh(c), i, f, o, g


def unit_backward(
    dc: np.ndarray,
    dh: np.ndarray,
    c_prev: np.ndarray,
    c: np.ndarray,
    i: np.ndarray,
    f: np.ndarray,
    o: np.ndarray,
    g: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    """(gradient of the gates, of c_prev) from those of c and h; f holds cont already."""
    tanh_c = np.tanh(c)
    through = dc + dh * o * (1 - tanh_c * tanh_c)
    d_gates = np.concatenate(
        [
            through * g * i * (1 - i),
            through * c_prev * f * (1 - f),
            dh * tanh_c * o * (1 - o),
            through * i * (1 - g * g),
        ],
        1,
    )
    return d_gates, through * f


@register
class LSTMUnit(Layer):
    """One step: bottoms c_prev (1, N, D), gates (1, N, 4D), cont (1, N); tops c and h (1, N, D)."""

    type = "LSTMUnit"
    bottoms, tops = (3, 3), (2, 2)
    no_gradient = (2,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        c, gates, cont = (b.shape for b in bottom)
        if len(c) != 3 or c[0] != 1 or gates != (1, c[1], 4 * c[2]) or cont != c[:2]:
            raise ShapeError(
                f'layer "{self.name}": needs bottoms (1, N, D), (1, N, 4 D) and (1, N), '
                f"not {c}, {gates}, {cont}"
            )
        for t in top:
            t.reshape(*c)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        c_prev, gates, cont = bottom[0].data[0], bottom[1].data[0], bottom[2].data.reshape(-1, 1)
        c, h, *acts = unit_forward(gates, c_prev, cont)
        top[0].data[0], top[1].data[0] = c, h
        self.remember(bottom, acts)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        acts = self.recall(bottom)
        dc: Any = 0
        d_gates: Any = 0
        if acts is not None:
            d_gates, dc = unit_backward(
                top[0].diff[0], top[1].diff[0], bottom[0].data[0], top[0].data[0], *acts
            )
        for blob, value, wanted in zip(bottom, (dc, d_gates), propagate_down):
            if wanted:
                blob.diff[...] = value


class Recurrent(Layer):
    """Runs `step` over T steps, and `step_back` over them in reverse."""

    no_gradient = (1,)
    states: Tuple[str, ...] = ()  # names of the hidden states
    gates = 1

    def check_counts(self, bottom: Blobs, top: Blobs) -> None:
        self.exposed = self.layer_param.recurrent_param.expose_hidden
        hidden = len(self.states) if self.exposed else 0
        self.bottoms, self.tops = (2 + hidden, 3 + hidden), (1 + hidden, 1 + hidden)
        super().check_counts(bottom, top)
        self.static = len(bottom) == 3 + hidden
        self.no_gradient = (1, *range(2 + self.static, len(bottom)))

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.recurrent_param
        self.outputs = p.num_output
        self.need_positive(num_output=self.outputs)
        self._check(bottom)
        self.add_param((self.gates * self.outputs, math.prod(bottom[0].shape[2:])), p.weight_filler)
        self.add_param((self.gates * self.outputs,), p.bias_filler)
        if self.static:
            self.add_param(
                (self.gates * self.outputs, math.prod(bottom[2].shape[1:])), p.weight_filler
            )
        first = len(self.blobs)
        self.add_step_params(p)
        self._draw_further_steps(bottom[0].shape[0], self.blobs[first:])
        self._forget(bottom[0].shape[1])

    def _forget(self, streams: int) -> None:
        """Let the next pass begin with states of zero."""
        self.kept = [Blob(streams, self.outputs) for _ in self.states]

    def add_step_params(self, p: Any) -> None:
        """Add the parameters of what runs at each step."""
        self.add_param((self.gates * self.outputs, self.outputs), p.weight_filler)

    def _draw_further_steps(self, steps: int, params: Sequence[Blob]) -> None:
        """Draw the random numbers that Caffe draws for the steps after the first.

        It unrolls the net: the layers of each step fill parameters of their own, which they then
        give up for the first step's.
        """
        p = self.layer_param.recurrent_param
        for _ in range(min(steps, _MOST_STEPS) - 1):
            for param in params:
                filler = p.weight_filler if len(param.shape) > 1 else p.bias_filler
                if filler.type != "constant":
                    fill(Blob(*param.shape), filler)

    def _check(self, bottom):
        if (
            len(bottom[0].shape) < 2
            or bottom[1].shape != bottom[0].shape[:2]
            or (self.static and bottom[2].shape[:1] != bottom[0].shape[1:2])
        ):
            raise ShapeError(
                f'layer "{self.name}": needs x (T, N, ...), cont (T, N) and, if it has one, '
                f"a static input (N, ...), not {[b.shape for b in bottom]}"
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._check(bottom)
        steps, streams = bottom[0].shape[:2]
        inputs = math.prod(bottom[0].shape[2:])
        if inputs != self.blobs[0].shape[1]:
            raise ShapeError(
                f'layer "{self.name}": its weights take {self.blobs[0].shape[1]} inputs '
                f"but its bottom {bottom[0].shape} has {inputs}"
            )
        if self.kept[0].shape[0] != streams:
            self._forget(streams)
        top[0].reshape(steps, streams, self.outputs)
        for t in top[1:]:
            t.reshape(1, streams, self.outputs)

    def _start(self, bottom):
        blobs = bottom[-len(self.states) :] if self.exposed else self.kept
        return [b.data.reshape(-1, self.outputs).copy() for b in blobs]

    def _inputs(self, bottom):
        """What x and the static input give each step, (T, N, gates * D)."""
        steps, streams = bottom[0].shape[:2]
        x = bottom[0].data.reshape(steps * streams, -1)
        inputs = (x @ self.blobs[0].data.T + self.blobs[1].data).reshape(steps, streams, -1)
        if self.static:
            inputs = inputs + bottom[2].data.reshape(streams, -1) @ self.blobs[2].data.T
        return inputs

    def _recurrent_weight(self):
        return self.blobs[2 + self.static].data

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        conts = bottom[1].data[:, :, None]
        states = self._start(bottom)
        inputs, memory = self._inputs(bottom), []
        for step, cont in enumerate(conts):
            gates = (cont * states[0]) @ self._recurrent_weight().T + inputs[step]
            top[0].data[step], new, kept = self.step(gates, states, cont)
            memory.append((states, cont, kept))
            states = new
        for blobs in (self.kept, top[1:]):
            for blob, state in zip(blobs, states):
                blob.data[...] = state
        self.remember(bottom, memory)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        memory = self.recall(bottom)
        if memory is None:
            for i, (b, wanted) in enumerate(zip(bottom, propagate_down)):
                if wanted and i not in self.no_gradient:
                    b.diff[...] = 0
            return
        steps, streams = bottom[0].shape[:2]
        d_states = [np.zeros((streams, self.outputs), np.float32) for _ in self.states]
        d_gates = np.empty((steps, streams, self.gates * self.outputs), np.float32)
        carried = np.zeros_like(self._recurrent_weight())
        extra: list = []
        for step in reversed(range(steps)):
            states, cont, kept = memory[step]
            d_gates[step], d_before, more = self.step_back(
                top[0].diff[step], d_states, states, kept
            )
            extra.append(more)
            carried += d_gates[step].T @ (cont * states[0])
            d_states = [cont * (d_gates[step] @ self._recurrent_weight()), *d_before]
        self._give(bottom, propagate_down, d_gates, carried, extra)

    def _give(self, bottom, propagate_down, d_gates, carried, extra):
        flat = d_gates.reshape(-1, d_gates.shape[2])
        x = bottom[0].data.reshape(len(flat), -1).copy()
        gradients: List[Callable[[], object]] = [
            lambda: self._add(0, flat.T @ x),
            lambda: self._add(1, flat.sum(0)),
        ]
        if self.static:
            static = bottom[2].data.reshape(d_gates.shape[1], -1).copy()
            gradients.append(lambda: self._add(2, d_gates.sum(0).T @ static))
        gradients.append(lambda: self._add(2 + self.static, carried))
        gradients += [
            self._later(len(gradients) + at, extra, at)
            for at in range(len(self.blobs) - len(gradients))
        ]
        self.add_gradients(*gradients)
        if propagate_down[0]:
            bottom[0].diff[...] = (flat @ self.blobs[0].data).reshape(bottom[0].shape)
        if self.static and propagate_down[2]:
            bottom[2].diff[...] = (d_gates.sum(0) @ self.blobs[2].data).reshape(bottom[2].shape)

    def _later(self, number, extra, at):
        return lambda: self._add(number, sum(more[at] for more in extra))

    def _add(self, number, value):
        self.blobs[number].diff[...] += value

    def step(self, gates: np.ndarray, states: States, cont: np.ndarray) -> Tuple[Any, States, Any]:
        """(output, new states, what step_back needs) of one step."""
        raise NotImplementedError

    def step_back(
        self, d_output: np.ndarray, d_states: States, states: States, kept: Any
    ) -> Tuple[np.ndarray, States, Tuple[np.ndarray, ...]]:
        """The gradients of one step.

        (of the gates, of all states but the first, of further parameters).
        """
        raise NotImplementedError


@register
class LSTM(Recurrent):
    """Gates (N, 4D) = W_xc x + b_c + W_hc (cont h); then an LSTMUnit. The top is h."""

    type = "LSTM"
    states = ("h", "c")
    gates = 4

    def step(self, gates: np.ndarray, states: States, cont: np.ndarray) -> Tuple[Any, States, Any]:
        c, h, *acts = unit_forward(gates, states[1], cont)
        return h, [h, c], (c, acts)

    def step_back(
        self, d_output: np.ndarray, d_states: States, states: States, kept: Any
    ) -> Tuple[np.ndarray, States, Tuple[np.ndarray, ...]]:
        c, acts = kept
        d_gates, dc = unit_backward(d_states[1], d_states[0] + d_output, states[1], c, *acts)
        return d_gates, [dc], ()


@register
class RNN(Recurrent):
    """h = tanh(W_hh (cont h) + W_xh x + b_h); the top is o = tanh(W_ho h + b_o)."""

    type = "RNN"
    states = ("h",)

    def add_step_params(self, p: Any) -> None:
        super().add_step_params(p)
        self.add_param((self.outputs, self.outputs), p.weight_filler)
        self.add_param((self.outputs,), p.bias_filler)

    def step(self, gates: np.ndarray, states: States, cont: np.ndarray) -> Tuple[Any, States, Any]:
        h = np.tanh(gates)
        o = np.tanh(h @ self.blobs[-2].data.T + self.blobs[-1].data)
        return o, [h], (h, o)

    def step_back(
        self, d_output: np.ndarray, d_states: States, states: States, kept: Any
    ) -> Tuple[np.ndarray, States, Tuple[np.ndarray, ...]]:
        h, o = kept
        before = d_output * (1 - o * o)
        dh = d_states[0] + before @ self.blobs[-2].data
        return dh * (1 - h * h), [], (before.T @ h, before.sum(0))
