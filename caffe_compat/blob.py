"""Blob: Caffe's array with its gradient."""

import math
import warnings
import weakref
from contextlib import nullcontext
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from . import devices, limits
from .errors import ShapeError
from .synced_memory import HEAD_AT_CPU, Part, SyncedMemory


def _legacy(axis: int) -> property:
    """One of the four axes that old programs name; 1 where the blob has fewer."""

    def size(self: "Blob") -> int:
        if len(self.shape) > 4:
            raise ShapeError(
                f"a blob of {len(self.shape)} axes {self.shape} has no num/channels/height/width; "
                "use shape"
            )
        return self.shape[axis] if axis < len(self.shape) else 1

    return property(size)


class Blob:
    """A float32 array `data` and its gradient `diff`, both of one shape, both writable in place.

    As in Caffe, memory never shrinks: an array taken from a blob stays a live view over later
    passes, until a reshape needs more memory than there is.
    """

    # of the net that it belongs to: its memory and views change under this alone
    lock: Any = nullcontext()
    memory = SyncedMemory
    # a weak reference to what wants to know before a program looks at data or diff (a net's Lean)
    watcher: Callable[[], Any] = staticmethod(lambda: None)

    def __init__(self, *shape: int) -> None:
        self._shape: Optional[Tuple[int, ...]] = None
        self._count = 0
        self._data = SyncedMemory(0)
        self._diff = self._data
        self._views: Dict[str, np.ndarray] = {}
        self.reshape(*shape)

    def reshape(self, *shape: int) -> None:
        """Give the blob this shape; values are kept where the memory is, new memory is zero."""
        if shape == self._shape:
            return
        shape = tuple(int(d) for d in shape)
        if shape == self._shape:
            return
        count = math.prod(shape)
        if any(d < 0 for d in shape) or count > limits.MOST_VALUES:
            raise ShapeError(
                f"cannot shape a blob as {shape}: dimensions must be >= 0 and make at most "
                f"{limits.MOST_VALUES} values"
            )
        with self.lock:
            if count > self._data.capacity:
                limits.check(count, f"a blob of shape {shape}")
            data = self._data if count <= self._data.capacity else self.memory(count)
            diff = self._diff if count <= self._diff.capacity else self.memory(count)
            # all at once: an interrupt comes after a call, and here is none
            self._data, self._diff, self._views = data, diff, {}
            self._shape, self._count = shape, count

    def reshape_like(self, other: "Blob") -> None:
        """Give the blob the other's shape."""
        if other._shape != self._shape:
            self.reshape(*other.shape)

    def _view(self, name: str) -> np.ndarray:
        view = self._views.get(name)
        memory = self._data if name == "data" else self._diff
        if view is None or memory.there.head > HEAD_AT_CPU:
            with self.lock:
                values = memory.values  # the same buffer as ever
                if view is None:
                    view = self._views[name] = values[: self._count].reshape(self.shape)
        return view

    @property
    def data(self) -> np.ndarray:
        """The values, float32, live: Caffe's mutable_cpu_data.

        After a pass in GPU mode they come from the device, and go back to it for the next one.
        """
        return self._view("data")

    @property
    def diff(self) -> np.ndarray:
        """Their gradient, float32, live, likewise: Caffe's mutable_cpu_diff."""
        return self._view("diff")

    @property
    def cpu_data(self) -> np.ndarray:
        """The values, to be read alone: what a device has of them stays good."""
        return self._data.read()[: self._count].reshape(self.shape)

    @property
    def cpu_diff(self) -> np.ndarray:
        """Their gradient, likewise."""
        return self._diff.read()[: self._count].reshape(self.shape)

    @property
    def last_cpu_data(self) -> np.ndarray:
        """The values as they last were on the host, whatever a device has made of them since."""
        return self._data.last[: self._count].reshape(self.shape)

    @property
    def gpu_data(self) -> Any:
        """The values as a tensor on the device, to be read."""
        return self._data.gpu(self.shape, self._count)

    @property
    def gpu_diff(self) -> Any:
        """Their gradient as a tensor on the device, to be read."""
        return self._diff.gpu(self.shape, self._count)

    @property
    def mutable_gpu_data(self) -> Any:
        """The values as a tensor on the device, to be read and written in place."""
        return self._data.mutable_gpu(self.shape, self._count)

    @property
    def mutable_gpu_diff(self) -> Any:
        """Their gradient as a tensor on the device, to be read and written in place."""
        return self._diff.mutable_gpu(self.shape, self._count)

    def set_gpu_data(self, tensor: Any) -> None:
        """Let a tensor be the values (Caffe's set_gpu_data).

        It has the blob's shape, or as many values, and shares memory with no other blob.
        """
        self._data.set_gpu(tensor if tensor.shape == self.shape else tensor.reshape(self.shape))

    def set_gpu_diff(self, tensor: Any) -> None:
        """Let a tensor be their gradient (Caffe's set_gpu_diff), likewise."""
        self._diff.set_gpu(tensor if tensor.shape == self.shape else tensor.reshape(self.shape))

    def leave_gpu(self, keep: bool = True) -> None:
        """Give up the device's memory; keep: move its values to the host, else they are zero."""
        self._data.leave_gpu(keep)
        self._diff.leave_gpu(keep)

    @property
    def diff_is_new(self) -> bool:
        """Whether nobody has looked at `diff`, so that it is zero and takes no memory."""
        return not self._diff.seen

    @property
    def blocks(self) -> Tuple[SyncedMemory, SyncedMemory]:
        """The memory of `data` and of `diff`."""
        return self._data, self._diff

    def forget_view(self, name: str) -> None:
        """Forget the array of `data` or `diff` that was given out last: its memory is given up."""
        self._views.pop(name, None)

    @property
    def data_block(self) -> SyncedMemory:
        """The memory of `data`."""
        return self._data

    @property
    def diff_block(self) -> SyncedMemory:
        """The memory of `diff`."""
        return self._diff

    def share_data(self, other: "Blob") -> None:
        """Use the other blob's memory for `data` (Caffe's ShareData); the counts must agree."""
        if self._data is not other._data:
            self._data = other._data
            self._views.pop("data", None)

    def share_diff(self, other: "Blob") -> None:
        """Use the other blob's memory for `diff` (Caffe's ShareDiff); the counts must agree."""
        if self._diff is not other._diff:
            self._diff = other._diff
            self._views.pop("diff", None)

    def twin(self) -> "Blob":
        """A blob of the same shape, which uses this one's memory for `data` and `diff`."""
        twin = Blob.__new__(Blob)
        twin.__dict__.update(self.__dict__, _views=self._views.copy())
        return twin

    def lie_over(self, array: np.ndarray) -> None:
        """Use an array's memory for `data` (Caffe's set_cpu_data); the counts must agree."""
        self._data = SyncedMemory(array.size, array.reshape(-1))
        self._views.pop("data", None)

    def live_in(self, other: "Blob", start: int) -> bool:
        """Keep `data` in the other blob's memory, from value `start` on.

        That is if nobody can have seen where it is now. Returns whether it is there.
        """
        now = self._data
        if isinstance(now, Part) and now.whole is other._data:
            if now.start == start and now.capacity >= self._count:
                return True
        elif now.seen:
            return False
        self._data = Part(other._data, start, self._count)
        self._views.pop("data", None)
        return True

    def move_out(self) -> None:
        """Keep `data` in new memory, with the same values.

        Arrays that were taken before stay with the old memory.
        """
        old, self._data = self._data, self.memory(self._data.capacity)
        self._views.pop("data", None)
        if old.seen:
            self._data.values[...] = old.read()

    @property
    def shape(self) -> Tuple[int, ...]:
        return self._shape or ()

    @property
    def count(self) -> int:
        """The number of values."""
        return self._count

    num, channels, height, width = (_legacy(axis) for axis in range(4))

    def __repr__(self) -> str:
        return f"Blob{self._shape}"


