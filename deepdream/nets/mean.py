"""A net's mean colour, from a readme, a command line or a mean file."""

from pathlib import Path
from typing import Any, Tuple

import numpy as np

from netfile.blobs import read_blob
from netfile.errors import WeightsError
from netfile.kinds import misplaced, unreadable

from ..errors import ModelError
from . import engine

Pixel = Tuple[float, ...]
Notes = Tuple[str, ...]


def mean_pixel(mean: Any, folder: Path, readme: Path) -> Tuple[Pixel, Notes]:
    """The mean colour that is given as three numbers, as text such as "104,117,123", or as a mean
    file.

    Args:
        mean: what the readme or the user gave.
        folder: where a mean file is looked for besides the working directory.
        readme: is named in errors.

    Returns:
        (the colour in the net's channel order, notes for the user).

    Raises:
        ModelError: it is none of these, or the file cannot be read.
    """
    if isinstance(mean, str) and mean:
        try:
            mean = [float(v) for v in mean.split(",")]
        except ValueError:
            return read_mean_file(Path(mean) if Path(mean).is_file() else folder / mean)
    numbers = isinstance(mean, (list, tuple)) and all(isinstance(v, (int, float)) for v in mean)
    if numbers and len(mean) == 3:
        return tuple(mean), ()
    raise ModelError(
        f'{readme}: needs "caffemodel: FILE" and "mean: [BLUE, GREEN, RED]" between its --- lines; '
        f"the mean is {mean!r}"
    )


def read_mean_file(path: Path) -> Tuple[Pixel, Notes]:
    """The mean colour of a mean picture, .binaryproto or .npy, of shape (3,) or (3, H, W).

    Raises:
        ModelError: there is no such file, or it holds something else.
    """
    values = np.squeeze(np.asarray(_values(path), np.float64))
    if values.ndim not in (1, 3) or values.shape[0] != 3 or not np.isfinite(values).all():
        raise ModelError(
            f"{path}: has the shape {values.shape}; a mean is (3,) or (3, height, width)"
        )
    if values.ndim == 1:
        return tuple(values.tolist()), ()
    pixel = tuple(round(float(v), 4) for v in values.mean((1, 2)))
    text = ", ".join(f"{v:g}" for v in pixel)
    return pixel, (
        f"{path.name} is a mean picture of {values.shape[2]}x{values.shape[1]}; its mean colour "
        f"{text} is used, "
        "because pictures have any size",
    )


def _values(path: Path) -> Any:
    try:
        if path.suffix == ".npy":
            found = misplaced(path, "a NumPy array")
            if found:
                raise ModelError(found)
            return np.load(path)
        if path.suffix == ".binaryproto":
            return read_blob(path, engine.load("auto").io.caffe_pb2)
    except OSError as e:
        raise ModelError(unreadable(path, "a NumPy array", e)) from None
    except WeightsError as e:
        raise ModelError(str(e)) from None
    except (ValueError, EOFError) as e:
        raise ModelError(f"{path}: not a mean file, or a broken one ({e})") from None
    raise ModelError(
        f"{path}: a mean is three numbers such as 104,117,123, or a file .npy or .binaryproto"
    )
