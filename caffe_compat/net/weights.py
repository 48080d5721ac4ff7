"""A net's parameters from files and to files: caffemodel (V0, V1, V2) and HDF5."""

import os
from typing import Any, Iterable, Mapping, Sequence, Union

from netfile import caffemodel
from netfile.blobs import four_axes
from netfile.system.files import whole_file

from .. import extras
from ..blob import ParamBlob
from ..errors import MissingFileError, WeightsError
from ..proto import caffe_pb2

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
PathLike = Union[str, "os.PathLike[str]"]
Params = Mapping[str, Sequence[ParamBlob]]  # {layer: its parameters}


def copy_into(params: Params, path: PathLike) -> None:
    """Load the parameters of the layers that a file has under the same names.

    Layers that only one of the two has are passed over, as in Caffe. HDF5 files are known by their
    first bytes.

    Raises:
        MissingFileError: there is no such file.
        WeightsError: it cannot be read, or shapes differ.
    """
    if not os.path.exists(os.fspath(path)):
        raise MissingFileError(f"no such caffemodel: {path}")
    if _is_hdf5(path):
        load_hdf5(params, path)
        return
    with caffemodel.opened(path, caffe_pb2) as layers:
        for layer in layers:
            if layer.name in params:
                _copy_layer(layer, params[layer.name], path)


def _is_hdf5(path: PathLike) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as f:
        return f.read(len(_HDF5_MAGIC)) == _HDF5_MAGIC


def _copy_layer(layer: caffemodel.StoredLayer, blobs: Sequence[ParamBlob], path: PathLike) -> None:
    if len(blobs) != len(layer.blobs):
        raise WeightsError(
            f'{path}: layer "{layer.name}" has {len(layer.blobs)} parameter blobs '
            f"but the net has {len(blobs)}"
        )
    for i, (blob, stored) in enumerate(zip(blobs, layer.blobs)):
        if not _same_shape(stored.shape, blob.shape):
            raise WeightsError(
                f'{path}: layer "{layer.name}" parameter {i} has shape {stored.shape} '
                f"but the net has {blob.shape}; "
                "the weights belong to another net, or rename the layer to start it fresh"
            )
        if stored.count != blob.count:
            raise WeightsError(
                f'{path}: layer "{layer.name}" parameter {i} says {stored.shape} '
                f"but holds {stored.count} values"
            )
        stored.read_into(blob.data.reshape(-1))


def _same_shape(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether two shapes are equal, where need be with ones before them, up to four axes."""
    return a == b or (max(len(a), len(b)) <= 4 and four_axes(a) == four_axes(b))


def save(net_name: str, layers: Iterable[Any], path: PathLike, write_diff: bool = False) -> None:
    """Write a V2 caffemodel, layer by layer, as Caffe does: Split layers too, each with its phase.

    Whole or not at all. write_diff: write gradients too.
    """
    with whole_file(os.fspath(path)) as partial, open(partial, "wb") as f:
        f.write(caffe_pb2.NetParameter(name=net_name).SerializeToString())
        for layer in layers:
            described = caffe_pb2.LayerParameter()
            described.CopyFrom(layer.layer_param)
            del described.blobs[:]
            described.phase = layer.phase
            gradients = [blob.diff for blob in layer.blobs] if write_diff else []
            caffemodel.write_layer(f, described, [blob.data for blob in layer.blobs], gradients)


def save_hdf5(params: Params, path: PathLike, write_diff: bool = False) -> None:
    """Write parameters to an HDF5 file as Caffe does; whole or not at all.

    Args:
        params: the net's parameters; shared ones are written once.
        path: the file; values become data/LAYER/NUMBER in it.
        write_diff: write gradients too, as diff/LAYER/NUMBER.
    """
    h5py = extras.h5py()
    with whole_file(os.fspath(path)) as partial, h5py.File(partial, "w") as f:
        for which in ("data", "diff") if write_diff else ("data",):
            group = f.create_group(which)
            for layer, blobs in params.items():
                here = group.require_group(layer)
                for i, blob in enumerate(blobs):
                    if blob.owner is blob:
                        here.create_dataset(str(i), data=getattr(blob, which))


def load_hdf5(params: Params, path: PathLike) -> None:
    """Load the parameters of the layers that an HDF5 file has under the same names.

    Raises:
        MissingFileError: there is no such file.
        WeightsError: it cannot be read, or shapes differ.
    """
    h5py = extras.h5py()
    if not os.path.exists(os.fspath(path)):
        raise MissingFileError(f"no such HDF5 file: {path}")
    try:
        with h5py.File(path, "r") as f:
            if "data" not in f:
                raise WeightsError(
                    f"{path}: no group data in this HDF5 file; it holds no net's weights"
                )
            for layer, blobs in params.items():
                if layer in f["data"]:
                    _load_group(f["data"][layer], layer, blobs, path)
    except OSError as e:
        raise WeightsError(f"{path}: not an HDF5 file, or a damaged one ({e})") from None


def _load_group(group: Any, layer: str, blobs: Sequence[ParamBlob], path: PathLike) -> None:
    for i, blob in enumerate(blobs):
        stored = group.get(str(i))
        if stored is None:
            if blob.owner is blob:
                raise WeightsError(
                    f'{path}: layer "{layer}" has no parameter {i}, but the net has {len(blobs)}'
                )
        elif stored.shape != blob.shape:
            raise WeightsError(
                f'{path}: layer "{layer}" parameter {i} has shape {stored.shape} '
                f"but the net has {blob.shape}"
            )
        else:
            blob.data[...] = stored[...]
