"""skimage.transform: resizing, as scikit-image 0.11 to 0.14 does it."""

from typing import Any, Tuple

import numpy as np

from . import util

# the edges beyond a picture, as NumPy's pad calls them, and as SciPy does
_NDIMAGE_MODES = {
    "constant": "constant", "edge": "nearest", "symmetric": "reflect", "reflect": "mirror",
    "wrap": "wrap",
}  # fmt: skip


def resize(
    image: np.ndarray,
    output_shape: Any,
    order: int = 1,
    mode: str = "constant",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
    anti_aliasing: bool = False,
) -> np.ndarray:
    """A picture in another size, float64.

    Args:
        image: (H, W) or (H, W, K), or an array of any number of axes.
        output_shape: (height, width), or the whole shape.
        order: 0 nearest, 1 linear, 3 cubic (Catmull-Rom); 2, 4, 5 by SciPy's splines.
        mode: what lies beyond the picture: "constant", "edge", "symmetric", "reflect" or "wrap".
        cval: that constant.
        clip: keep to the picture's range of values.
        preserve_range: take integers as they are; else by `img_as_float`.
        anti_aliasing: smooth before making smaller.

    Raises ValueError for a shape, order or mode that there is not.
    """
    if mode not in _NDIMAGE_MODES:
        raise ValueError(f"no mode {mode!r}; there are {', '.join(_NDIMAGE_MODES)}")
    if order not in range(6):
        raise ValueError(f"no order {order}; there are 0 to 5")
    image = np.asarray(image, np.float64) if preserve_range else util.img_as_float64(image)
    image, shape = _shapes(image, output_shape)
    if anti_aliasing:
        image = _smoothed(image, shape, mode, cval)
    if order in (0, 1, 3) and image.shape[2:] == shape[2:] and image.ndim <= 3:
        resized = image - cval
        for axis in (0, 1):
            resized = _along(resized, axis, shape[axis], order, mode)
        resized += cval
    else:
        resized = _by_splines(image, shape, order, mode, cval)
    return _clipped(resized, image, mode, cval) if clip and order else resized


def _shapes(image: np.ndarray, output_shape: Any) -> Tuple[np.ndarray, Tuple[int, ...]]:
    """The picture and its shape to be, with equally many axes."""
    wanted = tuple(output_shape)
    shape = tuple(int(n) for n in wanted)
    if shape != wanted or min(shape, default=0) < 1 or not image.size:
        raise ValueError(f"cannot resize a picture of shape {image.shape} to {wanted}")
    if len(shape) == image.ndim - 1:
        shape += image.shape[-1:]
    if len(shape) < image.ndim:
        raise ValueError(
            f"output_shape {wanted} has too few axes for a picture of shape {image.shape}"
        )
    return image.reshape(image.shape + (1,) * (len(shape) - image.ndim)), shape


def _places(before: int, after: int) -> np.ndarray:
    """Where the new pixels' centres lie among the old pixels."""
    return before / after * (np.arange(after) + 0.5) - 0.5


def _along(image: np.ndarray, axis: int, size: int, order: int, mode: str) -> np.ndarray:
    """The picture at another size along one axis, zero beyond it if the mode is "constant"."""
    length = image.shape[axis]
    places = _places(length, size)
    total = np.zeros(image.shape[:axis] + (size,) + image.shape[axis + 1 :])
    column = (slice(None),) + (None,) * (image.ndim - axis - 1)
    for index, weight in _taps(places, order):
        if mode == "constant":
            weight = np.where((index >= 0) & (index < length), weight, 0)
        total += image.take(_inside(index, length, mode), axis) * weight[column]
    return total


def _taps(places: np.ndarray, order: int) -> Any:
    """The old pixels that make each new one: pairs (their indices, their weights)."""
    if order == 0:
        nearest = np.trunc(places + np.where(places > 0, 0.5, -0.5)).astype(int)
        return [(nearest, np.ones_like(places))]
    first = np.floor(places).astype(int)
    x = places - first
    if order == 1:
        return [(first, 1 - x), (first + 1, x)]
    weights = (  # Keys, Cubic convolution interpolation, 1981, with a = -1/2
        ((2 - x) * x - 1) * x / 2,
        ((3 * x - 5) * x * x + 2) / 2,
        ((4 - 3 * x) * x + 1) * x / 2,
        (x - 1) * x * x / 2,
    )
    return [(first + step - 1, weight) for step, weight in enumerate(weights)]


def _inside(index: np.ndarray, length: int, mode: str) -> np.ndarray:
    """Indices beyond an axis of this length as those of the pixels that stand in for them."""
    if mode == "wrap":
        return index % length
    if mode == "symmetric":
        index = index % (2 * length)
        return np.minimum(index, 2 * length - 1 - index)
    if mode == "reflect" and length > 1:
        index = index % (2 * length - 2)
        return np.minimum(index, 2 * length - 2 - index)
    return index.clip(0, length - 1)


def _by_splines(
    image: np.ndarray, shape: Tuple[int, ...], order: int, mode: str, cval: float
) -> np.ndarray:
    from scipy import ndimage

    places = [_places(before, after) for before, after in zip(image.shape, shape)]
    grid = np.meshgrid(*places, indexing="ij")
    return ndimage.map_coordinates(image, grid, order=order, mode=_NDIMAGE_MODES[mode], cval=cval)


def _smoothed(image: np.ndarray, shape: Tuple[int, ...], mode: str, cval: float) -> np.ndarray:
    from scipy import ndimage

    sigma = np.maximum(0, (np.divide(image.shape, shape) - 1) / 2)
    return ndimage.gaussian_filter(image, sigma, mode=_NDIMAGE_MODES[mode], cval=cval)


def _clipped(resized: np.ndarray, image: np.ndarray, mode: str, cval: float) -> np.ndarray:
    """Values within the picture's own; the constant beyond it stays where it is alone."""
    low, high = image.min(), image.max()
    clipped = resized.clip(low, high)
    if mode == "constant" and not low <= cval <= high:
        clipped[resized == cval] = cval
    return clipped


def rescale(image: np.ndarray, scale: Any, **options: Any) -> np.ndarray:
    """A picture (H, W) or (H, W, K) by a factor or one for each of its two axes; see `resize`."""
    height, width = np.round(np.multiply(image.shape[:2], scale)).astype(int)
    return resize(image, (height, width), **options)


def __getattr__(name: str) -> Any:
    raise util.missing(__name__, name)
