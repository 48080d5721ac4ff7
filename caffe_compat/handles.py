"""What a program holds of a net: pycaffe's Blob, Layer and vectors, with pycaffe's names alone.

The engine's own blobs and layers lie behind them, so that nothing a program calls its own, in a
Python layer or in a subclass, can get in the engine's way. The vectors behave as the C++ ones of
pycaffe do (Boost.Python's vector_indexing_suite), but they also compare and print by their values.
"""

import operator
from typing import Any, Generic, Iterable, Iterator, List, Self, Sequence, TypeVar, cast

import numpy as np

from . import blob as engine

T = TypeVar("T")


class Instance:
    """Base of what is native code in pycaffe: it can be neither copied nor pickled."""

    def __reduce__(self) -> Any:
        raise RuntimeError(f"{type(self).__name__} objects can be neither pickled nor copied")


class _Vector(Instance, Generic[T]):
    """A sequence of one kind of thing. Its items are kept in a list of what lies behind them."""

    def __init__(self) -> None:
        self._items: List[Any] = []

    @classmethod
    def _over(cls, items: Iterable[Any]) -> Self:
        """The vector that shows a list of what lies behind; a list is shared, not copied."""
        vector = cls()
        vector._items = items if isinstance(items, list) else list(items)
        return vector

    def _shown(self, item: Any) -> T:
        return cast(T, item)

    def _kept(self, value: Any) -> Any:
        """What to keep for a value; raises TypeError for one of another kind."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return (self._shown(item) for item in self._items)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return self._over(self._items[key])
        return self._shown(self._items[self._index(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice):
            values = value if hasattr(value, "__iter__") else [value]
            self._items[key] = [self._kept(v) for v in values]
        else:
            self._items[self._index(key)] = self._kept(value)

    def __delitem__(self, key: Any) -> None:
        del self._items[key if isinstance(key, slice) else self._index(key)]

    def __contains__(self, value: Any) -> bool:
        try:
            kept = self._kept(value)
        except TypeError:
            return False
        return any(item is kept or item == kept for item in self._items)

    def append(self, value: T) -> None:
        """Add one at the end."""
        self._items.append(self._kept(value))

    def extend(self, values: Iterable[T]) -> None:
        """Add several at the end."""
        self._items.extend([self._kept(value) for value in values])

    def _index(self, key: Any) -> int:
        try:
            index = operator.index(key)
        except TypeError:
            raise TypeError("Invalid index type") from None
        if not -len(self) <= index < len(self):
            raise IndexError(f"Index out of range: {index} of {len(self)}")
        return index

    def _refuse(self, value: Any) -> TypeError:
        return TypeError(f"{type(self).__name__} cannot hold {value!r}")

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, _Vector):
            return self._items == other._items
        return isinstance(other, (list, tuple)) and list(self) == list(other)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)})"


class IntVec(_Vector[int]):
    """Whole numbers: a blob's shape, the numbers of blobs."""

    def _kept(self, value: Any) -> int:
        try:
            return operator.index(value)
        except TypeError:
            raise self._refuse(value) from None


class BoolVec(_Vector[bool]):
    """True or False: which bottoms want a gradient."""

    def _kept(self, value: Any) -> bool:
        if value is None or isinstance(value, (int, np.bool_)):
            return bool(value)
        raise self._refuse(value)


class DtypeVec(_Vector[float]):
    """Numbers of single precision: weights of losses."""

    def _kept(self, value: Any) -> float:
        if isinstance(value, (int, float, np.number)):
            return float(np.float32(value))
        raise self._refuse(value)


