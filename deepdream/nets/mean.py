"""A net's mean colour and input scale, from a readme, a request, a mean file or the net itself."""

import math
import os
from pathlib import Path
from typing import Any, Tuple
from zipfile import BadZipFile

import numpy as np
from google.protobuf.message import DecodeError

from netfile.blobs import blob_array
from netfile.errors import NetError

from ..errors import ModelError
from . import engine

Pixel = Tuple[float, ...]
Notes = Tuple[str, ...]
_WANTED = "write one value for all channels, or three such as 104,117,123: BLUE, GREEN, RED"
_SUFFIXES = (".npy", ".binaryproto")
_SCALES = 1e-9, 1e9
# what NumPy and protobuf raise for files that are damaged, or something else
_BROKEN = (
    ValueError, TypeError, EOFError, SyntaxError, MemoryError, OverflowError, BadZipFile,
    DecodeError, NetError,
)  # fmt: skip


def mean_pixel(mean: Any, folder: Path, source: str = "") -> Tuple[Pixel, Notes]:
    """The mean colour that is given as numbers, as text such as "104,117,123", or as a mean file.

    Args:
        mean: one value for all channels, or one for each of three.
        folder: where a mean file is looked for besides the working directory.
        source: what gave it, for errors: a readme's path, or "".

    Returns:
        (the colour in the net's channel order, notes for the user).

    Raises:
        ModelError: it is none of these, or the file cannot be read.
    """
    values = mean
    if isinstance(mean, str):
        try:
            values = [float(v) for v in mean.split(",")]
        except ValueError:
            path = Path(mean) if os.path.isfile(mean) else folder / mean
            if path.suffix in _SUFFIXES:
                return read_mean_file(path)
    if _is_number(values):
        values = [values]
    where = f"{source}: the mean" if source else "the mean"
    if not isinstance(values, (list, tuple)) or not values or not all(map(_is_number, values)):
        raise ModelError(
            f"{where} is {mean!r}, neither numbers nor a mean file (.npy, .binaryproto); {_WANTED}"
        )
    if len(values) not in (1, 3):
        raise ModelError(f"{where} is {mean!r}, {len(values)} values; {_WANTED}")
    return tuple(values), ()


def input_scale(scale: Any, source: str = "") -> float:
    """The number that a net's input is multiplied by after the mean was subtracted.

    source: as in `mean_pixel`. Raises ModelError for anything else.
    """
    lowest, highest = _SCALES
    if not _is_number(scale) or not lowest <= scale <= highest:
        where = f"{source}: the input scale" if source else "the input scale"
        raise ModelError(
            f"{where} is {scale!r}; write a number between {lowest:g} and {highest:g}, such as "
            "0.017"
        )
    return float(scale)


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_real and abs(value) < 1e9 and math.isfinite(value)


def read_mean_file(path: Path) -> Tuple[Pixel, Notes]:
    """The mean colour of a mean picture, .binaryproto or .npy, of shape (C,) or (C, H, W), C being
    1 or 3; or (H, W).

    Raises:
        ModelError: there is no such file, or it holds something else.
    """
    values = _values(path)
    shape = values.shape
    if values.ndim == 4 and shape[0] == 1:
        values = values[0]
    if values.ndim == 2 and 1 not in shape:
        values = values[None]
    if values.ndim < 3:
        values = values.reshape(-1, 1, 1)
    if values.ndim != 3 or values.shape[0] not in (1, 3) or not values.size:
        raise ModelError(
            f"{path}: has the shape {shape}; a mean is (3,) or (3, height, width), or 1 in place "
            "of 3"
        )
    if not np.isfinite(values).all():
        raise ModelError(f"{path}: holds values that are not numbers; a mean is grey levels, 0-255")
    if values.shape[1:] == (1, 1):
        return tuple(values.ravel().tolist()), ()
    pixel = tuple(round(float(v), 4) for v in values.mean((1, 2)))
    text = ", ".join(f"{v:g}" for v in pixel)
    return pixel, (
        f"{path.name} is a mean picture of {values.shape[2]}x{values.shape[1]}; its mean colour "
        f"{text} is used, because pictures have any size",
    )


def _values(path: Path) -> np.ndarray:
    """What a mean file holds, float64."""
    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False), np.float64)
        if path.suffix == ".binaryproto":
            blob = engine.load("auto").io.caffe_pb2.BlobProto()
            blob.ParseFromString(path.read_bytes())
            return np.asarray(blob_array(blob), np.float64)
    except OSError as e:
        raise ModelError(f"{path}: cannot be read: {e.strerror or e}") from None
    except _BROKEN as e:
        raise ModelError(f"{path}: not a mean file, or a broken one ({e})") from None
    raise ModelError(f"{path}: a mean file ends in {' or '.join(_SUFFIXES)}")
