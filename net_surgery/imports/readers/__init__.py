"""The arrays in a file of weights, by their names, whatever wrote it.

Each reader takes a path and a Budget and returns {name: array}: float32 for every kind of float,
whole numbers as they are. Files come from anywhere; nothing in one is run, and none can ask for
more memory than its size justifies.
"""

import re
from typing import Any, Callable, Dict

import numpy as np

from netfile import wire
from netfile.errors import WeightsError
from netfile.faults.kinds import kind_of, unreadable

from . import keras, npz, onnx, pytorch, safetensors, tensorflow
from .archive import opened as _opened_archive
from .bounds import Budget

Arrays = Dict[str, np.ndarray]
Reader = Callable[[Any, Budget], Arrays]

KINDS = "PyTorch, safetensors, Keras (HDF5), NumPy (.npz), ONNX and TensorFlow (.pb)"
_WANTED = "a file of weights"
_HEAD = 4096


def read(path: Any) -> Arrays:
    """The arrays in a file of PyTorch, safetensors, Keras, NumPy, ONNX or TensorFlow.

    Args:
        path: the file; what it is, is told by its contents, not by its name.

    Returns:
        {name: array}, C-contiguous: float32, or whole numbers, or bool.

    Raises:
        WeightsError: it cannot be read, is damaged or is of another kind, with its path.
    """
    try:
        with wire.File(path) as file:
            head = file[:_HEAD]
        reader = _reader(path, head)
        arrays = reader(path, Budget(path))
    except OSError as e:
        raise WeightsError(unreadable(path, _WANTED, e)) from None
    except wire.WireError as e:
        raise WeightsError(f"{path}: damaged, or cut off ({e}); get it again") from None
    except WeightsError as e:
        raise WeightsError(f"{path}: {e}") from None
    if not arrays:
        raise WeightsError(f"{path}: holds no arrays of numbers")
    return arrays


def _reader(path: Any, head: bytes) -> Reader:
    """The reader for a file that begins so. Raises WeightsError if there is none."""
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return keras.read
    if head.startswith(b"PK\x03\x04"):
        return _reader_of_archive(path)
    if re.match(rb"\x80[\x02-\x05](?:\x95.{8})?\x8a\x0a", head, re.S):
        return pytorch.read_legacy
    if re.match(rb".{6}\x00\x00\s*\{", head, re.S):
        return safetensors.read
    kind = kind_of(path)
    what = kind.what if kind else ""
    if what == "an ONNX model":
        return onnx.read
    if what == "a TensorFlow graph":
        return tensorflow.read
    raise WeightsError(
        f"{what or 'a file of no known kind'}; what can be read is {KINDS}"
        if what != "a caffemodel"
        else "a caffemodel already; put it beside its prototxt, and name their folder as the model"
    )


def _reader_of_archive(path: Any) -> Reader:
    with _opened_archive(path, Budget(path)) as members:
        names = list(members.sizes)
    if any(name.split("/")[-1] == "data.pkl" for name in names):
        return pytorch.read_zip
    if "model.weights.h5" in names:
        return keras.read_archive
    if names and all(name.endswith(".npy") for name in names):
        return npz.read
    raise WeightsError("a zip archive of none of PyTorch, Keras and NumPy; unpack it first")


__all__ = ["KINDS", "Arrays", "read"]
