"""PyTorch's state dicts, of torch.save's zip archives and of its older files, without PyTorch.

Both are a pickle of the tensors' shapes, with the numbers in storages beside it. The pickle may
name tensors, OrderedDict, numbers and text (`pickled.py` runs nothing); anything else is refused.
"""

import io
from typing import Any, BinaryIO, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from netfile.errors import WeightsError

from . import archive, pickled
from .bounds import Budget, checked_shape
from .values import decoded, stored_type

Arrays = Dict[str, np.ndarray]

MAGIC = 0x1950A86A20F9469CFC6C  # what torch.save writes first into its older files
_STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8",
    "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "QInt8Storage": "quantised int8",
    "QUInt8Storage": "quantised uint8", "QInt32Storage": "quantised int32",
}  # fmt: skip
_ORDERED = "collections.OrderedDict"
_TENSOR = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
_PARAMETER = "torch._utils._rebuild_parameter"
_QUANTISED = "torch._utils._rebuild_qtensor"
_SCHEMES = ("torch.per_tensor_affine", "torch.per_channel_affine")  # of quantisation
_NAMES = frozenset(
    [_ORDERED, *_TENSOR, _PARAMETER, _QUANTISED, *_SCHEMES]
    + [f"{module}.{name}" for name in _STORAGES for module in ("torch", "torch.cuda")]
)
_EMPTY = {_ORDERED: dict}
# where checkpoints keep the state dict, and what wrappers put before each name
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "params", "weights")
_PREFIXES = ("module.", "_orig_mod.")
_DEEPEST = 4


class _Storage(NamedTuple):
    """Numbers in the file: `size` of them, of the storage `key` from its value `first` on."""

    key: str
    kind: str
    first: int
    size: int


class _Tensor(NamedTuple):
    """A view of a storage, in values."""

    storage: _Storage
    offset: int
    shape: Tuple[int, ...]
    stride: Tuple[int, ...]


Tensors = Dict[str, _Tensor]
Storages = Dict[str, _Storage]


def read_zip(path: Any, budget: Budget) -> Arrays:
    """The arrays of a zip archive that torch.save wrote.

    Raises WeightsError where it is damaged, or holds what is no tensor.
    """
    with archive.opened(path, budget) as members:
        pickles = [name for name in members.sizes if name.split("/")[-1] == "data.pkl"]
        if len(pickles) != 1:
            raise WeightsError("a zip archive without the one data.pkl that torch.save writes")
        folder = pickles[0][: -len("data.pkl")]
        order = f"{folder}byteorder"
        swapped = order in members.sizes and members.read(order).strip() == b"big"
        tensors, _ = _described(io.BytesIO(members.read(pickles[0])))

        def stored(key: str) -> bytes:
            name = f"{folder}data/{key}"
            if name not in members.sizes:
                raise WeightsError(f"the archive has no storage {name}")
            return members.read(name)

        return _arrays(tensors, stored, swapped, budget)


def read_legacy(path: Any, budget: Budget) -> Arrays:
    """The arrays of one of torch.save's older files: five pickles, then the storages.

    Raises WeightsError where it is damaged, or holds what is no tensor.
    """
    with open(path, "rb") as file:
        if pickled.read(file) != MAGIC:
            raise WeightsError("a pickle, but none that torch.save wrote")
        pickled.read(file)  # the version of the format, 1001
        system = pickled.read(file)
        swapped = isinstance(system, dict) and system.get("little_endian") is False
        tensors, storages = _described(file)
        places = _places(file, storages, swapped)

        def stored(key: str) -> bytes:
            start, size = places[key]
            budget.take(size, f"storage {key}")
            file.seek(start)
            return file.read(size)

        return _arrays(tensors, stored, swapped, budget)


def _places(file: BinaryIO, storages: Storages, swapped: bool) -> Dict[str, Tuple[int, int]]:
    """{storage: (where its bytes start, how many there are)} of an older file, at its last
    pickle."""
    keys = pickled.read(file)
    if not isinstance(keys, list) or {str(key) for key in keys} != set(storages):
        raise WeightsError("a damaged file (its list of storages is not that of its tensors)")
    at = file.tell()
    size_of_file = file.seek(0, io.SEEK_END)
    places = {}
    for key in map(str, keys):
        file.seek(at)
        head = file.read(8)
        count = int.from_bytes(head, "big" if swapped else "little", signed=True)
        size = count * stored_type(storages[key].kind, f"storage {key}").itemsize
        if len(head) < 8 or size < 0 or at + 8 + size > size_of_file:
            raise WeightsError(f"cut off, or damaged, at its storage {key}; get it again")
        places[key] = at + 8, size
        at += 8 + size
    return places


