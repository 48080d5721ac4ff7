"""SyncedMemory: a block of float32 on the host and, in GPU mode, on the device.

As in Caffe, values are moved only when the other side asks for them, and `head` says where the
newest are. PyTorch is needed by blocks that have been on a device alone.
"""

import math
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Optional, Sequence, Tuple

import numpy as np

from . import devices

# in the order in which `head > HEAD_AT_CPU` says that the device has the newest values
UNINITIALIZED, HEAD_AT_CPU, SYNCED, HEAD_AT_GPU = range(4)


class _There:
    """A block's side on the device: where the newest values are, and the tensor, or None.

    The tensor may have any shape and strides; it holds the block's first values.
    """

    __slots__ = ("head", "tensor")

    def __init__(self, head: int) -> None:
        self.head = head
        self.tensor: Any = None


Footing = Tuple["SyncedMemory", Optional[np.ndarray], int]


class SyncedMemory:
    """A block of float32 that is zero until written, and allocated when first looked at."""

    pinned = True  # may the host's side be page-locked, for quick copies?

    def __init__(self, capacity: int, values: Optional[np.ndarray] = None) -> None:
        self.capacity = capacity
        self._values = values
        self.there = _There(UNINITIALIZED if values is None else HEAD_AT_CPU)

    @property
    def values(self) -> np.ndarray:
        """All values on the host, to be read and written (Caffe's mutable_cpu_data)."""
        values = self.read()
        self.there.head = HEAD_AT_CPU
        return values

    def read(self) -> np.ndarray:
        """All values on the host, to be read alone (Caffe's cpu_data)."""
        if self._values is None:
            pinned = self.pinned and devices.pins()
            self._values = devices.zeros(self.capacity) if pinned else _zeros(self.capacity)
        there = self.there
        if there.head == HEAD_AT_GPU:
            devices.to_host(there.tensor, self._values)
            there.head = SYNCED
        elif there.head == UNINITIALIZED:
            there.head = HEAD_AT_CPU
        return self._values

    @property
    def last(self) -> np.ndarray:
        """All values as they last were on the host, without a look at the device."""
        return _zeros(self.capacity) if self._values is None else self._values

    @property
    def seen(self) -> bool:
        """Whether anybody has looked at it, or a device has written it."""
        return self._values is not None or self.there.head != UNINITIALIZED

    @property
    def held(self) -> Optional[np.ndarray]:
        """The array of its values on the host, as it is; None where nobody has looked at it."""
        return self._values

    @property
    def footing(self) -> Footing:
        """Itself, what it holds (of a part, what the whole holds), and `head`."""
        return self, self._values, self.there.head

    @property
    def root(self) -> "SyncedMemory":
        """The block that this one is a stretch of; itself where it is none."""
        return self

    def lie_in(self, values: np.ndarray) -> None:
        """Keep the values in this array, on the host; they are what it holds."""
        self._values = values
        self.there.head = HEAD_AT_CPU

    def give_up(self) -> None:
        """Give up the memory on both sides; from here on the values are zero, and new."""
        self.there.head, self.there.tensor = UNINITIALIZED, None
        self._values = None

    def gpu(self, shape: Sequence[int], count: int) -> Any:
        """The first `count` values on the device in this shape, to be read (Caffe's gpu_data)."""
        there = self.there
        if there.head <= HEAD_AT_CPU or there.tensor.numel() < count or devices.moved():
            self._to_gpu(count)
        if there.tensor.shape == shape:
            return there.tensor
        return self._flat()[:count].view(shape)

    def lay_out(self, shape: Sequence[int], memory_format: Any) -> Any:
        """`gpu`, kept on the device in this of PyTorch's memory formats from now on."""
        tensor = self.gpu(shape, math.prod(shape))
        if not tensor.is_contiguous(memory_format=memory_format):
            tensor = self.there.tensor = tensor.contiguous(memory_format=memory_format)
        return tensor

    def mutable_gpu(self, shape: Sequence[int], count: int) -> Any:
        """The same, to be read and written in place (Caffe's mutable_gpu_data)."""
        tensor = self.gpu(shape, count)
        self.there.head = HEAD_AT_GPU
        return tensor

    def set_gpu(self, tensor: Any) -> None:
        """Let a tensor be the values (Caffe's set_gpu_data); it may share memory with no other."""
        self.there.tensor = tensor
        self.there.head = HEAD_AT_GPU

    def leave_gpu(self, keep: bool) -> None:
        """Give up the device's side; keep: move its values to the host, else they become zero."""
        there = self.there
        if there.head > HEAD_AT_CPU and keep:
            self.read()
            there.head = HEAD_AT_CPU
        elif there.head == HEAD_AT_GPU:
            if self._values is not None:
                self._values[...] = 0
            there.head = UNINITIALIZED if self._values is None else HEAD_AT_CPU
        elif there.head == SYNCED:
            there.head = HEAD_AT_CPU
        there.tensor = None

    def _to_gpu(self, count: int) -> None:
        there = self.there
        if there.head == HEAD_AT_CPU:
            there.tensor = devices.to_device(self.read()[:count], there.tensor)
            there.head = SYNCED
        elif there.head == UNINITIALIZED:
            there.tensor = devices.zeros_there(count)
            there.head = HEAD_AT_GPU
        elif there.tensor.numel() < count:
            # a larger shape of the same block: the host has what was never on the device
            rest = _zeros(count) if self._values is None else self._values[:count].copy()
            devices.to_host(there.tensor, rest)
            there.tensor = devices.to_device(rest, None)
        else:
            there.tensor = devices.here(there.tensor)

    def _flat(self) -> Any:
        there = self.there
        if not there.tensor.is_contiguous():
            there.tensor = there.tensor.contiguous()
        return there.tensor.view(-1)


class Part(SyncedMemory):
    """A stretch of another block, on both sides."""

    def __init__(self, whole: SyncedMemory, start: int, capacity: int) -> None:
        super().__init__(capacity)
        self.whole, self.start = whole, start
        self.there = whole.there

    @property
    def values(self) -> np.ndarray:
        return self.whole.values[self.start : self.start + self.capacity]

    def read(self) -> np.ndarray:
        return self.whole.read()[self.start : self.start + self.capacity]

    @property
    def seen(self) -> bool:
        return self.whole.seen

    @property
    def footing(self) -> Footing:
        return self, self.root._values, self.there.head

    @property
    def root(self) -> SyncedMemory:
        return self.whole.root

    def gpu(self, shape: Sequence[int], count: int) -> Any:
        there, count_there = self.there, self.whole.capacity
        if there.head <= HEAD_AT_CPU or there.tensor.numel() < count_there or devices.moved():
            self.whole._to_gpu(count_there)
        return self.whole._flat()[self.start : self.start + count].view(shape)

    def set_gpu(self, tensor: Any) -> None:
        self.mutable_gpu(tensor.shape, tensor.numel()).copy_(tensor)

    def leave_gpu(self, keep: bool) -> None:
        self.whole.leave_gpu(keep)


@contextmanager
def reading(read: Iterable[SyncedMemory], written: Iterable[SyncedMemory]) -> Iterator[None]:
    """Context in which the host looks at some blocks, and writes into the others alone.

    What the device has of the first ones is still good after it.
    """
    theirs = {id(block.there) for block in written}
    kept = [block.there for block in read if block.there.head > HEAD_AT_CPU]
    yield
    for there in kept:
        if there.head == HEAD_AT_CPU and id(there) not in theirs:
            there.head = SYNCED


def _zeros(count: int) -> np.ndarray:
    return np.zeros(count, np.float32)
