"""What a solver's prototxt says: its settings, and the nets to train and to test."""

import os
from typing import Any, List, NamedTuple, Tuple

from netfile.prototxt import read_prototxt, read_solver

from .. import glog
from ..errors import CaffeError, MissingFileError
from ..proto import caffe_pb2
from . import policies

# Caffe's older enum, by number
_TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")
_TRAIN_NETS = ("net", "net_param", "train_net", "train_net_param")


class Described(NamedTuple):
    """A net that a solver's prototxt names: its NetParameter, its state, and its place in words."""

    net: Any
    state: Any
    source: str


def read(path: str) -> Any:
    """The SolverParameter in a file, in today's form, checked.

    Raises:
        MissingFileError: there is no such file.
        FormatError, CaffeError: where Caffe would end the process.
    """
    if not os.path.exists(path):
        raise MissingFileError(f"no such solver prototxt: {path}")
    param = read_solver(path, caffe_pb2)
    try:
        _upgrade_type(param)
        _place_snapshots(param, path)
        _check(param)
    except CaffeError as e:
        raise type(e)(f"{path}: {e}") from None
    return param


def _upgrade_type(param: Any) -> None:
    """Replace the older enum `solver_type` by the text `type` (Caffe's UpgradeSolverType)."""
    if not param.HasField("solver_type"):
        return
    if param.HasField("type"):
        raise CaffeError(
            f'both type ("{param.type}") and the older solver_type '
            f"({_TYPES[param.solver_type]}) are given; keep type"
        )
    param.type = _TYPES[param.solver_type]
    param.ClearField("solver_type")


def _place_snapshots(param: Any, path: str) -> None:
    """Where no prefix of snapshots is given, or a folder, take the solver file's name."""
    stem = os.path.splitext(path)[0]
    if not param.HasField("snapshot_prefix"):
        param.snapshot_prefix = stem
    elif os.path.isdir(param.snapshot_prefix):
        param.snapshot_prefix = os.path.join(param.snapshot_prefix, os.path.basename(stem))
    else:
        return
    place = "upgrade_proto.cpp:1115"
    glog.info(place, f"snapshot_prefix is set to {param.snapshot_prefix}")


def _check(param: Any) -> None:
    """Raise CaffeError for settings that cannot be meant."""
    for field in ("average_loss", "iter_size"):
        if getattr(param, field) < 1:
            raise CaffeError(f"{field} is {getattr(param, field)}; it must be 1 or more")
    for field in ("max_iter", "display", "snapshot", "test_interval"):
        if getattr(param, field) < 0:
            raise CaffeError(f"{field} is {getattr(param, field)}; it must be 0 or more")
    if any(count < 1 for count in param.test_iter):
        raise CaffeError(f"test_iter is {min(param.test_iter)}; it must be 1 or more")
    if param.regularization_type not in ("L1", "L2"):
        raise CaffeError(
            f'regularization_type is "{param.regularization_type}"; it is "L1" or "L2"'
        )
    if param.HasField("lr_policy"):  # it is needed by the first update alone
        policies.check(param)
    if "\0" in param.snapshot_prefix:
        raise CaffeError("snapshot_prefix has a zero byte, so it names no file")
    folder = os.path.dirname(param.snapshot_prefix) or "."
    if param.snapshot and not (os.path.isdir(folder) and os.access(folder, os.W_OK)):
        raise CaffeError(
            f"cannot write snapshots to {param.snapshot_prefix}: {folder} is "
            f"{'not writable' if os.path.isdir(folder) else 'no folder'}; "
            "change snapshot_prefix, or make the folder"
        )


def train_net(param: Any) -> Described:
    """The net to train. Raises CaffeError unless exactly one is named."""
    given = [field for field in _TRAIN_NETS if param.HasField(field)]
    if len(given) != 1:
        raise CaffeError(
            f"a solver needs one of {', '.join(_TRAIN_NETS)}, and "
            + (f"{' and '.join(given)} are given" if given else "none of them is given")
        )
    (field,) = given
    net, source = _net(getattr(param, field), field)
    state = caffe_pb2.NetState(phase=caffe_pb2.TRAIN)
    state.MergeFrom(net.state)
    state.MergeFrom(param.train_state)
    return Described(net, state, source)


def test_nets(param: Any) -> List[Described]:
    """The nets to test, one for each test_iter.

    Those of test_net_param and test_net come first; the others are net or net_param in phase TEST.
    Raises CaffeError where the numbers do not agree.
    """
    named = [(net, "test_net_param") for net in param.test_net_param]
    named += [(path, "test_net") for path in param.test_net]
    generic = next((field for field in ("net_param", "net") if param.HasField(field)), None)
    count = len(param.test_iter)
    if count < len(named) or (count > len(named) and generic is None):
        raise CaffeError(
            f"test_iter is given {count} times for {len(named)} test nets; give one for each"
        )
    if generic is not None:
        named += [(getattr(param, generic), generic)] * (count - len(named))
    if param.test_state and len(param.test_state) != count:
        raise CaffeError(
            f"test_state is given {len(param.test_state)} times for {count} test nets; "
            "give one for each, or none"
        )
    if count and not param.test_interval:
        raise CaffeError("there are nets to test, and test_interval is 0; give it, or no test_iter")
    found = []
    for i, (given, field) in enumerate(named):
        net, source = _net(given, field)
        state = caffe_pb2.NetState(phase=caffe_pb2.TEST)
        state.MergeFrom(net.state)
        if param.test_state:
            state.MergeFrom(param.test_state[i])
        found.append(Described(net, state, source))
    return found


def _net(given: Any, field: str) -> Tuple[Any, str]:
    """(the NetParameter, where it is from) of a path or a NetParameter."""
    if not isinstance(given, str):
        return given, field
    if not os.path.exists(given):
        raise MissingFileError(
            f"no such prototxt: {given}, the solver's {field} "
            f"(paths are as seen from {os.getcwd()})"
        )
    return read_prototxt(given, caffe_pb2), given
