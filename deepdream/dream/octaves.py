"""The dream: ascent at several sizes of the picture, from small to large (notebook cell 4)."""

import time
from dataclasses import dataclass, field
from typing import Any, Callable, List, Optional, Sequence

import numpy as np

from ..errors import DeviceFailedError, NotFiniteError, ShortOfMemoryError, Size
from ..pictures.arrays import Computed, New, fill, is_whole
from ..pictures.resize import zoomed, zoomed_by, zoomed_into
from ..settings import DREAM
from .lean import lean
from .objectives import Objective, objective_L2
from .on_device import blobs
from .passes import new_request
from .preprocess import deprocess, preprocess, preprocess_into, reshape_input
from .step import make_step
from .tiles import Passes, Tiled, picture_of

# of memory beside the net, measured: the octaves, the detail, the frame before
BYTES_PER_PIXEL = 70
# the same with all of these in files: of the picture as 8 bits, while it is read or written
BYTES_IN_FILES = 8


def _no_dream() -> np.ndarray:
    raise AttributeError("this Progress is not of a running dream, so it has no picture")


@dataclass(frozen=True)
class Progress:
    """What is reported after a step.

    `octave` of `octaves` and `step` of `steps` are counted from 1; `size` is the octave's (height,
    width). The two pictures are made when they are asked for: ask while the step is being reported,
    since the net goes on to other steps afterwards.
    """

    octave: int
    octaves: int
    step: int
    steps: int
    size: Size
    _octave_picture: Callable[[], np.ndarray] = field(default=_no_dream, repr=False, compare=False)
    _whole_picture: Callable[[], np.ndarray] = field(default=_no_dream, repr=False, compare=False)

    @property
    def picture(self) -> np.ndarray:
        """The picture after this step, as a new RGB float32 (H, W, 3) of the octave's `size`.

        Of a picture in files (`new` of deepdream) it is a Computed, which changes with the dream.
        It is smaller than the dream's result until the last octave. Values lie within 0..255 unless
        the dream does not clip.
        """
        return self._octave_picture()

    @property
    def full_picture(self) -> np.ndarray:
        """The picture after this step at the full size, as a new RGB float32 (H, W, 3).

        It is what the dream would return if no further step changed anything: the picture that was
        dreamt on, with the detail so far, enlarged. In the last octave it is `picture`; before, its
        values may lie a little outside 0..255.
        """
        return self._whole_picture()


class StopDream(Exception):
    """What a report raises to end a dream, as an iterator raises StopIteration: no more steps are
    taken, and the picture so far is brought to its full size."""


def octave_sizes(
    height: int,
    width: int,
    octave_n: int = DREAM.octaves,
    octave_scale: float = DREAM.octave_scale,
) -> List[Size]:
    """(height, width) of each octave, largest first, rounded as by chained ndimage.zoom."""
    sizes = [(height, width)]
    for _ in range(octave_n - 1):
        h, w = sizes[-1]
        # the same float arithmetic as SciPy's: size times 1/scale, rounded
        sizes.append((int(round(h * (1.0 / octave_scale))), int(round(w * (1.0 / octave_scale)))))
    return sizes


def bytes_of_files(sizes: Sequence[Size]) -> int:
    """What a dream keeps on the disk at most where its arrays are in files.

    sizes: (height, width) of each octave, largest first.
    """
    (height, width), channels, value = sizes[0], 3, 4
    values = sum(h * w for h, w in sizes)
    # beside the octaves: the photograph, the picture, the one of the octave before, the gradient,
    # the one that is smoothed, and what a replay compares with
    return channels * value * (values + 6 * height * width)


def check(net: Any, end: str, sizes: Sequence[Size], is_blob: bool = False) -> None:
    """Ask the net whether it can dream of the layer `end` at these (height, width).

    A real Caffe ends the process where a size does not suit, so the question comes first. A net
    from load_net answers, through its attribute `preflight`; other nets are not asked. is_blob:
    whether `end` may be a blob with a name of its own, as in an Objective.

    Raises:
        TargetError: `end` cannot be dreamt of.
        SizeError: a size does not suit the net.
    """
    preflight = getattr(net, "preflight", None)
    if preflight is None:
        return
    if is_blob and end not in net.top_names.get(end, ()):
        preflight(end, sizes, is_blob=True)
    else:
        preflight(end, sizes)


@lean
def guide_features(net: Any, guide: np.ndarray, end: str) -> np.ndarray:
    """Activations (C, h, w) of `end` for a guide, RGB (H, W, 3), at its own size, unjittered."""
    height, width = np.shape(guide)[:2]
    check(net, end, [(height, width)])
    reshape_input(net, (height, width)).data[0] = preprocess(net, guide)
    net.forward(end=end)
    features: np.ndarray = net.blobs[end].data[0].copy()
    return features


