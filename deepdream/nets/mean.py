"""A net's mean colour and input scale, from a readme, a request, a mean file or the net itself."""

import os
from pathlib import Path
from typing import Any, Tuple

import numpy as np

from netfile.blobs import read_blob
from netfile.errors import WeightsError
from netfile.faults.kinds import misplaced, unreadable

from ..errors import ModelError
from . import engine
from .folder import own_file

Pixel = Tuple[float, ...]
Notes = Tuple[str, ...]
_WANTED = "write one value for all channels, or three such as 104,117,123: BLUE, GREEN, RED"
_SUFFIXES = (".npy", ".binaryproto")
SCALES = 1e-9, 1e9
LARGEST = 1e9  # far beyond any colour, and finite in float32


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
            if Path(mean).suffix.lower() in _SUFFIXES:
                return read_mean_file(_place(mean, folder, source))
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
    lowest, highest = SCALES
    if not _is_number(scale) or not lowest <= scale <= highest:
        where = f"{source}: the input scale" if source else "the input scale"
        raise ModelError(
            f"{where} is {scale!r}; write a number between {lowest:g} and {highest:g}, such as "
            "0.017"
        )
    return float(scale)


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_real and abs(value) < LARGEST


def _place(name: str, folder: Path, source: str) -> Path:
    """Where a mean file is: a readme's in its own folder, a person's there too or anywhere."""
    if source:
        return own_file(folder, name, Path(source), "mean")
    in_folder = folder / name
    return in_folder if os.path.exists(in_folder) and not os.path.exists(name) else Path(name)


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
    if not (np.abs(values) < LARGEST).all():
        raise ModelError(f"{path}: holds values that are not finite numbers")
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
    kind = path.suffix.lower()
    if kind not in _SUFFIXES:
        raise ModelError(f"{path}: a mean file ends in {' or '.join(_SUFFIXES)}")
    if not os.path.isfile(path):
        raise ModelError(misplaced(path, "a mean file") or f"{path}: no such file; {_WANTED}")
    try:
        values = _npy(path) if kind == ".npy" else _binaryproto(path)
    except OSError as e:
        raise ModelError(unreadable(path, "a mean file", e)) from None
    except WeightsError as e:
        raise ModelError(str(e)) from None
    except ModelError:
        raise
    except Exception as e:  # NumPy evaluates the header, which fails in every way
        raise ModelError(f"{path}: not a mean file, or a broken one ({e})") from None
    if values.dtype.kind not in "fiu":
        raise ModelError(f"{path}: holds {values.dtype}, not numbers")
    return np.asarray(values, np.float64)


def _npy(path: Path) -> np.ndarray:
    elsewhere = misplaced(path, "a NumPy array")
    if elsewhere:
        raise ModelError(elsewhere)
    # mapped, so that no header can ask for more memory than the file has values
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(values, np.ndarray):
        raise ValueError("it is an archive of arrays")
    return values


def _binaryproto(path: Path) -> np.ndarray:
    return np.asarray(read_blob(path, engine.load("auto").io.caffe_pb2))
