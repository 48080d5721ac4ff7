"""Solvers: a net is trained, and others are tested on the way, as a solver's prototxt says."""

import operator
import os
from contextlib import nullcontext
from typing import Any, Callable, List, Optional, Tuple, Union

import numpy as np

from .. import devices, glog
from ..blob import Blob, ParamBlob
from ..errors import CaffeError
from ..fillers import set_random_seed
from ..handles import Instance, NetVec
from ..net import Net
from ..net.learning import learnable
from . import parallel, parameters, policies, state
from .reports import Report
from .testing import Tests
from .updates import RULES

PathLike = Union[str, bytes, "os.PathLike[str]"]
Callback = Callable[[], Any]
_NOTHING = object()


def _sides(blob: Blob) -> Tuple[Any, Any]:
    """(data, diff), to be read and written: arrays, or in GPU mode tensors on the device."""
    if not devices.on_gpu():
        return blob.data, blob.diff
    if isinstance(blob, ParamBlob):
        blob.settle()
    return blob.mutable_gpu_data, blob.mutable_gpu_diff


def _sign(x: Any) -> Any:
    return np.sign(x) if isinstance(x, np.ndarray) else x.sign()


class SolverParameter(Instance):
    """The settings of a solver, as pycaffe shows them; caffe_pb2.SolverParameter is the message."""

    _message: Any

    def __init__(self) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")

    @classmethod
    def _over(cls, message: Any) -> "SolverParameter":
        handle = cls.__new__(cls)
        handle._message = message
        return handle

    @property
    def base_lr(self) -> float:
        """The learning rate before its policy; it may be changed while the solver runs."""
        return float(self._message.base_lr)

    @base_lr.setter
    def base_lr(self, rate: float) -> None:
        self._message.base_lr = rate

    max_iter = property(lambda self: self._message.max_iter)
    display = property(lambda self: self._message.display)
    layer_wise_reduce = property(lambda self: self._message.layer_wise_reduce)


