"""Arrays of pictures that do not fit into the memory: kept in files, worked on strip by strip.

A function of this package that works by strips takes NumPy's arrays too, and gives the same to the
bit: how a picture is cut into strips depends on its shape alone.
"""

import errno
import math
import os
import tempfile
from contextlib import contextmanager
from typing import Any, Callable, Iterator, NamedTuple, Sequence, Tuple

import numpy as np

from ..errors import OutputError

# makes an array, as numpy.empty does, of a shape and a dtype
New = Callable[[Tuple[int, ...], Any], Any]
_MOST = 1 << 20  # values of a strip


class FileArray:
    """An array in a file, which is read and written where it is indexed: `a[..., 3:9, :]`.

    Reading gives a new array of NumPy's. Values are zero until they are written.
    """

    def __init__(self, file: Any, shape: Sequence[int], dtype: Any) -> None:
        """Begin. file: open for reading and writing, without a buffer, and large enough."""
        self._file, self.shape, self.dtype = file, tuple(shape), np.dtype(dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, index: Any) -> np.ndarray:
        region = _region(index, self.shape)
        values = np.empty(region.shape, self.dtype)
        for part in self._parts(region, values):
            with _told():
                while part:
                    count = self._file.readinto(part)
                    if not count:
                        raise OSError(errno.EIO, "it was cut off")
                    part = part[count:]
        return values

    def __setitem__(self, index: Any, values: Any) -> None:
        region = _region(index, self.shape)
        values = np.asarray(values, self.dtype)
        if values.size != math.prod(region.shape):
            values = np.broadcast_to(values, region.shape)
        for part in self._parts(region, np.ascontiguousarray(values)):
            with _told():
                while part:
                    part = part[self._file.write(part) :]

    def _parts(self, region: "_Region", values: np.ndarray) -> Iterator[memoryview]:
        """The bytes of contiguous values, piece by piece; the file is where each belongs."""
        flat: Any = values.reshape(-1).view(np.uint8)
        room = memoryview(flat)
        length = region.length * self.dtype.itemsize
        for number, offset in enumerate(region.offsets):
            self._file.seek(offset * self.dtype.itemsize)
            yield room[number * length : (number + 1) * length]


@contextmanager
def _told() -> Iterator[None]:
    """What the system says of a file becomes an OutputError."""
    try:
        yield
    except OSError as e:
        raise OutputError(
            f"a file of the picture's arrays cannot be used: {e.strerror or e}; make room, or "
            "choose another folder"
        ) from None


class _Region(NamedTuple):
    """A part of an array, of a shape. offsets: of the pieces that lie together, each of `length`
    values."""

    shape: Tuple[int, ...]
    offsets: Sequence[int]
    length: int


def _region(index: Any, whole: Tuple[int, ...]) -> _Region:
    words: Tuple[Any, ...] = index if isinstance(index, tuple) else (index,)
    at = next((i for i, word in enumerate(words) if word is Ellipsis), len(words))
    every = (slice(None),) * (len(whole) - len(words) + (at < len(words)))
    words = (*words[:at], *every, *words[at + 1 :])
    spans = [_span(word, length) for word, length in zip(words, whole)]
    shape = tuple(len(s) for s, word in zip(spans, words) if isinstance(word, slice))
    inner = len(whole) - 1
    while inner > 0 and len(spans[inner]) == whole[inner]:
        inner -= 1
    # values from one index to the next, along each axis
    steps = [math.prod(whole[axis + 1 :]) for axis in range(len(whole))]
    offsets = np.zeros((), np.int64)
    for span, step in zip(spans[:inner], steps):
        offsets = offsets[..., None] + np.arange(span.start, span.stop) * step
    offsets = offsets + spans[inner].start * steps[inner]
    return _Region(shape, offsets.reshape(-1).tolist(), len(spans[inner]) * steps[inner])


def _span(word: Any, length: int) -> range:
    if not isinstance(word, slice):
        number = range(length)[word]
        return range(number, number + 1)
    start, stop, step = word.indices(length)
    if step != 1:
        raise IndexError(f"a file is read by steps of 1, not {step}")
    return range(start, max(start, stop))


class Computed:
    """An array (H, W, 3) whose rows are worked out when they are asked for.

    rows: gives those of a slice of step 1, as a new array.
    """

    def __init__(self, shape: Sequence[int], rows: Callable[[slice], np.ndarray]) -> None:
        self.shape, self._rows = tuple(shape), rows

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self._rows(slice(*rows.indices(self.shape[0])))


class Scratch:
    """Makes arrays in files of a folder; called as numpy.empty is.

    The files have no names (or, on Windows, are deleted when they are closed), so that nothing is
    left of them, however the process ends. An array's file goes with the array.
    """

    def __init__(self, folder: Any) -> None:
        self.folder = os.fspath(folder)

    def __call__(self, shape: Tuple[int, ...], dtype: Any = np.float32) -> FileArray:
        """An array of zeros. Raises OutputError where the disk has no room for it."""
        size = int(math.prod(shape)) * np.dtype(dtype).itemsize
        try:
            file = tempfile.TemporaryFile(dir=self.folder, prefix=".deepdream-", buffering=0)
            _reserve(file, size)
        except OSError as e:
            raise OutputError(
                f"{self.folder}: cannot hold an array of the picture, of {size / 1e6:.0f} MB: "
                f"{e.strerror or e}; make room, or choose another folder"
            ) from None
        return FileArray(file, shape, dtype)


def _reserve(file: Any, size: int) -> None:
    """Give a file its size, and where the system can, its place on the disk: what is written later
    must not fail."""
    try:
        if size:
            os.posix_fallocate(file.fileno(), 0, size)
    except AttributeError:  # not everywhere
        file.truncate(size)
    except OSError as e:
        if e.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        file.truncate(size)


def is_whole(array: Any) -> bool:
    """Whether an array is in memory, as NumPy's are."""
    return isinstance(array, np.ndarray)


def strips(height: int, row: int) -> Iterator[slice]:
    """The rows of a picture of this height, in strips of about 4 MB. row: its values."""
    step = max(1, _MOST // max(1, row))
    for first in range(0, height, step):
        yield slice(first, min(first + step, height))


def rows_of(shape: Sequence[int]) -> Iterator[slice]:
    """The strips of an array (..., H, W)."""
    height, width = shape[-2:]
    return strips(height, width * int(math.prod(shape[:-2])))


def planes(shape: Sequence[int]) -> Iterator[Tuple[Any, ...]]:
    """The indices of the strips of each plane (H, W) of an array (..., H, W)."""
    for plane in np.ndindex(*shape[:-2]):
        for rows in strips(*shape[-2:]):
            yield (*plane, rows)


def fill(into: Any, work: Callable[..., np.ndarray], *arrays: Any) -> Any:
    """Set the rows of `into`, (..., H, W), to what `work` makes of those of other arrays; gives
    `into`, which may be one of them."""
    for rows in rows_of(into.shape):
        at = (..., rows, slice(None))
        into[at] = work(*(array[at] for array in arrays))
    return into


def zeros(new: New, shape: Tuple[int, ...], dtype: Any = np.float32) -> Any:
    """A new array of zeros."""
    array = new(shape, dtype)
    if is_whole(array):
        array[...] = 0
    return array


def mean(array: Any, work: Callable[[np.ndarray], np.ndarray]) -> float:
    """The mean of what `work` makes, in float64, of an array (..., H, W); the same for any strips,
    since each row is summed by itself and their sum is exact."""
    sums = (row for at in planes(array.shape) for row in work(array[at]).sum(-1).tolist())
    return math.fsum(sums) / float(math.prod(array.shape))
