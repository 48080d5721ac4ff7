"""The dream: ascent at several sizes of the picture, from small to large (notebook cell 4)."""

from dataclasses import dataclass
from typing import Any, Tuple

import numpy as np

from ..errors import NotFiniteError
from ..nets.preflight import check_end, check_octaves
from ..settings import DREAM
from .objectives import is_objective
from .preprocess import deprocess, preprocess
from .step import make_step


@dataclass(frozen=True)
class Progress:
    """After a step: `octave` of `octaves` and `step` of `steps`, counted from 1, and the octave's (height, width)."""

    octave: int
    octaves: int
    step: int
    steps: int
    size: Tuple[int, int]


def octave_sizes(height, width, octave_n=DREAM.octaves, octave_scale=DREAM.octave_scale):
    """(height, width) of each octave, largest first, as chained calls of scipy.ndimage.zoom round them."""
    sizes = [(height, width)]
    for _ in range(octave_n - 1):
        h, w = sizes[-1]
        # the same float arithmetic as scipy's: size times 1/scale, rounded
        sizes.append((int(round(h * (1.0 / octave_scale))), int(round(w * (1.0 / octave_scale)))))
    return sizes


def _check(net, end, sizes):
    """Before the engine sees them, since a real Caffe would end the process; only load_net's nets can be asked."""
    description = getattr(net, "description", None)
    if description is not None:
        check_end(description, end)
        check_octaves(description, end, sizes)


def guide_features(net, guide, end):
    """Activations (C, h, w) of `end` for a guide picture, RGB (H, W, 3), at its own size, unjittered."""
    height, width = np.shape(guide)[:2]
    _check(net, end, [(height, width)])
    src, dst = net.blobs["data"], net.blobs[end]
    src.reshape(1, 3, height, width)
    src.data[0] = preprocess(net, guide)
    net.forward(end=end)
    return dst.data[0].copy()


def deepdream(
    net,
    base_img,
    iter_n=DREAM.iterations,
    octave_n=DREAM.octaves,
    octave_scale=DREAM.octave_scale,
    end=DREAM.end,
    clip=DREAM.clip,
    rng=None,
    report=None,
    **step_params,
):
    """Dream on `base_img`, RGB (H, W, 3), 0..255, and return the picture, float32 (H, W, 3).

    report: called with a Progress after every step. `step_params` go to make_step: step_size, jitter, objective, prior.
    The result is bit-equal to the notebook's on the same engine with the same random numbers.
    Raises NotFiniteError, with the last good picture, where values stop being numbers. On a net from load_net, raises
    TargetError or SizeError where `end` or an octave does not suit it.
    """
    from scipy import ndimage

    height, width = np.shape(base_img)[:2]
    objective: Any = step_params.get("objective")
    for layer in objective.layers if is_objective(objective) else [end]:
        _check(net, layer, octave_sizes(height, width, octave_n, octave_scale))
    octaves = [preprocess(net, base_img)]
    for _ in range(octave_n - 1):
        octaves.append(
            ndimage.zoom(octaves[-1], (1, 1.0 / octave_scale, 1.0 / octave_scale), order=1)
        )

    src = net.blobs["data"]
    detail = np.zeros_like(octaves[-1])
    for octave, base in enumerate(octaves[::-1]):
        h, w = base.shape[-2:]
        if octave > 0:
            h1, w1 = detail.shape[-2:]
            detail = ndimage.zoom(detail, (1, 1.0 * h / h1, 1.0 * w / w1), order=1)
        src.reshape(1, 3, h, w)
        src.data[0] = base + detail
        for i in range(iter_n):
            try:
                make_step(net, end=end, clip=clip, rng=rng, **step_params)
            except NotFiniteError as e:
                e.args = (f"octave {octave + 1} of {octave_n}, step {i + 1} of {iter_n}: {e}",)
                e.picture = deprocess(net, src.data[0])
                raise
            if report:
                report(Progress(octave + 1, octave_n, i + 1, iter_n, (h, w)))
        detail = src.data[0] - base
    return deprocess(net, src.data[0])