@lean
def deepdream(
    net: Any,
    base_img: np.ndarray,
    iter_n: int = DREAM.iterations,
    octave_n: int = DREAM.octaves,
    octave_scale: float = DREAM.octave_scale,
    end: str = DREAM.end,
    clip: bool = DREAM.clip,
    rng: Any = None,
    report: Optional[Callable[[Progress], None]] = None,
    tile: Optional[Size] = None,
    passes: Optional[Passes] = None,
    new: Optional[New] = None,
    watch: Callable[[], None] = lambda: None,
    **step_params: Any,
) -> Any:
    """Dream on a picture.

    Bit-equal to the notebook on the same engine with the same random numbers.

    Args:
        base_img: RGB (H, W, 3), 0..255.
        iter_n: steps per octave.
        octave_n: number of sizes.
        octave_scale: ratio of one size to the next smaller.
        end: the layer whose activations grow.
        clip: keep the pixels within 0..255.
        rng: of the jitter; as in make_step.
        report: called after every step. It may raise StopDream.
        tile: (height, width) of the tiles by which the steps of a larger octave are made; see
            tiles.py.
        passes: what makes the gradients of tiles, if not this net.
        new: makes the arrays that are as large as the picture, such as a Scratch, which keeps them
            in files; then base_img may be in a file too. Without it they are in memory.
        watch: called before each tile. It may raise ShortOfMemoryError.
        step_params: step_size, jitter, objective, prior and smoothing of make_step.

    Returns:
        The picture, RGB float32 (H, W, 3); with `new`, perhaps a Computed of this shape, whose rows
        are worked out where they are asked for.

    Raises:
        NotFiniteError: a gradient is not a number; with the last good picture.
        ZeroGradientError: the objective has no gradient at the picture.
        ShortOfMemoryError: there is no memory for a tile; with the last good picture.
        DeviceFailedError: the GPU fails, or has too little memory; with a picture that is at most
            some seconds old.
        TargetError: `end` does not suit a net from load_net, or the objective does not suit tiles.
        SizeError: an octave does not suit the net, or the tiles are too small.
    """
    height, width = np.shape(base_img)[:2]
    objective, make = step_params.get("objective"), new or np.empty
    sizes = octave_sizes(height, width, octave_n, octave_scale)
    if isinstance(objective, Objective):
        for layer in objective.layers:
            check(net, layer, sizes, is_blob=True)
    else:
        check(net, end, sizes)
    octaves = [preprocess(net, base_img) if new is None else preprocess_into(net, base_img, new)]
    for size in sizes[1:]:
        last = octaves[-1]
        octaves.append(
            zoomed_by(last, 1.0 / octave_scale) if new is None else _zoomed(last, size, new)
        )

    new_request(net)
    detail: Any = np.broadcast_to(np.float32(0), octaves[-1].shape)
    whole = octaves[0]
    for octave in range(octave_n):
        base = octaves.pop()
        h, w = base.shape[-2:]
        if octave > 0:
            detail = _zoomed(detail, (h, w), new)
        src = picture_of(net, (h, w), tile, objective or objective_L2, end, passes, make, watch)
        tiled = src if isinstance(src, Tiled) else None
        fill(src.data, np.add, base, detail)
        detail = None  # what it holds is as large as the picture
        copied = time.monotonic()
        for i in range(iter_n):
            try:
                make_step(net, end=end, clip=clip, rng=rng, tiled=tiled, **step_params)
            except NotFiniteError as e:
                e.args = (f"octave {octave + 1} of {octave_n}, step {i + 1} of {iter_n}: {e}",)
                e.picture = _picture(net, src.data)
                raise
            except blobs.failures(net) as e:
                at_step = f"octave {octave + 1} of {octave_n}, step {i + 1} of {iter_n}"
                kept = src.data if tiled else blobs.last_copy(net)
                raise DeviceFailedError(f"{at_step}: {e}", picture=_picture(net, kept)) from None
            except (MemoryError, ShortOfMemoryError) as e:
                if tiled is None or tile is None:
                    raise
                why = f"no memory is left for a tile of {tile[1]}x{tile[0]}"
                why = str(e) if isinstance(e, ShortOfMemoryError) else why
                at_step = f"octave {octave + 1} of {octave_n}, step {i + 1} of {iter_n}"
                raise ShortOfMemoryError(
                    f"{at_step}: {why}",
                    picture=_picture(net, src.data),
                ) from None
            copied = blobs.copy_now_and_then(net, copied)
            if report:

                def picture(src: Any = src) -> Any:
                    return _picture(net, src.data)

                def full_picture(base: Any = base, src: Any = src) -> Any:
                    if base is whole:
                        return _picture(net, src.data)
                    grown = fill(make(base.shape, np.float32), np.subtract, src.data, base)
                    grown = _zoomed(grown, (height, width), new)
                    together = make((1, *whole.shape), np.float32)
                    return _picture(net, fill(together, np.add, whole, grown))

                at = (octave + 1, octave_n, i + 1, iter_n, (h, w))
                try:
                    report(Progress(*at, picture, full_picture))
                except StopDream:
                    iter_n = 0
                    break
        if octave + 1 < octave_n:
            detail = fill(make(base.shape, np.float32), np.subtract, src.data, base)
    return _picture(net, src.data)


def _zoomed(values: Any, size: Size, new: Optional[New]) -> Any:
    """(C, H, W) at another (height, width), linearly (notebook cell 4); made by `new`, if given."""
    if new is None:
        return zoomed(values, size)
    return zoomed_into(new((*values.shape[:-2], *size), np.float32), values)


def _picture(net: Any, data: Any) -> Any:
    """The RGB picture (H, W, 3) of a net's input (1, C, H, W); of one in a file, a Computed."""
    if is_whole(data):
        return deprocess(net, data[0])
    shape = (*data.shape[-2:], 3)
    return Computed(shape, lambda rows: deprocess(net, data[0, :, rows]))
