"""Where a class is in a picture: the map of predictions of a net that takes any size, drawn over the picture."""

import numpy as np

from netfile.errors import ShapeError
from netfile.shapes import infer

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


def class_map(net, picture, blob):
    """(C, h, w): the values of `blob` for one picture, BGR (3, H, W) minus the mean, at its own size."""
    source = net.blobs["data"]
    source.reshape(1, *picture.shape)
    source.data[0] = picture
    net.forward()
    values = net.blobs[blob].data
    if values.ndim != 4:
        raise ShapeError(f'"{blob}" is {values.shape}, no map; convolutionize the net first')
    return values[0].copy()


def window(description, blob):
    """((height, width), (vertical, horizontal)): the picture that makes a 1x1 map, and the steps in pixels from one of its places to the next."""
    shape = infer(description).get("data")
    assert shape is not None
    size = shape[2:]

    def places(height, width):
        return infer(description, {"data": (1, 3, height, width)})[blob][2:]

    steps = []
    for axis in (0, 1):
        base = places(*size)[axis]
        grown = list(size)
        while places(*grown)[axis] == base and grown[axis] < 4 * size[axis]:
            grown[axis] += 1
        first = grown[axis]
        while places(*grown)[axis] == base + 1 and grown[axis] < 4 * size[axis]:
            grown[axis] += 1
        steps.append(max(grown[axis] - first, 1))
    return tuple(size), tuple(steps)


def enlarge(values, shape, size, step):
    """One class's map (h, w) as float32 (H, W): each value at the middle of the window that it was computed from, linear between."""
    rows, columns = (
        (np.arange(n) - (extent - 1) / 2) / st for n, extent, st in zip(shape, size, step)
    )
    h, w = values.shape
    y, x = np.clip(rows, 0, h - 1), np.clip(columns, 0, w - 1)
    top, left = np.minimum(y.astype(int), max(h - 2, 0)), np.minimum(x.astype(int), max(w - 2, 0))
    bottom, right = np.minimum(top + 1, h - 1), np.minimum(left + 1, w - 1)
    fy, fx = (y - top)[:, None], (x - left)[None]
    upper = values[top][:, left] * (1 - fx) + values[top][:, right] * fx
    lower = values[bottom][:, left] * (1 - fx) + values[bottom][:, right] * fx
    return np.float32(upper * (1 - fy) + lower * fy)


def over(picture, values):
    """The picture, RGB (H, W, 3), darkened under a map of probabilities (H, W): yellow where it is half of its strongest, red at the strongest.

    At the bottom a strip shows the colours.
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
    base = np.concatenate(
        [0.3 * picture + 0.35 * grey, np.zeros((strip, width, 3))]
    )  # darker and paler, so that the heat stands out
    return (base * (1 - opacity) + np.concatenate([red, green, blue], 2) * opacity).astype(
        np.float32
    )
