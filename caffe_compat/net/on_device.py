"""A net's passes in GPU mode: what is around them, and what remains where memory is short."""

import math
import traceback
from contextlib import contextmanager
from itertools import chain
from typing import Dict, Iterable, Iterator, List

from .. import devices
from ..blob import Blob
from ..errors import DeviceMemoryError
from ..layer_types import load_twins
from ..layer_types.registry import Layer
from .parts import Parts


@contextmanager
def passing(parts: Parts, concats: Iterable[int]) -> Iterator[None]:
    """Context of a pass in GPU mode.

    Raises DeviceError, and DeviceMemoryError with what would fit: the net stays usable then, with
    its parameters and inputs as they are, and all other values zero.

    Args:
        parts: the net's.
        concats: the numbers of its Concats.
    """
    load_twins()
    if devices.is_fast():
        _part_concats(parts, concats)
    try:
        with devices.computing():
            yield
    except DeviceMemoryError as e:
        for error in (e, e.__cause__):
            if error is not None:  # what the layer had is in the frames that it came through
                traceback.clear_frames(error.__traceback__)
        raise DeviceMemoryError(e.what, e.asked, e.free, e.device, _make_room(parts)) from None


def forward(layer: Layer, bottom: List[Blob], top: List[Blob]) -> None:
    """Run a layer forward on the device, or on the host if PyTorch's device lacks an operation."""
    try:
        layer.forward_gpu(bottom, top)
    except NotImplementedError as e:
        if layer.type == "Python":  # the program's own
            raise
        lacking = (str(e).splitlines() or ["an operation"])[0]
        layer.ran_on_gpu = False
        why = f"layers take what PyTorch's device lacks ({lacking})"
        layer.forward_on_host(bottom, top, why)


def _part_concats(parts: Parts, concats: Iterable[int]) -> None:
    """Give the bottoms of Concats memory of their own, whose layout a stretch would not have."""
    for i in concats:
        layer = parts.layers[i]
        if layer.views:
            layer.views = False
            for blob, inside in zip(parts.bottoms[i], layer.inside):  # type: ignore[attr-defined]
                if inside:
                    blob.move_out()


def _make_room(parts: Parts) -> str:
    """Give up the device's memory but for parameters and inputs; returns what fits, in words."""
    kept: Dict[int, None] = {}
    for param in chain(*parts.params.values()):
        kept.update((id(block.there), None) for block in param.blocks)
    needed = 0
    for name, blob in parts.blobs.items():
        for block in blob.blocks:
            if id(block.there) not in kept:
                kept[id(block.there)] = None
                needed += 4 * blob.count
                block.leave_gpu(name in parts.inputs)
    devices.release()
    free = devices.free()
    sizes: List[int] = list(parts.blobs[parts.inputs[0]].shape[2:]) if parts.inputs else []
    if free is None or len(sizes) != 2 or not needed:
        return ""
    scale = math.sqrt(free[0] / needed)
    if scale >= 1:
        return ""
    height, width = (int(size * scale) for size in sizes)
    return (
        f"the net takes {needed / 1e9:.2f} GB beside its parameters for an input of "
        f"{sizes[1]}x{sizes[0]}, and about {width}x{height} fit"
    )
