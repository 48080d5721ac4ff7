"""A net's blobs, on the host or in GPU mode on the device."""

import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Optional, Tuple, Type

import numpy as np

from ...errors import Size
from ..objectives import Objective, slope_of
from ..preprocess import input_blob
from .brought import OnDevice

_SECONDS = 2.0  # of work that a failing device may cost


def on_gpu(net: Any) -> bool:
    """Whether a net computes on a device whose tensors can be had."""
    return getattr(net, "_computing", None) is not None


@contextmanager
def computing(net: Any) -> Iterator[None]:
    """Context of arithmetic with a net's tensors."""
    with net._computing:
        yield


def failures(net: Any) -> Tuple[Type[Exception], ...]:
    """What a net raises where its device fails, for `except`."""
    return tuple(getattr(net, "_device_errors", ()))


def last_copy(net: Any) -> np.ndarray:
    """The picture (1, C, H, W) as it was last copied from the device, which may have failed."""
    copy: np.ndarray = input_blob(net)._last_cpu_data
    return copy


def copy_now_and_then(net: Any, last: float) -> float:
    """Copy the picture from the device for `last_copy`, unless that was done a moment ago.

    last: the time.monotonic() of the last copy; returns that of the last one now.
    """
    if not on_gpu(net) or time.monotonic() - last < _SECONDS:
        return last
    assert input_blob(net)._cpu_data is not None  # looked at, and so copied
    return time.monotonic()


def is_tensor(values: Any) -> bool:
    return not isinstance(values, np.ndarray) and hasattr(values, "new_tensor")


def read_data(net: Any, blob: Any) -> np.ndarray:
    """A blob's data, to be read alone."""
    data: np.ndarray = blob._cpu_data if on_gpu(net) else blob.data
    return data


def read_diff(net: Any, blob: Any) -> np.ndarray:
    """A blob's diff, to be read alone."""
    diff: np.ndarray = blob._cpu_diff if on_gpu(net) else blob.diff
    return diff


def clear_diff(net: Any, blob: Any, first: int, value: float) -> None:
    """Set the values of a blob's diff, from this one on, to `value`."""
    if not on_gpu(net):
        blob.diff.reshape(-1)[first:] = value
        return
    with computing(net):
        diff = blob._mutable_gpu_diff
        if not first:
            diff.fill_(value)
        else:
            flat = diff.contiguous().view(-1)
            flat[first:] = value
            blob._set_gpu_diff(flat.view(diff.shape))


def add_to_diff(net: Any, blob: Any, values: Any) -> None:
    """Add an array or a tensor to a blob's diff."""
    if on_gpu(net):
        with computing(net):
            diff = blob._mutable_gpu_diff
            diff += values if is_tensor(values) else diff.new_tensor(np.asarray(values))
    else:
        blob.diff[...] += values


def write_slope(net: Any, blob: Any, objective: Any) -> bool:
    """What a function of the notebook's kind would write to the blob's diff, without a copy to the
    host; returns whether that can be had."""
    rule = slope_of(objective)
    if rule is None:
        return False
    with computing(net):
        found = rule(blob._gpu_data, not net._gives_up_exactness)
        if found is not None:
            blob._set_gpu_diff(found)
    return found is not None


def slopes(
    net: Any, objective: Objective, size: Size, shift: Tuple[int, int]
) -> Optional[Dict[str, Any]]:
    """{layer: gradient of an Objective, a tensor like its activations}, after a forward pass; None
    where one of its terms has no rule for tensors.

    size, shift: as in Objective.value_and_gradients.
    """
    if any(term.slope is None for term in objective.terms):
        return None
    found: Dict[str, Any] = {}
    with computing(net):
        for term in objective.terms:
            x = net.blobs[term.layer]._gpu_data
            mask = term.laid(size, shift, tuple(x.shape[-2:]))
            assert term.slope is not None
            slope = term.slope(x, None if mask is None else x.new_tensor(mask))
            slope = slope * float(np.float32(term.weight))
            found[term.layer] = found[term.layer] + slope if term.layer in found else slope
    return found


def difference_there(net: Any, blob: Any, target: OnDevice) -> Tuple[Any, float]:
    """(a blob's values less a target's, a tensor; the sum of the squares, in float64 where the
    device has that)."""
    with computing(net):
        x = blob._gpu_data
        difference = x - target.like(x)
        return difference, float(exact(difference).square().sum())


def exact(x: Any) -> Any:
    """A tensor in float64, as on the host, where the device has that."""
    return x if x.device.type == "mps" else x.double()
