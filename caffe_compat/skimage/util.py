"""skimage.util: pictures of other types as floats and bytes."""

from typing import Any

import numpy as np


def img_as_float(image: Any) -> np.ndarray:
    """A picture as float: integers by their type's range, to 0..1 or -1..1; floats as they are."""
    image = np.asarray(image)
    if image.dtype.kind == "f":
        return image
    if image.dtype.kind == "b":
        return image.astype(np.float64)
    if image.dtype.kind not in "ui":
        raise ValueError(f"cannot convert a picture of {image.dtype} to float")
    limits = np.iinfo(image.dtype)
    if image.dtype.kind == "u":
        return image / np.float64(limits.max)
    return (image + 0.5) * (2 / (float(limits.max) - float(limits.min)))


def img_as_float64(image: Any) -> np.ndarray:
    """`img_as_float`, as float64."""
    return img_as_float(image).astype(np.float64, copy=False)


def img_as_float32(image: Any) -> np.ndarray:
    """`img_as_float`, as float32."""
    return img_as_float(image).astype(np.float32, copy=False)


def img_as_ubyte(image: Any) -> np.ndarray:
    """A picture as uint8, rounded; negative values are 0.

    Raises ValueError for floats beyond -1..1.
    """
    if np.asarray(image).dtype == np.uint8:
        return np.asarray(image)
    values = img_as_float64(image)
    if values.size and (values.min() < -1 or values.max() > 1):
        raise ValueError(
            f"Images of type float must be between -1 and 1, not {values.min():g}..{values.max():g}"
        )
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def missing(module: str, name: str) -> AttributeError:
    """The error for a name that only the whole scikit-image has."""
    return AttributeError(
        f"{module} has no {name!r}: it stands in for scikit-image, which has the rest: "
        "pip install scikit-image"
    )


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
