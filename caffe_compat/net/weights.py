"""A net's parameters from files and to files: caffemodel (V0, V1, V2) and HDF5."""

import os
from contextlib import contextmanager

import numpy as np
from google.protobuf.message import DecodeError

from netfile import wire

from ..errors import CaffeError, WeightsError
from ..proto import caffe_pb2
from ..proto.read import read_caffemodel

_LAYERS, _V1_LAYERS = 100, 2  # NetParameter's fields, and where each kind of layer keeps its blobs
_BLOBS = {_LAYERS: 7, _V1_LAYERS: 6}
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def copy_into(params, path):
    """Load the parameters of the layers that a file has under the same names; others are passed over, as in Caffe.

    params: {layer: [Blob, ...]}. Raises WeightsError where a file cannot be read or shapes differ.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"no such caffemodel: {path}")
    with open(path, "rb") as f:
        if f.read(len(_HDF5_MAGIC)) == _HDF5_MAGIC:
            load_hdf5(params, path)
            return
    with wire.mapped(path) as data:
        for name, stored in _stored_layers(data, path):
            if name in params:
                _copy_layer(name, params[name], stored, path)


def _stored_layers(data, path):
    """(name, [StoredBlob, ...]) of each layer in a caffemodel."""
    damaged = WeightsError(
        f"{path}: not a caffemodel, or one that was cut off ({len(data)} bytes); download it again"
    )
    layers = []
    try:
        for number, kind, _, value, stop in wire.fields(data, 0, len(data)):
            if number in _BLOBS and kind == 2:
                rest, blobs = wire.split_blobs(
                    data, value, stop, _BLOBS[number], caffe_pb2.BlobProto
                )
                layers.append(
                    (
                        number,
                        (
                            caffe_pb2.LayerParameter
                            if number == _LAYERS
                            else caffe_pb2.V1LayerParameter
                        ).FromString(rest),
                        blobs,
                    )
                )
    except (wire.WireError, DecodeError):
        raise damaged from None
    if not layers:
        raise damaged
    if len({number for number, _, _ in layers}) > 1 or any(
        number == _V1_LAYERS and layer.HasField("layer") for number, layer, _ in layers
    ):
        # a mixture, which is refused there, or V0
        return [
            (layer.name, [_whole(blob) for blob in layer.blobs])
            for layer in read_caffemodel(path).layer
        ]
    return [(layer.name, blobs) for _, layer, blobs in layers]


def _whole(proto):
    raw = proto.SerializeToString()
    return wire.StoredBlob(raw, 0, len(raw), caffe_pb2.BlobProto)


def _four_axes(shape):
    return (1,) * (4 - len(shape)) + tuple(shape)


def _copy_layer(name, blobs, stored, path):
    if len(blobs) != len(stored):
        raise WeightsError(
            f'{path}: layer "{name}" has {len(stored)} parameter blobs but the net has {len(blobs)}'
        )
    for i, (blob, source) in enumerate(zip(blobs, stored)):
        shape = source.shape
        if shape != blob.shape and (
            max(len(shape), len(blob.shape)) > 4 or _four_axes(shape) != _four_axes(blob.shape)
        ):
            raise WeightsError(
                f'{path}: layer "{name}" parameter {i} has shape {shape} but the net has {blob.shape}; '
                "the weights belong to another net, or rename the layer to start it fresh"
            )
        if source.count != blob.count:
            raise WeightsError(
                f'{path}: layer "{name}" parameter {i} says {shape} but holds {source.count} values'
            )
        source.read_into(blob.data.reshape(-1))


@contextmanager
def whole_or_not(path):
    """The name of a file to write, which becomes `path` when all went well."""
    partial = f"{path}.part"
    try:
        yield partial
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)


def save(net_name, layers, path):
    """Write a V2 caffemodel, layer by layer; whole or not at all."""
    with whole_or_not(path) as partial, open(partial, "wb") as f:
        f.write(caffe_pb2.NetParameter(name=net_name).SerializeToString())
        for layer in layers:
            if layer.layer_param.type != "Split":
                _save_layer(f, layer)


def _save_layer(f, layer):
    proto = caffe_pb2.LayerParameter()
    proto.CopyFrom(layer.layer_param)
    del proto.blobs[:]
    described = proto.SerializeToString()
    headers = [wire.blob_header(blob.data) for blob in layer.blobs]
    length = len(described) + sum(len(wire.field_header(7, size)) + size for _, size in headers)
    f.write(wire.field_header(_LAYERS, length) + described)
    for blob, (head, size) in zip(layer.blobs, headers):
        f.write(wire.field_header(7, size) + head)
        f.write(np.ascontiguousarray(blob.data, "<f4").reshape(-1).data)


def _h5py():
    try:
        import h5py
    except ImportError:
        raise CaffeError(
            "HDF5 files need h5py: pip install 'deepdream-caffe[hdf5]' (in a checkout: pip install -e '.[hdf5]')"
        ) from None
    return h5py


def save_hdf5(params, path, write_diff=False):
    """Write parameters (and their gradients) as Caffe does: data/LAYER/NUMBER and diff/LAYER/NUMBER, shared ones once; whole or not at all."""
    h5py = _h5py()
    with whole_or_not(path) as partial, h5py.File(partial, "w") as f:
        for which in ("data", "diff") if write_diff else ("data",):
            group = f.create_group(which)
            for layer, blobs in params.items():
                here = group.require_group(layer)
                for i, blob in enumerate(blobs):
                    if blob.owner is blob:
                        here.create_dataset(str(i), data=getattr(blob, which))


def load_hdf5(params, path):
    """Load the parameters of the layers that an HDF5 file has under the same names. Raises WeightsError where it cannot be read or shapes differ."""
    h5py = _h5py()
    if not os.path.exists(path):
        raise FileNotFoundError(f"no such HDF5 file: {path}")
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


def _load_group(group, layer, blobs, path):
    for i, blob in enumerate(blobs):
        stored = group.get(str(i))
        if stored is None:
            if blob.owner is blob:
                raise WeightsError(
                    f'{path}: layer "{layer}" has no parameter {i}, but the net has {len(blobs)}'
                )
        elif stored.shape != blob.shape:
            raise WeightsError(
                f'{path}: layer "{layer}" parameter {i} has shape {stored.shape} but the net has {blob.shape}'
            )
        else:
            blob.data[...] = stored[...]
