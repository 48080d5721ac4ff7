"""One step of gradient ascent on a layer's activations (notebook cell 4)."""

import weakref

import numpy as np

from ..errors import NotFiniteError, ZeroGradientError
from ..settings import DREAM
from .objectives import is_objective, objective_L2
from .passes import clear_diffs, gradient

_last_target: "weakref.WeakKeyDictionary" = weakref.WeakKeyDictionary()


def make_step(
    net,
    step_size=DREAM.step_size,
    end=DREAM.end,
    jitter=DREAM.jitter,
    clip=DREAM.clip,
    objective=objective_L2,
    rng=None,
    prior=None,
):
    """Change net.blobs["data"] in place, by `step_size` grey levels on average, towards a larger objective.

    objective: a function of dst, the blob named by `end`; or an Objective, whose own layers stand in place of `end`.
    rng: a numpy.random.RandomState for the jitter; None draws from NumPy's global generator, as the notebook does. prior: a Prior, whose
    gradient is subtracted. Raises ZeroGradientError where the notebook would divide by zero, NotFiniteError where the gradient is not a number,
    both with the picture as it was. Departs from the notebook in one more thing: when the target changes on one net, the diffs of the
    earlier one are set to zero, since they would leak into this one.
    """
    _forget_other_targets(net, tuple(objective.layers) if is_objective(objective) else end)
    src = net.blobs["data"]
    ox, oy = (rng or np.random).randint(-jitter, jitter + 1, 2)
    src.data[0] = np.roll(np.roll(src.data[0], ox, -1), oy, -2)

    if is_objective(objective):
        _, found = gradient(net, objective, shift=(oy, ox), clear=False)
        g = found[0]
    else:
        dst = net.blobs[end]
        net.forward(end=end)
        objective(dst)
        net.backward(start=end)
        g = src.diff[0]
    if prior is not None:
        g = np.float32(g - prior.value_and_gradient(src.data)[1][0])
    mean = np.abs(g).mean()
    if not 0 < mean < np.inf:
        src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)
        what = str(objective) if is_objective(objective) else f'"{end}"'
        if mean == 0:
            why = "the gradient is zero everywhere, so there is nothing to amplify"
            raise ZeroGradientError(
                f"{what}: {why}; choose another --end, another picture, or check force_backward"
            )
        raise NotFiniteError(
            f"{what}: the gradient is not a number; a smaller --step-size or fewer steps may help, or the weights are broken"
        )
    src.data[:] += step_size / mean * g

    src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)
    if clip:
        bias = net.transformer.mean["data"]
        src.data[:] = np.clip(src.data, -bias, 255 - bias)


def _forget_other_targets(net, target):
    if _last_target.get(net, target) != target:
        clear_diffs(net)
    _last_target[net] = target
