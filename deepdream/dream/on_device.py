"""What a dream computes where the net's values are: on the host, or in GPU mode on the device.

There a blob has tensors beside its arrays, with PyTorch's methods, and its values are copied only
where the other side asks for them. A step then copies one picture, its gradient, whose mean is
NumPy's; all else is the host's arithmetic, product by product. So a dream is bit-equal to the
notebook's code on the same device.
"""

import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Optional, Tuple, Type

import numpy as np

from ..errors import Size
from .objectives import Objective
from .preprocess import input_blob

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


def grow_everything(net: Any, blob: Any) -> None:
    """objective_L2 without a copy to the host."""
    with computing(net):
        blob._set_gpu_diff(blob._gpu_data.clone())


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


def picture(net: Any) -> "Picture":
    """The picture in a net's input, where the net computes."""
    return PictureThere(net) if on_gpu(net) else Picture(net)


class Picture:
    """The picture in a net's input, as a step changes it."""

    def __init__(self, net: Any) -> None:
        self.net, self.blob = net, input_blob(net)

    def roll(self, down: int, right: int) -> None:
        """Shift it, what leaves at one border coming in at the other."""
        data = self.blob.data
        data[0] = np.roll(np.roll(data[0], right, -1), down, -2)

    @property
    def data(self) -> np.ndarray:
        """Its values (1, C, H, W), to be read alone."""
        data: np.ndarray = self.blob.data
        return data

    def add(self, factor: Any, g: Optional[np.ndarray]) -> bool:
        """Add factor * g, (C, H, W), unless that is not finite; returns whether it is.

        g: None for the gradient that the last backward pass has left.
        """
        with np.errstate(all="ignore"):
            change = np.asarray(factor * (self.blob.diff[0] if g is None else g), np.float32)
        finite = bool(np.isfinite(change).all())
        if finite:
            self.blob.data[:] += change
        return finite

    def clip(self, low: np.ndarray, high: np.ndarray) -> None:
        """Keep it within these, to broadcast."""
        np.clip(self.blob.data, low, high, out=self.blob.data)


class PictureThere(Picture):
    """The same on the device; what it reads is copied."""

    def roll(self, down: int, right: int) -> None:
        with computing(self.net):
            data = self.blob._mutable_gpu_data
            data[0] = data[0].roll((right, down), (-1, -2))

    @property
    def data(self) -> np.ndarray:
        data: np.ndarray = self.blob._gpu_data.cpu().numpy()  # not over the last copy
        return data

    def add(self, factor: Any, g: Optional[np.ndarray]) -> bool:
        with computing(self.net):
            there = self.blob._gpu_diff[0]
            change = (there if g is None else there.new_tensor(g)) * float(factor)
            finite = bool(change.isfinite().all())
            if finite:
                self.blob._mutable_gpu_data[0] += change
        return finite

    def clip(self, low: np.ndarray, high: np.ndarray) -> None:
        with computing(self.net):
            data = self.blob._mutable_gpu_data
            data.clamp_(data.new_tensor(low), data.new_tensor(high))
