"""Keras's weights: HDF5 files of Keras 3 (.weights.h5), of the versions before it, and .keras.

An array is called by its path in the file, such as "block1/layers/conv2d/vars/0" (Keras 3) or
"block1_conv1/block1_conv1/kernel:0" (before). Nothing outside the file is followed.
"""

import io
from typing import Any, Dict, List, Set

import numpy as np

from netfile.errors import WeightsError
from netfile.system.places import install

from . import archive
from .bounds import MOST_ARRAYS, Budget
from .values import decoded

_DEEPEST = 32
_MODEL = "model_weights/"  # where a whole model of the older versions has them
_OPTIMIZERS = ("optimizer/", "optimizer_weights/")


def read(path: Any, budget: Budget) -> Dict[str, np.ndarray]:
    """The arrays of an HDF5 file. Raises WeightsError where it is damaged or leads elsewhere."""
    return _read(str(path), budget)


def read_archive(path: Any, budget: Budget) -> Dict[str, np.ndarray]:
    """The arrays of a .keras file, a zip archive with model.weights.h5 in it, likewise."""
    with archive.opened(path, budget) as members:
        return _read(io.BytesIO(members.read("model.weights.h5")), budget)


def _read(file: Any, budget: Budget) -> Dict[str, np.ndarray]:
    try:
        import h5py
    except ImportError:
        raise WeightsError(f"HDF5 files need h5py; install it with: {install('hdf5')}") from None
    arrays: Dict[str, np.ndarray] = {}
    try:
        with h5py.File(file, "r") as opened:
            _collect(h5py, opened, "", arrays, set(), budget)
    except WeightsError:
        raise
    except Exception as e:  # HDF5 fails in every way at a damaged file
        raise WeightsError(f"a damaged HDF5 file ({str(e)[:120]})") from None
    kept = {name: a for name, a in arrays.items() if not name.startswith(_OPTIMIZERS)}
    if kept and all(name.startswith(_MODEL) for name in kept):
        return {name[len(_MODEL) :]: array for name, array in kept.items()}
    return kept


def _collect(
    h5py: Any, group: Any, path: str, arrays: Dict[str, np.ndarray], seen: Set[Any], budget: Budget
) -> None:
    """Add the arrays of a group and of all below it."""
    if path.count("/") > _DEEPEST or len(seen) > MOST_ARRAYS:
        raise WeightsError("an HDF5 file of too many groups")
    for name in group:
        inner = path + name.replace("\\", "/")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise WeightsError(f"{inner} leads elsewhere; only what lies in the file is read")
        thing = group[name]
        if isinstance(thing, h5py.Group):
            place = h5py.h5o.get_info(thing.id).addr
            if place in seen:
                raise WeightsError(f"{inner} is a group that stands in the file twice")
            seen.add(place)
            _collect(h5py, thing, f"{inner}/", arrays, seen, budget)
        elif isinstance(thing, h5py.Dataset):
            if thing.dtype.kind in "fiub":
                arrays[inner] = _array(thing, inner, budget)
        else:
            raise WeightsError(f"{inner} is neither a group nor an array")


def _array(dataset: Any, name: str, budget: Budget) -> np.ndarray:
    if dataset.external or dataset.is_virtual:
        raise WeightsError(f"{name} leads elsewhere; only what lies in the file is read")
    if dataset.dtype.itemsize > 8 or dataset.shape is None:
        raise WeightsError(f"{name} holds {dataset.dtype}, which is not converted")
    shape: List[int] = [int(n) for n in dataset.shape]
    budget.array(name, shape, max(4, dataset.dtype.itemsize))
    if dataset.chunks:  # each is unpacked whole
        budget.take(int(np.prod(dataset.chunks, dtype=np.float64)) * dataset.dtype.itemsize, name)
    values = np.asarray(dataset[()])
    return decoded(values.astype(values.dtype.newbyteorder("=")), values.dtype.name).reshape(shape)