class _PlainMemory(SyncedMemory):
    """Of parameters, which are copied once, and would lock many pages."""

    pinned = False


class ParamBlob(Blob):
    """A layer's parameter. Its gradient is computed when somebody asks, since a dream never does.

    Reading `diff` computes the gradient of the last backward pass; from then on every backward pass
    adds to it, as in Caffe, until it is set to zero. Where a later pass has overwritten what that
    gradient needs, or a blob has another shape, reading warns, and gives what there was before.
    """

    memory = _PlainMemory

    def __init__(self, *shape: int) -> None:
        super().__init__(*shape)
        self.wanted = False
        self.pending: Optional[Callable[[], object]] = None
        # no reference to itself, so that the memory of a net that is dropped is freed at once
        self._owner: Optional[ParamBlob] = None
        self._guests: List[weakref.ReferenceType[ParamBlob]] = []

    @property
    def owner(self) -> "ParamBlob":
        """The parameter whose memory this one uses; itself where none is shared."""
        return self._owner or self

    def share(self, owner: "ParamBlob") -> None:
        """Use another parameter's memory, data and diff, from now on; the counts must agree."""
        self.share_data(owner)
        self.share_diff(owner)
        self._owner = owner.owner
        self._owner._guests.append(weakref.ref(self))

    def lose_pending(self) -> None:
        """Before a pass overwrites what the gradient that waits needs: it can be had no more."""
        if self.pending is not None:
            self.pending = _warn_of_loss

    def wait_in(self, blobs: Sequence[Blob]) -> None:
        """Let the gradient that waits be lost if one of these blobs is reshaped until then."""
        if self.pending is not None:
            self.pending = partial(_if_as_it_was, blobs, _places(blobs), self.pending)

    @property
    def diff(self) -> np.ndarray:
        self.settle()
        return super().diff

    def settle(self) -> None:
        """Compute the gradient that waits; from now on every backward pass adds to it at once."""
        guests = (guest() for guest in self.owner._guests)
        with self.lock:
            for blob in [self.owner, *filter(None, guests)]:
                blob.wanted = True
                if blob.pending is not None:
                    pending, blob.pending = blob.pending, None
                    pending()

    def clear_diff(self) -> None:
        """Set the gradient to zero, on the device in GPU mode."""
        if devices.on_gpu():
            self.settle()
            self.mutable_gpu_diff.zero_()
        else:
            self.diff[...] = 0

    def add_gpu_diff(self, gradient: Any) -> None:
        """Add a tensor, of the blob's shape or as many values, to the gradient on the device."""
        self.mutable_gpu_diff.add_(gradient.reshape(self.shape))


def _places(blobs: Sequence[Blob]) -> List[Tuple[Tuple[int, ...], SyncedMemory]]:
    """The blobs' shapes, and the memory of their values."""
    return [(blob.shape, blob.data_block) for blob in blobs]


def _if_as_it_was(
    blobs: Sequence[Blob],
    places: List[Tuple[Tuple[int, ...], SyncedMemory]],
    gradient: Callable[[], object],
) -> None:
    """Compute a gradient if the blobs that it reads are as they were; else it is lost."""
    if _places(blobs) == places:
        gradient()
    else:
        _warn_of_loss(stacklevel=5)


def _warn_of_loss(stacklevel: int = 4) -> None:
    warnings.warn(
        "the gradient of the last backward pass is not in this parameter's diff: none was computed "
        "before a later pass, or another shape, took what it needs; read the diff right after the "
        "backward pass, or once before it",
        RuntimeWarning,
        stacklevel=stacklevel,
    )
