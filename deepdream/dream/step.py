"""One step of gradient ascent on a layer's activations (notebook cell 4)."""

from typing import Any, Callable, Optional, Tuple, Union

import numpy as np

from ..errors import NotFiniteError, ZeroGradientError
from ..settings import DREAM
from .objectives import Objective, objective_L2
from .passes import backward_from, gradient
from .preprocess import input_blob, limits, scaled, unscaled
from .priors import Prior
from .smoothing import Smoothing
from .tiles import Tiled


def make_step(
    net: Any,
    step_size: float = DREAM.step_size,
    end: str = DREAM.end,
    jitter: int = DREAM.jitter,
    clip: bool = DREAM.clip,
    objective: Union[Objective, Callable[[Any], None]] = objective_L2,
    rng: Any = None,
    prior: Optional[Prior] = None,
    smoothing: Optional[Smoothing] = None,
    tiled: Optional[Tiled] = None,
) -> None:
    """Change the net's input in place, towards a larger objective.

    Departs from the notebook in one thing: what other passes left in the diffs that this one reads
    is set to zero, since it would leak into this one.

    Args:
        net: with a picture in its input, float32 (1, C, H, W), as `preprocess` makes it.
        step_size: mean change of a value, in grey levels.
        end: the layer whose activations grow.
        jitter: largest shift before the step, in pixels; it is undone after it.
        clip: keep the pixels within 0..255.
        objective: a function of dst, the blob named by `end`, which writes dst.diff; or an
            Objective, whose own layers replace `end`.
        rng: a numpy.random.RandomState for the jitter; None draws from NumPy's global generator, as
            the notebook does.
        prior: its gradient is subtracted.
        smoothing: what is done to the gradient, (C, H, W), before the step; see smoothing.py.
        tiled: the picture to change in place of the net's input, with its own objective.

    Raises:
        ZeroGradientError: the notebook would divide by zero. The picture is as it was.
        NotFiniteError: the gradient is not a number. The picture is as it was.
    """
    src = input_blob(net) if tiled is None else tiled
    ox, oy = (rng or np.random).randint(-jitter, jitter + 1, 2)
    rolled = (0, oy, ox)
    if tiled is None:
        src.data[0] = np.roll(np.roll(src.data[0], ox, -1), oy, -2)
        g = _gradient(net, end, objective, (oy, ox))
        rolled = (0, 0, 0)
    else:
        objective = tiled.objective
        g = tiled.gradient((oy, ox))[1][0]
        ox = oy = 0  # what is rolled are its tiles
    if prior is not None:
        g = _less_prior(net, g, prior, src.data, rolled)
    if smoothing is not None and np.isfinite(g).all():
        # unshifted, so that opposite borders do not blur into each other
        smooth = smoothing(np.roll(np.roll(g, -ox, -1), -oy, -2))
        g = np.roll(np.roll(smooth, ox, -1), oy, -2)
    mean = np.abs(g).mean()
    with np.errstate(all="ignore"):
        # old NumPy takes float64 where the factor is too large for float32
        change = np.asarray(scaled(net, step_size / mean) * g, np.float32)
    if not 0 < mean < np.inf or not np.isfinite(change).all():
        if tiled is None:
            src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)
        what = str(objective) if isinstance(objective, Objective) else f'"{end}"'
        if mean == 0:
            raise ZeroGradientError(
                f"{what}: the gradient is zero everywhere, so there is nothing to amplify; "
                "does the net have force_backward?"
            )
        why = "the gradient is not a number; the weights may be broken"
        if mean < np.inf:
            why = (
                f"a step of {step_size:g} grey levels is not a number, the gradient's mean {mean:g}"
            )
        raise NotFiniteError(f"{what}: {why}", step_size=step_size)
    src.data[:] += change
    del change  # which is as large as the picture

    if tiled is None:
        src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)
    if clip:
        np.clip(src.data, *limits(net), out=src.data)


def _less_prior(
    net: Any, g: np.ndarray, prior: Prior, data: np.ndarray, rolled: Tuple[int, int, int]
) -> np.ndarray:
    """The gradient less the prior's, which is that of the picture rolled so far, rolled back."""
    x = np.roll(data, rolled, (1, 2, 3)) if any(rolled) else data
    # of grey levels, per unit of the input
    slope = prior.value_and_gradient(unscaled(net, x))[1][0]
    back = [-shift for shift in rolled]
    slope = np.roll(slope, back, (0, 1, 2)) if any(rolled) else slope
    return np.asarray(g - unscaled(net, slope), np.float32)


def _gradient(net: Any, end: str, objective: Any, shift: Tuple[int, int]) -> np.ndarray:
    """The gradient (C, H, W) of what the net's input holds, live."""
    if isinstance(objective, Objective):
        _, gradients = gradient(net, objective, shift=shift, clear=False)
    else:
        net.forward(end=end)
        gradients = backward_from(net, end, objective)
    found: np.ndarray = gradients[0]
    return found