class Solver(Instance):
    """Trains a net; the base of all solvers."""

    _rule = ""  # the name of its update rule

    def __init__(self) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")

    def _begin(self, param: Any, path: str) -> None:
        """Build the nets of a SolverParameter from this file. Raises as the public classes say."""
        self._param = param
        try:
            self._rule_of_update = RULES[self._rule](self._param)
            if self._param.random_seed >= 0:
                set_random_seed(self._param.random_seed + parallel.solver_rank())
            trained = parameters.train_net(self._param)
            self._net = Net._described(*trained)
            for weights in self._param.weights:
                self._net.copy_from(weights)
            self._tests = Tests(self._param, parameters.test_nets(self._param))
            self._learnable = learnable(self._net._parts)
        except CaffeError as e:
            raise type(e)(str(e) if path in str(e) else f"{path}: {e}") from None
        self._iteration = self._current_step = 0
        self._callbacks: List[Tuple[Callback, Callback]] = []
        kept = self._rule_of_update.histories
        # Caffe's order: one array for each parameter, then a second one for each
        self._history = [Blob(*known.blob.shape) for _ in range(kept) for known in self._learnable]
        self._report = Report(self._param, self._net)

    @property
    def net(self) -> Net:
        """The net that is trained."""
        return self._net

    @property
    def test_nets(self) -> NetVec:
        """The nets that are tested; they take the trained net's weights before each test."""
        return NetVec._over(self._tests.nets)

    @property
    def iter(self) -> int:
        """How often the weights have been updated."""
        return self._iteration

    @property
    def param(self) -> SolverParameter:
        """Some of the settings, live."""
        return SolverParameter._over(self._param)

    def add_callback(self, on_start: Any = _NOTHING, on_gradients_ready: Any = _NOTHING) -> None:
        """Call `on_start` before each iteration, and `on_gradients_ready` before each update.

        Without functions nothing is added: Caffe adds its communicator of GPUs then.
        """
        if on_start is _NOTHING and on_gradients_ready is _NOTHING:
            return
        if not (callable(on_start) and callable(on_gradients_ready)):
            raise TypeError("add_callback takes two functions without arguments, or nothing")
        self._callbacks.append((on_start, on_gradients_ready))

    def step(self, iterations: int) -> None:
        """Train for so many iterations: tests, passes, display, update, snapshot, as they are due.

        Raises ShapeError and others of the net's, and OSError where a snapshot cannot be written.
        """
        stop = self._iteration + operator.index(iterations)
        self._report.begin(self._iteration)
        while self._iteration < stop:
            self._net.clear_param_diffs()
            if self._test_is_due() and (self._iteration or self._param.test_initialization):
                self._tests.run(self._iteration, self._net)
            for on_start, _ in self._callbacks:
                on_start()
            loss = self._passes()
            self._report.iteration(self._iteration, loss)
            for _, on_gradients_ready in self._callbacks:
                on_gradients_ready()
            self.apply_update()
            if self._param.snapshot and self._iteration % self._param.snapshot == 0:
                self.snapshot()

    def _passes(self) -> float:
        """Forward and backward, iter_size times; returns the mean loss."""
        last = len(self._net._parts.layers) - 1
        loss = 0.0
        with np.errstate(all="ignore"):  # what diverges becomes infinite or NaN, as in Caffe
            for _ in range(self._param.iter_size):
                loss += self._net._forward(0, last)
                if last >= 0:
                    self._net._backward(last, 0)
        return loss / self._param.iter_size

    def _test_is_due(self) -> bool:
        every = self._param.test_interval
        return bool(every and self._iteration % every == 0)

    def apply_update(self) -> None:
        """Update the weights from their gradients, as they are, and count one iteration."""
        rate = self._rate()
        if self._param.display and self._iteration % self._param.display == 0:
            glog.info("sgd_solver.cpp:112", f"Iteration {self._iteration}, lr = {rate:g}")
        computing = devices.computing() if devices.on_gpu() else nullcontext()
        with np.errstate(all="ignore"), computing:
            self._clip()
            for number in range(len(self._learnable)):
                self._update(number, rate)
        self._iteration += 1

    def _rate(self) -> np.float32:
        """The learning rate now, as the policy has it; a multistep policy may go on by a step."""
        policies.check(self._param)
        self._current_step = policies.step_at(self._param, self._iteration, self._current_step)
        return policies.rate(self._param, self._iteration, self._current_step)

    def _clip(self) -> None:
        """Scale all gradients so that their norm together is at most clip_gradients."""
        most = np.float32(self._param.clip_gradients)
        if most < 0:
            return
        diffs = [_sides(known.blob)[1] for known in self._learnable]
        squares = sum(d.ravel() @ d.ravel() for d in diffs)
        norm = np.sqrt(np.float32(float(squares)))
        if norm > most:
            scale = np.float32(most / norm)
            glog.info(
                "sgd_solver.cpp:93",
                f"Gradient clipping: scaling down gradients (L2 norm {norm:g} > {most:g}) "
                f"by scale factor {scale:g}",
            )
            for diff in diffs:
                diff *= scale

    def _update(self, number: int, rate: np.float32) -> None:
        """Update one parameter, by its gradient's mean, its decay and the rule."""
        p, known = self._param, self._learnable[number]
        data, diff = _sides(known.blob)
        if p.iter_size > 1:
            diff *= np.float32(1 / p.iter_size)
        decay = np.float32(p.weight_decay) * np.float32(known.decay_mult)
        if decay:
            diff += decay * (data if p.regularization_type == "L2" else _sign(data))
        history = [_sides(blob)[0] for blob in self._history[number :: len(self._learnable)]]
        self._rule_of_update.update(
            diff, np.float32(rate * np.float32(known.lr_mult)), history, self._iteration
        )
        data -= diff

    def solve(self, resume_file: Optional[PathLike] = None) -> None:
        """Train up to max_iter, with a snapshot, the loss and a test at the end, as they are due.

        resume_file: a solver state to go on from.
        """
        p = self._param
        glog.info("solver.cpp:289", f"Solving {self._net._parts.name}")
        glog.info("solver.cpp:290", f"Learning Rate Policy: {p.lr_policy}")
        if resume_file is not None:
            self.restore(resume_file)
        self.step(p.max_iter - self._iteration)
        if p.snapshot_after_train and not (p.snapshot and self._iteration % p.snapshot == 0):
            self.snapshot()
        if p.display and self._iteration % p.display == 0:
            with np.errstate(all="ignore"):
                loss = self._net._forward(0, len(self._net._parts.layers) - 1)
            self._report.last(self._iteration, loss)
        if self._test_is_due():
            self._tests.run(self._iteration, self._net)
        glog.info("solver.cpp:332", "Optimization Done.")

    def snapshot(self) -> None:
        """Write the weights and the solver's state to PREFIX_iter_N.caffemodel and .solverstate.

        Raises OSError where the system refuses to write.
        """
        history = [blob.data for blob in self._history]
        now = state.State(self._iteration, self._current_step, history, None)
        state.snapshot(self._net, self._param, now)

    def restore(self, state_file: PathLike) -> None:
        """Go on from a snapshot's state (.solverstate or .solverstate.h5), weights and all.

        Raises MissingFileError, and WeightsError for a file of another net or solver.
        """
        path = os.fsdecode(state_file)
        glog.info("solver.cpp:299", f"Restoring previous solver status from {path}")
        found = state.read(path)
        layers = [known.layer for known in self._learnable] * self._rule_of_update.histories
        state.check_history(found, [blob.shape for blob in self._history], layers, path)
        state.load_learned(self._net, found, path)
        for blob, stored in zip(self._history, found.history):
            blob.data[...] = stored
        self._iteration, self._current_step = found.iteration, found.current_step

    def share_weights(self, net: Net) -> None:
        """Let another net use the trained net's weights, in the layers that both have."""
        if not isinstance(net, Net):
            raise TypeError(f"share_weights takes a Net, not {net!r}")
        net.share_with(self._net)


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum.

    SGDSolver(solver_file) reads a solver's prototxt, whose `type` does not matter here, and builds
    its nets, the paths as seen from the working folder. So do the other solvers.

    Raises:
        MissingFileError: a file is missing.
        FormatError, PrototxtError, ShapeError, CaffeError: where Caffe would end the process.
    """

    _rule = "SGD"

    def __init__(self, solver_file: PathLike) -> None:
        path = os.fsdecode(solver_file)
        self._begin(parameters.read(path), path)

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        return float(self._rate())


class NesterovSolver(SGDSolver):
    """Nesterov's accelerated gradient."""

    _rule = "Nesterov"


class AdaGradSolver(SGDSolver):
    """AdaGrad."""

    _rule = "AdaGrad"


class RMSPropSolver(SGDSolver):
    """RMSProp."""

    _rule = "RMSProp"


class AdaDeltaSolver(SGDSolver):
    """AdaDelta."""

    _rule = "AdaDelta"


class AdamSolver(SGDSolver):
    """Adam."""

    _rule = "Adam"


_SOLVERS = {
    cls._rule: cls
    for cls in (
        SGDSolver, NesterovSolver, AdaGradSolver, RMSPropSolver, AdaDeltaSolver, AdamSolver,
    )
}  # fmt: skip


def get_solver(solver_file: PathLike) -> SGDSolver:
    """The solver of the type that a solver's prototxt says. Raises as SGDSolver does."""
    path = os.fsdecode(solver_file)
    param = parameters.read(path)
    cls = _SOLVERS.get(param.type)
    if cls is None:
        raise CaffeError(
            f'{path}: unknown solver type "{param.type}"; known: {", ".join(_SOLVERS)}'
        )
    solver = cls.__new__(cls)
    solver._begin(param, path)
    return solver
