"""One step of gradient ascent on a layer's activations (notebook cell 4)."""

from typing import Any, Callable, Optional, Tuple, Union

import numpy as np

from ..errors import DreamError, NotFiniteError, TargetError, ZeroGradientError
from ..pictures import arrays
from ..pictures.arrays import fill, is_whole, rows_of
from ..settings import DREAM
from .objectives import Objective, objective_L2
from .on_device.picture import picture
from .passes import climb, leave_gradient_from
from .picture import less_prior
from .preprocess import limits, scaled
from .priors import Prior
from .smoothing import Smoothing, smoothed
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
    ox, oy = (rng or np.random).randint(-jitter, jitter + 1, 2)
    if tiled is not None:
        _step_by_tiles(net, tiled, (oy, ox), step_size, clip, prior, smoothing)
        return
    src = picture(net)
    src.roll(oy, ox)
    _leave_gradient(net, end, objective, (oy, ox))
    g = None if prior is None else src.less(prior)
    g = g if smoothing is None else src.smooth(g, smoothing, (oy, ox))
    mean = src.mean(g)
    is_good = _can_step(mean) and src.add(_factor(net, step_size, mean), g)
    src.roll(-oy, -ox)
    if not is_good:
        raise _no_step(objective if isinstance(objective, Objective) else end, mean, step_size)
    if clip:
        src.clip(*limits(net))


def _step_by_tiles(
    net: Any,
    tiled: Tiled,
    shift: Tuple[int, int],
    step_size: float,
    clip: bool,
    prior: Optional[Prior],
    smoothing: Optional[Smoothing],
) -> None:
    """make_step, of a picture whose tiles are rolled by `shift` (down, right), and not the picture
    itself; strip by strip, since it may be in a file."""
    g = tiled.gradient(shift)[1]
    if prior is not None:
        if not is_whole(tiled.data):
            raise TargetError("a prior looks at the whole picture, which is not in the memory")
        g = less_prior(net, g[0], prior, tiled.data, shift)[None]
    if smoothing is not None and all(
        np.isfinite(g[..., rows, :]).all() for rows in rows_of(g.shape)
    ):
        g = smoothed(smoothing, g[0])[None] if is_whole(g) else smoothed(smoothing, g, tiled.new)
    every = [(..., rows, slice(None)) for rows in rows_of(g.shape)]
    mean = np.float32(arrays.mean(g, lambda values: np.abs(values, dtype=np.float64)))
    is_good = _can_step(mean)
    if not (
        is_good and all(np.isfinite(_change(net, step_size, mean, g[at])).all() for at in every)
    ):
        raise _no_step(tiled.objective, mean, step_size)

    def stepped(data: np.ndarray, slope: np.ndarray) -> np.ndarray:
        data = data + _change(net, step_size, mean, slope)
        return np.clip(data, *limits(net)) if clip else data

    fill(tiled.data, stepped, tiled.data, g)


def _factor(net: Any, step_size: float, mean: np.float32) -> Any:
    """What the gradient is multiplied by, in the net's own units."""
    with np.errstate(all="ignore"):
        factor: Any = step_size / mean
        return scaled(net, factor)


def _change(net: Any, step_size: float, mean: np.float32, g: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        # old NumPy takes float64 where the factor is too large for float32
        return np.asarray(_factor(net, step_size, mean) * g, np.float32)


def _can_step(mean: np.float32) -> bool:
    return bool(0 < mean < np.inf)


def _no_step(goal: Union[Objective, str], mean: np.float32, step_size: float) -> DreamError:
    """The error for a step that cannot be taken. goal: the objective, or the layer."""
    what = str(goal) if isinstance(goal, Objective) else f'"{goal}"'
    if mean == 0:
        return ZeroGradientError(
            f"{what}: the gradient is zero everywhere, so there is nothing to amplify; does the "
            "net have force_backward?"
        )
    why = "the gradient is not a number; the weights may be broken"
    if mean < np.inf:
        why = f"a step of {step_size:g} grey levels is not a number, the gradient's mean {mean:g}"
    return NotFiniteError(f"{what}: {why}", step_size=step_size)


def _leave_gradient(net: Any, end: str, objective: Any, shift: Tuple[int, int]) -> None:
    """Leave the gradient of what the net's input holds in its diff."""
    if isinstance(objective, Objective):
        climb(net, objective, shift)
    else:
        net.forward(end=end)
        leave_gradient_from(net, end, objective)