class StringVec(_Vector[str]):
    """Texts: names of blobs and layers."""

    def _kept(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        raise self._refuse(value)


class Blob(Instance):
    """A float32 array `data` and its gradient `diff`, both live, and writable in place."""

    def __init__(self) -> None:
        raise RuntimeError("This class cannot be instantiated from Python; a net makes its blobs")

    @classmethod
    def _over(cls, blob: engine.Blob) -> "Blob":
        """The handle of one of the engine's blobs."""
        handle = cls.__new__(cls)
        handle._blob = blob
        return handle

    _blob: engine.Blob

    @property
    def data(self) -> np.ndarray:
        """The values: a new array over the blob's memory, so that its own shape can be set."""
        self._watched("data")
        return self._blob.data.view()

    @property
    def diff(self) -> np.ndarray:
        """Their gradient, likewise."""
        self._watched("diff")
        return self._blob.diff.view()

    def _watched(self, which: str) -> None:
        watcher = self._blob.watcher()
        if watcher is not None:
            watcher.look(self._blob, which)

    @property
    def shape(self) -> IntVec:
        """The blob's dimensions; a copy, so that changing it changes nothing."""
        return IntVec._over(self._blob.shape)

    @property
    def _diff_is_new(self) -> bool:
        """Whether `diff` is zero and takes no memory, since nobody has looked at it."""
        return self._blob.diff_is_new

    # of GPU mode, for programs that stay on the device: tensors as Caffe's functions of these names
    # give them, and arrays that are read alone, so that the device's values stay good
    _gpu_data = property(lambda self: self._blob.gpu_data)
    _gpu_diff = property(lambda self: self._blob.gpu_diff)
    _mutable_gpu_data = property(lambda self: self._blob.mutable_gpu_data)
    _mutable_gpu_diff = property(lambda self: self._blob.mutable_gpu_diff)
    _cpu_data = property(lambda self: self._blob.cpu_data)
    _cpu_diff = property(lambda self: self._blob.cpu_diff)
    _last_cpu_data = property(lambda self: self._blob.last_cpu_data)

    def _set_gpu_diff(self, tensor: Any) -> None:
        self._blob.set_gpu_diff(tensor)

    num = property(lambda self: self._blob.num)
    channels = property(lambda self: self._blob.channels)
    height = property(lambda self: self._blob.height)
    width = property(lambda self: self._blob.width)
    count = property(lambda self: self._blob.count)

    def reshape(self, *shape: int) -> None:
        """Give the blob this shape. Raises TypeError for dimensions that are no whole numbers."""
        self._blob.reshape(*map(operator.index, shape))

    def __repr__(self) -> str:
        return f"<Blob {self._blob.shape}>"


class RawBlobVec(_Vector[Blob]):
    """Blobs of a net: what a Python layer gets as `bottom` and `top`."""

    def _shown(self, item: Any) -> Blob:
        return Blob._over(item)

    def _kept(self, value: Any) -> engine.Blob:
        if isinstance(value, Blob):
            return value._blob
        raise self._refuse(value)


class BlobVec(RawBlobVec):
    """Blobs of a net, or a layer's parameters."""

    def add_blob(self, *shape: int) -> None:
        """Add a parameter of this shape, all zeros (what a Python layer calls in its `setup`)."""
        self._items.append(engine.ParamBlob(*map(operator.index, shape)))


class Layer(Instance):
    """A layer of a net, and the base of Python layers.

    Subclass it with setup, reshape, forward(bottom, top) and backward(top, propagate_down, bottom).
    Before `setup`, `param_str` is the text that the prototxt gives, and `phase` caffe.TRAIN or
    TEST; `self.blobs.add_blob(*shape)` in `setup` adds a parameter.
    """

    _engine_layer: Any = None  # None: a Python layer, and this object is what it runs
    _engine_blobs: List[Any]

    def __init__(self, param: Any) -> None:
        self._engine_blobs = []

    @classmethod
    def _over(cls, layer: Any) -> "Layer":
        """What a program holds of an engine's layer; for a Python layer, the program's object."""
        if layer.program is not None:
            return cast(Layer, layer.program)
        handle = cls.__new__(cls)
        handle._engine_layer, handle._engine_blobs = layer, layer.blobs
        return handle

    @property
    def type(self) -> str:
        """Caffe's name of the layer's type."""
        return str(self._engine_layer.type) if self._engine_layer else "Python"

    @property
    def blobs(self) -> BlobVec:
        """The layer's parameters, live."""
        return BlobVec._over(self._engine_blobs)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the layer's settings; a Python layer need not have it."""
        if self._engine_layer:
            self._engine_layer.setup(_behind(bottom), _behind(top))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Fit the tops to the bottoms; a Python layer must have it."""
        if not self._engine_layer:
            raise NotImplementedError(f"{type(self).__name__} has no reshape")
        self._engine_layer.reshape(_behind(bottom), _behind(top))


def _behind(blobs: Sequence[Blob]) -> List[engine.Blob]:
    """The engine's blobs behind those that a program holds."""
    return [RawBlobVec()._kept(blob) for blob in blobs]


class LayerVec(_Vector[Layer]):
    """A net's layers."""

    def _shown(self, item: Any) -> Layer:
        return Layer._over(item)

    def _kept(self, value: Any) -> Any:
        if isinstance(value, Layer) and value._engine_layer is not None:
            return value._engine_layer
        raise self._refuse(value)


class NetVec(_Vector[Any]):
    """Nets: those that a solver tests."""

    def _kept(self, value: Any) -> Any:
        from .net import Net

        if isinstance(value, Net):
            return value
        raise self._refuse(value)
