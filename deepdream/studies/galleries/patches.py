"""The parts of photographs to which a layer's channels answer most: Zeiler and Fergus (arXiv
1311.2901), section 4, without its deconvolutions."""

from typing import Any, Dict, Iterable, List, NamedTuple, Sequence

import numpy as np

from ...dream.preprocess import preprocess, reshape_input
from ...errors import Size, TargetError
from ...nets.reach import reaches
from ...pictures.resize import bicubic

EACH, SIDE = 4, 96  # patches of a channel, and the pixels of their side as they are kept


class Patch(NamedTuple):
    """A part of a photograph, RGB float32 (SIDE, SIDE, 3), and the activation there."""

    value: float
    picture: np.ndarray


def strongest(
    net: Any,
    description: Any,
    layer: str,
    channels: Sequence[int],
    photographs: Iterable[np.ndarray],
) -> Dict[int, List[Patch]]:
    """{channel: its EACH strongest patches, of different photographs, the strongest first}.

    A patch is what the place of the largest activation depends on; or the whole photograph, where
    the layer sees all of it.

    Args:
        net: takes pictures of any size.
        photographs: RGB float32 (H, W, 3).
    """
    found: Dict[int, List[Patch]] = {channel: [] for channel in channels}
    for photo in photographs:
        size = photo.shape[:2]
        reshape_input(net, size).data[0] = preprocess(net, photo)
        net.forward(end=layer)
        values = net.blobs[layer].data[0].reshape(net.blobs[layer].data.shape[1], -1)
        places = net.blobs[layer].data.shape[2:] or (1, 1)
        for channel in channels:
            place = int(values[channel].argmax())
            value = float(values[channel][place])
            kept = found[channel]
            if len(kept) < EACH or value > kept[-1].value:
                row, column = np.unravel_index(place, places)
                window = _window(description, layer, size, int(row), int(column))
                patch = Patch(value, bicubic(photo[window], (SIDE, SIDE)))
                found[channel] = sorted([*kept, patch], key=lambda p: -p.value)[:EACH]
    return found


def _window(description: Any, layer: str, size: Size, row: int, column: int) -> Any:
    """The slices of a picture of this size on which one place of a layer depends."""
    try:
        reach = reaches(description, [layer], size)[layer]
    except TargetError:  # it looks at the whole
        return slice(None), slice(None)
    sides = zip((reach.vertical, reach.horizontal), (row, column), size)
    return tuple(
        slice(
            max(place * axis.stride + axis.first, 0),
            max(min(place * axis.stride + axis.last + 1, extent), 1),
        )
        for axis, place, extent in sides
    )
