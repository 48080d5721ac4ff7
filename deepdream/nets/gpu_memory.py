"""Whether a request fits into the memory of the GPU that computes it, or by which tiles."""

from typing import Any, NamedTuple, Optional, Sequence

from ..errors import Size, SizeError, TargetError
from . import engine, memory
from .tiling import Tiling, chosen


class Asked(NamedTuple):
    """What is asked for. again: whether a net's tensors that are there are used again; the others
    as in tiling.chosen and opening.open."""

    caffe: Any
    description: Any
    layers: Sequence[str]
    largest: memory.Pass
    guide_sizes: Sequence[Size]
    again: bool
    tiling: Optional[Tiling]


def tile(asked: Asked, given: Optional[Size], declared: Size) -> Optional[Size]:
    """The (height, width) of the tiles, or None where there are none.

    They are chosen anew only where the memory of the host is bounded: else a picture that does not
    fit is refused.

    Args:
        given: those of the host's memory, or of the request.
        declared: the (height, width) that the net declares.

    Raises:
        ModelError: the weights alone do not fit.
        SizeError: a pass does not, with a size that would, or not even by tiles.
    """
    description, largest, tiling = asked.description, asked.largest, asked.tiling
    left = engine.gpu_memory(asked.caffe, asked.again)
    guides = sum(memory.kept(description, largest.end, size) for size in asked.guide_sizes)
    try:
        for size in asked.guide_sizes:
            one = memory.Pass(largest.end, size, backward=False, what="guide picture")
            memory.check_there(description, one, left)
        memory.check_there(description, largest._replace(size=given or largest.size), left, guides)
    except SizeError as e:
        e.declared, e.by_tiles = declared, tiling is not None
        if tiling is None or not (tiling.always or tiling.most):
            raise
        new = tiling._replace(tile=None)
        try:
            return chosen(description, asked.layers, largest, asked.caffe, new, there=left)
        except TargetError as why:
            raise SizeError(f"{e}; {why}", size=e.size, fits=e.fits, on_gpu=True) from None
    return given
