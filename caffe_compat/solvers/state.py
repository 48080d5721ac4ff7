"""Snapshots: a net's weights and a solver's state in files, as Caffe writes them.

A state is a SolverState message (`.solverstate`) or an HDF5 file (`.solverstate.h5`): how often the
weights were updated, the file of the weights, the rule's history and the steps of the learning
rate.
"""

import os
from typing import Any, List, NamedTuple, Optional

import numpy as np
from google.protobuf.message import DecodeError

from netfile.blobs import blob_array, set_values
from netfile.faults.kinds import misplaced, unreadable
from netfile.system.files import whole_file

from .. import extras, glog, limits
from ..errors import MissingFileError, WeightsError
from ..net import weights
from ..proto import caffe_pb2

_WANTED = "a solverstate"


class State(NamedTuple):
    """What a solver goes on from; `learned_net` is the path of the weights, if any."""

    iteration: int
    current_step: int
    history: List[np.ndarray]
    learned_net: Optional[str]


def snapshot(net: Any, param: Any, state: State) -> None:
    """Write a net's weights and the state, as PREFIX_iter_N.caffemodel and .solverstate.

    Each file is written whole or not at all. The names end in .h5 with snapshot_format HDF5.
    Raises OSError where the system refuses to write.
    """
    stem = f"{param.snapshot_prefix}_iter_{state.iteration}"
    hdf5 = param.snapshot_format == param.HDF5
    kind, end = ("HDF5", ".h5") if hdf5 else ("binary proto", "")
    model, target = f"{stem}.caffemodel{end}", f"{stem}.solverstate{end}"
    state = state._replace(learned_net=model)
    glog.info("solver.cpp:464", f"Snapshotting to {kind} file {model}")
    if hdf5:
        net.save_hdf5(model, param.snapshot_diff)
    else:
        weights.save(net._parts.name, net._parts.layers, model, param.snapshot_diff)
    glog.info("sgd_solver.cpp:284", f"Snapshotting solver state to {kind} file {target}")
    (_write_hdf5 if hdf5 else _write_proto)(target, state)


def read(path: str) -> State:
    """The state in a file, HDF5 if its name ends in .h5.

    Raises:
        MissingFileError: there is no such file.
        WeightsError: it is no state, or a damaged one.
    """
    if not os.path.exists(path):
        raise MissingFileError(f"no such solver state: {path}")
    state = _read_hdf5(path) if path.endswith(".h5") else _read_proto(path)
    if state.iteration < 0 or state.current_step < 0:
        raise WeightsError(
            f"{path}: says iteration {state.iteration} and step {state.current_step}; "
            "both count from 0"
        )
    return state


def check_history(state: State, shapes: List[Any], layers: List[str], path: str) -> None:
    """Raise WeightsError where a state's history is not of these shapes, those of `layers`."""
    if len(state.history) != len(shapes):
        raise WeightsError(
            f"{path}: has a history of {len(state.history)} blobs, and this solver keeps "
            f"{len(shapes)}; it is of another net, or of another type of solver"
        )
    for number, (array, shape) in enumerate(zip(state.history, shapes)):
        if array.shape != tuple(shape):
            raise WeightsError(
                f"{path}: history blob {number} has shape {array.shape}, and the parameter of "
                f'layer "{layers[number]}" {tuple(shape)}; it is of another net'
            )


# ---- SolverState messages


def _write_proto(path: str, state: State) -> None:
    message = caffe_pb2.SolverState(
        iter=state.iteration, learned_net=state.learned_net, current_step=state.current_step
    )
    for array in state.history:
        set_values(message.history.add(), array)
    with whole_file(path) as partial, open(partial, "wb") as f:
        f.write(message.SerializeToString())


def _read_proto(path: str) -> State:
    message = caffe_pb2.SolverState()
    try:
        with open(path, "rb") as f:
            message.ParseFromString(f.read())
    except OSError as e:
        raise WeightsError(unreadable(path, _WANTED, e)) from None
    except DecodeError:
        found = misplaced(path, _WANTED)
        raise WeightsError(
            found
            or f"{path}: not a solver state, or one that was cut off "
            f"({os.path.getsize(path)} bytes)"
        ) from None
    if not message.HasField("iter"):
        raise WeightsError(misplaced(path, _WANTED) or f"{path}: not a solver state")
    return State(
        message.iter,
        message.current_step,
        [
            blob_array(blob, f"{path}: history blob {i}").copy()
            for i, blob in enumerate(message.history)
        ],
        message.learned_net if message.HasField("learned_net") else None,
    )


# ---- HDF5 files


def _write_hdf5(path: str, state: State) -> None:
    h5py = extras.h5py()
    with whole_file(path) as partial, h5py.File(partial, "w") as f:
        # Caffe reads a text of fixed length with a zero after it, and numbers as arrays of one
        f.create_dataset("iter", data=np.array([state.iteration], np.int32))
        name = os.fsencode(state.learned_net or "")
        f.create_dataset("learned_net", data=np.array(name, f"S{len(name) + 1}"))
        f.create_dataset("current_step", data=np.array([state.current_step], np.int32))
        history = f.create_group("history")
        for i, array in enumerate(state.history):
            history.create_dataset(str(i), data=array)


def _read_hdf5(path: str) -> State:
    h5py = extras.h5py()
    try:
        with h5py.File(path, "r") as f:
            learned = _only(f["learned_net"]) if "learned_net" in f else None
            history = f["history"]
            return State(
                int(_only(f["iter"])),
                int(_only(f["current_step"])),
                [_array(history[str(i)], f"{path}: history blob {i}") for i in range(len(history))],
                None if learned is None else os.fsdecode(bytes(learned)),
            )
    except OSError as e:
        raise WeightsError(f"{path}: not an HDF5 file, or a damaged one ({e})") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as e:
        raise WeightsError(f"{path}: holds no solver state ({e})") from None


def _only(dataset: Any) -> Any:
    """The value of a dataset that has one. Raises ValueError for others."""
    if dataset.size != 1:
        raise ValueError(f"{dataset.name} has {dataset.size} values, not one")
    return np.ravel(dataset[()])[0]


def _array(dataset: Any, what: str) -> np.ndarray:
    limits.check(dataset.size, what)
    return np.array(dataset[...], np.float32, order="C")


def load_learned(net: Any, state: State, path: str) -> None:
    """Load the weights that a state names into a net.

    Raises MissingFileError where they are not there.
    """
    if not state.learned_net:
        return
    if not os.path.exists(state.learned_net):
        raise MissingFileError(
            f"{path} names the weights {state.learned_net}, and there is no such file "
            f"(as seen from {os.getcwd()})"
        )
    net.copy_from(state.learned_net)
