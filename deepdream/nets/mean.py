"""A net's mean colour, from a readme, a command line or a mean file."""

import os
from pathlib import Path
from typing import Any, Tuple

import numpy as np

from netfile.blobs import read_blob
from netfile.errors import WeightsError
from netfile.kinds import misplaced, unreadable

from ..errors import ModelError
from . import engine
from .folder import own_file

Pixel = Tuple[float, ...]
Notes = Tuple[str, ...]
_LARGEST = 1e9  # far beyond any colour, and finite in float32


def mean_pixel(mean: Any, folder: Path, readme: Path, own: bool = True) -> Tuple[Pixel, Notes]:
    """The mean colour that is given as three numbers, as text such as "104,117,123", or as a mean
    file.

    Args:
        mean: what the readme or the user gave.
        folder: where a mean file is looked for.
        readme: is named in errors.
        own: whether the readme says it, which may name only files of its own folder; else files are
            looked for in the working directory too.

    Returns:
        (the colour in the net's channel order, notes for the user).

    Raises:
        ModelError: it is none of these, or the file cannot be read.
    """
    if isinstance(mean, str) and mean:
        try:
            mean = [float(v) for v in mean.split(",")]
        except ValueError:
            return read_mean_file(_place(mean, folder, readme, own))
    numbers = isinstance(mean, (list, tuple)) and all(type(v) in (int, float) for v in mean)
    if numbers and len(mean) == 3:
        if not all(abs(v) < _LARGEST for v in mean):
            place = f"{readme}: " if own else ""
            raise ModelError(f"{place}the mean is {mean!r}; it must be three finite numbers")
        return tuple(mean), ()
    if not own:
        raise ModelError(f"the mean is {mean!r}; it must be three numbers or a mean file")
    raise ModelError(
        f'{readme}: needs "caffemodel: FILE" and "mean: [BLUE, GREEN, RED]" between its --- lines; '
        f"the mean is {mean!r}"
    )


def _place(name: str, folder: Path, readme: Path, own: bool) -> Path:
    if own:
        return own_file(folder, name, readme, "mean")
    return Path(name) if os.path.isfile(name) else folder / name


def read_mean_file(path: Path) -> Tuple[Pixel, Notes]:
    """The mean colour of a mean picture, .binaryproto or .npy, of shape (3,) or (3, H, W).

    Raises:
        ModelError: there is no such file, or it holds something else.
    """
    values = np.squeeze(_values(path))
    if values.ndim not in (1, 3) or values.shape[0] != 3 or not values.size:
        raise ModelError(
            f"{path}: has the shape {values.shape}; a mean is (3,) or (3, height, width)"
        )
    if not (np.abs(values) < _LARGEST).all():
        raise ModelError(f"{path}: holds values that are not finite numbers")
    if values.ndim == 1:
        return tuple(values.tolist()), ()
    pixel = tuple(round(float(v), 4) for v in values.mean((1, 2)))
    text = ", ".join(f"{v:g}" for v in pixel)
    return pixel, (
        f"{path.name} is a mean picture of {values.shape[2]}x{values.shape[1]}; its mean colour "
        f"{text} is used, "
        "because pictures have any size",
    )


def _values(path: Path) -> np.ndarray:
    """The array in a mean file, float64."""
    kind = path.suffix.lower()
    if kind not in (".npy", ".binaryproto"):
        raise ModelError(
            f"{path}: a mean is three numbers such as 104,117,123, or a file .npy or .binaryproto"
        )
    if not os.path.isfile(path):
        there = "is not a file" if os.path.exists(path) else "no such file"
        raise ModelError(f"{path}: {there}; a mean is three numbers or a file")
    try:
        if kind == ".npy":
            elsewhere = misplaced(path, "a NumPy array")
            if elsewhere:
                raise ModelError(elsewhere)
            values = _npy(path)
        else:
            values = np.asarray(read_blob(path, engine.load("auto").io.caffe_pb2))
    except OSError as e:
        raise ModelError(unreadable(path, "a NumPy array", e)) from None
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
    if not path.stat().st_size:
        raise ValueError("it is empty")
    # mapped, so that no header can ask for more memory than the file has values
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(values, np.ndarray):
        raise ValueError("it is an archive of arrays")
    return values
