"""Where a class is in a picture: what a net that takes any size predicts at each place.

The map is drawn over the picture.
"""

from typing import Any, List, Tuple

import numpy as np

from netfile.errors import ShapeError
from netfile.shapes import infer

from ..dream.preprocess import reshape_input
from ..errors import Size
from ..nets.description import declared_size, input_shape

# of memory beside the net, measured: the map as large as the picture, in float64, and its colours
BYTES_PER_PIXEL = 220
# from nothing over yellow to red: (share of the strongest, red, green, blue, opacity)
_COLOURS = np.array(
    [
        (0, 255, 230, 120, 0),
        (0.15, 255, 230, 120, 0.12),
        (0.5, 255, 190, 40, 0.35),
        (0.8, 245, 100, 20, 0.45),
        (1, 210, 10, 20, 0.5),
    ]
)
_LEAST = 0.1  # a map whose strongest value is below this is drawn as weak as it is


def class_map(net: Any, picture: np.ndarray, blob: str) -> np.ndarray:
    """(C, h, w): the values of `blob` for one picture at its own size.

    picture: (C, H, W), as `preprocess` makes it.

    Raises:
        ShapeError: the blob has no places.
    """
    reshape_input(net, picture.shape[1:]).data[0] = picture
    net.forward()
    values = net.blobs[blob].data
    if values.ndim != 4:
        raise ShapeError(f'"{blob}" is {values.shape}, no map; convolutionize the net first')
    places: np.ndarray = values[0].copy()
    return places


def window(description: Any, blob: str) -> Tuple[Size, Size]:
    """((height, width), (vertical, horizontal)) of what one place of a map sees.

    The size of the picture that makes a 1x1 map, and the steps in pixels from one place of a map to
    the next.
    """
    size = declared_size(description)[1:]

    def places(height: int, width: int) -> Tuple[int, ...]:
        shape = infer(description, input_shape(description, (height, width)))[blob]
        return (shape or ())[2:]

    def step(axis: int) -> int:
        base = places(*size)[axis]
        grown: List[int] = list(size)
        while places(*grown)[axis] == base and grown[axis] < 4 * size[axis]:
            grown[axis] += 1
        first = grown[axis]
        while places(*grown)[axis] == base + 1 and grown[axis] < 4 * size[axis]:
            grown[axis] += 1
        return max(grown[axis] - first, 1)

    return size, (step(0), step(1))


def enlarge(values: np.ndarray, shape: Size, size: Size, step: Size) -> np.ndarray:
    """One class's map (h, w) as float32 (H, W), linear between its places.

    Each value is put at the middle of the window that it was computed from. shape: (H, W). size,
    step: as `window` gives them.
    """
    from scipy.ndimage import map_coordinates

    rows, columns = (
        np.clip((np.arange(n) - (extent - 1) / 2) / st, 0, last - 1)
        for n, extent, st, last in zip(shape, size, step, values.shape)
    )
    places = np.meshgrid(rows, columns, indexing="ij")
    enlarged: np.ndarray = map_coordinates(
        np.asarray(values, np.float64), places, order=1, mode="nearest"
    )
    return enlarged.astype(np.float32)


def over(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A picture, RGB (H, W, 3), darkened, under a map of probabilities (H, W), as float32.

    Yellow is half of the map's strongest value, red the strongest. A strip at the bottom shows the
    colours.
    """
    strongest = max(float(values.max()), _LEAST)
    heat = np.clip(values / strongest, 0, 1)
    height, width = heat.shape
    strip = max(4, height // 60)
    heat = np.concatenate([heat, np.repeat(np.linspace(0, 1, width)[None], strip, 0)])
    red, green, blue, opacity = (
        np.interp(heat, _COLOURS[:, 0], _COLOURS[:, i])[..., None] for i in range(1, 5)
    )
    grey = (picture @ np.array([0.299, 0.587, 0.114]))[..., None]
    # darker and paler, so that the heat stands out
    base = np.concatenate([0.3 * picture + 0.35 * grey, np.zeros((strip, width, 3))])
    painted = base * (1 - opacity) + np.concatenate([red, green, blue], 2) * opacity
    return np.asarray(painted, np.float32)
