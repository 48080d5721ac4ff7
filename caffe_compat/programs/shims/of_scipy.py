"""SciPy's names of 2015: scipy.misc, by Pillow, and modules that were renamed."""

import importlib
import sys
import types
import warnings
from typing import Any, Callable, Dict

from . import add_missing

_IMAGE = "scipy.ndimage"
_WINDOWS = ("barthann", "bartlett", "blackman", "blackmanharris", "bohman", "boxcar", "cosine",
            "flattop", "gaussian", "hamming", "hann", "kaiser", "nuttall", "parzen",
            "triang")  # fmt: skip


def _renamed(to: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(to)


MODULES: Dict[str, Callable[[], Any]] = {
    f"{_IMAGE}.{name}": _renamed(_IMAGE)
    for name in ("filters", "fourier", "interpolation", "measurements", "morphology")
}
MODULES["scipy.misc"] = lambda: misc()


def misc() -> Any:
    """scipy.misc with what this SciPy still has of it, and what it had."""
    module: Any = types.ModuleType("scipy.misc")
    module.__path__ = []
    _add_misc(module)
    return module


def _add_misc(module: Any) -> None:
    special = ("comb", "factorial", "factorial2", "factorialk", "logsumexp")
    names: Dict[str, Callable[[], Any]] = {
        name: lambda name=name: getattr(importlib.import_module("scipy.special"), name)  # type: ignore[misc]
        for name in special
    }
    for function in (bytescale, fromimage, imread, imresize, imrotate, imsave, imshow, toimage):
        names[function.__name__] = lambda function=function: function  # type: ignore[misc]
    add_missing(module, names)


def apply(module: Any) -> None:
    """Add them to scipy, scipy.misc or scipy.signal."""
    if module.__name__ == "scipy":
        _add_numpys(module)
    elif module.__name__ == "scipy.misc":
        _add_misc(module)
    else:
        from scipy.signal import windows

        add_missing(
            module,
            {n: lambda n=n: getattr(windows, n) for n in _WINDOWS},  # type: ignore[misc]
        )


def _add_numpys(scipy: Any) -> None:
    """scipy.zeros and the like, which were NumPy's; and scipy.misc without importing it."""
    import numpy

    lazy = scipy.__dict__.get("__getattr__")

    def of_numpy(name: str) -> Any:
        if name == "misc":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return importlib.import_module("scipy.misc")
        try:
            if lazy is not None:
                return lazy(name)
        except AttributeError:
            pass
        if not name.startswith("_") and hasattr(numpy, name) and "numpy" in sys.modules:
            return getattr(numpy, name)
        raise AttributeError(f"module 'scipy' has no attribute {name!r}")

    scipy.__getattr__ = of_numpy


def bytescale(data: Any, cmin: Any = None, cmax: Any = None, high: int = 255, low: int = 0) -> Any:
    """An array as uint8 from low to high; cmin and cmax, by default its own ends, become those."""
    import numpy as np

    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    cmin = data.min() if cmin is None else cmin
    cmax = data.max() if cmax is None else cmax
    scale = float(high - low) / ((float(cmax) - float(cmin)) or 1)
    return (((data - cmin) * scale + low).clip(low, high) + 0.5).astype(np.uint8)


def toimage(
    arr: Any, high: int = 255, low: int = 0, cmin: Any = None, cmax: Any = None,
    pal: Any = None, mode: Any = None, channel_axis: Any = None,
) -> Any:  # fmt: skip
    """A Pillow picture of an array (H, W) or (H, W, 3 or 4); floats are stretched to 0..255.

    Raises ValueError for another shape.
    """
    import numpy as np
    from PIL import Image

    data = np.asarray(arr)
    if data.ndim == 2 and mode in ("F", "I"):
        return Image.fromarray(data.astype(np.float32 if mode == "F" else np.int32))
    if data.ndim == 3:
        sides = [n for n, size in enumerate(data.shape) if size in (3, 4)]
        if channel_axis is None and not sides:
            raise ValueError("Could not find channel dimension.")
        axis = channel_axis if channel_axis is not None else (2 if 2 in sides else sides[0])
        data = np.moveaxis(data, axis, 2)
    elif data.ndim != 2:
        raise ValueError("'arr' does not have a suitable array shape for any mode.")
    picture = Image.fromarray(np.ascontiguousarray(bytescale(data, cmin, cmax, high, low)))
    if pal is not None:
        picture.putpalette(np.asarray(pal, np.uint8).tobytes())
    return picture.convert(mode) if mode and mode != picture.mode else picture


def fromimage(im: Any, flatten: bool = False, mode: Any = None) -> Any:
    """The array of a Pillow picture; a palette gives its colours, and flatten a float grey."""
    import numpy as np

    if mode is not None:
        im = im.convert(mode)
    elif im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def imread(name: Any, flatten: bool = False, mode: Any = None) -> Any:
    """A picture file's array."""
    from PIL import Image

    with Image.open(name) as picture:
        return fromimage(picture, flatten, mode)


def imsave(name: Any, arr: Any, format: Any = None) -> None:
    """Save an array as a picture; anything but uint8 is stretched to 0..255."""
    toimage(arr, channel_axis=2 if getattr(arr, "ndim", 0) == 3 else None).save(name, format)


def _resampling(interp: str) -> Any:
    from PIL import Image

    kinds = {"nearest": "NEAREST", "lanczos": "LANCZOS", "bilinear": "BILINEAR",
             "bicubic": "BICUBIC", "cubic": "BICUBIC"}  # fmt: skip
    return getattr(Image.Resampling, kinds[interp])


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: Any = None) -> Any:
    """A picture in another size: per cents (int), a fraction (float), or (height, width)."""
    import numpy as np

    picture = toimage(arr, mode=mode)
    if np.issubdtype(type(size), np.signedinteger):
        shape = tuple((np.array(picture.size) * (size / 100.0)).astype(int))
    elif np.issubdtype(type(size), np.floating):
        shape = tuple((np.array(picture.size) * size).astype(int))
    else:
        shape = (int(size[1]), int(size[0]))
    return fromimage(picture.resize(shape, resample=_resampling(interp)))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> Any:
    """A picture turned by an angle in degrees, anticlockwise."""
    return fromimage(toimage(arr).rotate(angle, resample=_resampling(interp)))


def imshow(arr: Any) -> None:
    """Show an array with the system's viewer of pictures."""
    toimage(arr).show()