def _described(file: BinaryIO) -> Tuple[Tensors, Storages]:
    """(the tensors by name, every storage by its key) of the pickle that starts here."""
    storages: Storages = {}

    def storage(key: Tuple[Any, ...]) -> _Storage:
        made = _storage(key)
        if storages.setdefault(made.key, made).kind != made.kind:
            raise WeightsError(f"storage {made.key} is of two types")
        return made

    found = _state_dict(pickled.read(file, _NAMES, _EMPTY, storage))
    tensors = {}
    for name, value in found.items():
        tensor = _tensor(value, str(name))
        if tensor is not None:
            tensors[str(name)] = tensor
    if not tensors:
        raise WeightsError("a state dict without tensors")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name[len(prefix) :]: tensor for name, tensor in tensors.items()}
    return tensors, storages


def _storage(key: Tuple[Any, ...]) -> _Storage:
    """A reference to a storage: (kind of reference, type, key, device, values[, view])."""
    if len(key) not in (5, 6) or key[0] != "storage" or not isinstance(key[1], pickled.Named):
        raise WeightsError("a damaged pickle (a reference that is no storage)")
    kind = _STORAGES[key[1].name.split(".")[-1]] if _is_storage(key[1]) else ""
    count, first = key[4], 0
    view = key[5] if len(key) == 6 else None
    if view is not None:  # (its name, the first value, how many values)
        if not isinstance(view, tuple) or len(view) != 3:
            raise WeightsError("a damaged pickle (a view of a storage that is none)")
        first, count = view[1:]
    checked_shape(f"storage {str(key[2])[:40]}", (count, first))
    if not kind or not isinstance(key[2], (str, int)):
        raise WeightsError("a damaged pickle (a storage of no type)")
    return _Storage(str(key[2]), kind, first, count)


def _is_storage(named: pickled.Named) -> bool:
    return named.name.split(".")[-1] in _STORAGES


def _state_dict(value: Any) -> Dict[Any, Any]:
    """The dictionary of tensors in what was saved, wherever checkpoints keep it."""
    for _ in range(_DEEPEST):
        if not isinstance(value, dict):
            break
        if any(isinstance(inner, pickled.Call) for inner in value.values()):
            return value
        inner = [value[key] for key in _WRAPPERS if isinstance(value.get(key), dict)]
        if not inner:
            keys = ", ".join(str(key) for key in list(value)[:5])
            raise WeightsError(f"no state dict of tensors; it has {keys or 'nothing'}")
        value = inner[0]
    raise WeightsError("no state dict; save model.state_dict() instead")


def _tensor(value: Any, name: str) -> Optional[_Tensor]:
    """What a call rebuilds; None for anything that is no tensor."""
    for _ in range(_DEEPEST):
        if not isinstance(value, pickled.Call):
            return None
        if value.function == _QUANTISED:
            raise WeightsError(f"{name} is quantised, which is not converted; save it as float32")
        if value.function != _PARAMETER:
            break
        value = value.arguments[0] if value.arguments else None
    else:
        return None
    if value.function not in _TENSOR or len(value.arguments) < 4:
        raise WeightsError(f"{name} is no tensor but a call of {value.function}")
    storage, offset, shape, stride = value.arguments[:4]
    if not isinstance(storage, _Storage) or not all(isinstance(v, tuple) for v in (shape, stride)):
        raise WeightsError(f"{name} is no view of a storage")
    checked_shape(name, (offset,))
    checked_shape(f"the stride of {name}", stride)
    if len(checked_shape(name, shape)) != len(stride):
        raise WeightsError(f"{name} has {len(shape)} axes but {len(stride)} strides")
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride))
    if 0 not in shape and last >= storage.size:
        raise WeightsError(
            f"{name} of shape {shape} reads value {last} of a storage of {storage.size}"
        )
    return _Tensor(storage, offset, shape, stride)


def _arrays(
    tensors: Tensors, stored: Callable[[str], bytes], swapped: bool, budget: Budget
) -> Arrays:
    """The tensors as arrays of their own; each storage is read once.

    stored: gives the bytes of a storage. swapped: whether the numbers are big-endian.
    """
    by_storage: Dict[str, List[str]] = {}
    for name, tensor in tensors.items():
        by_storage.setdefault(tensor.storage.key, []).append(name)
    arrays = {}
    for key, names in by_storage.items():
        kind = tensors[names[0]].storage.kind
        dtype = stored_type(kind, names[0])
        raw = stored(key)
        values = np.frombuffer(raw, dtype.newbyteorder(">") if swapped else dtype,
                               len(raw) // dtype.itemsize)  # fmt: skip
        for name in names:
            arrays[name] = _array(tensors[name], name, values.astype(dtype, copy=False), budget)
    return {name: arrays[name] for name in tensors}


def _array(tensor: _Tensor, name: str, values: np.ndarray, budget: Budget) -> np.ndarray:
    storage = tensor.storage
    flat = values[storage.first : storage.first + storage.size]
    if len(flat) < storage.size:
        raise WeightsError(
            f"{name} is in a storage of {storage.size} values, of which {len(flat)} are there"
        )
    budget.array(name, tensor.shape, 4)
    steps = [step * values.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, steps)
    return np.ascontiguousarray(decoded(view, storage.kind)).reshape(tensor.shape)
