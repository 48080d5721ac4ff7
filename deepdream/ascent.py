"""One step of gradient ascent on a layer's activations (notebook cell 4)."""

import weakref

import numpy as np

from .errors import ZeroGradientError
from .objectives import objective_L2
from .settings import DREAM

_last_target: "weakref.WeakKeyDictionary" = weakref.WeakKeyDictionary()


def make_step(net, step_size=DREAM.step_size, end=DREAM.end, jitter=DREAM.jitter, clip=DREAM.clip, objective=objective_L2, rng=None):
    """Change net.blobs["data"] in place, by `step_size` grey levels on average, towards a larger objective.

    rng: a numpy.random.RandomState for the jitter; None draws from NumPy's global generator, as the notebook does.
    Raises ZeroGradientError where the notebook would divide by zero. Departs from the notebook in one more thing: when
    `end` changes on one net, the diffs of the earlier target are set to zero, since they would leak into this one.
    """
    _forget_other_targets(net, end)
    src, dst = net.blobs["data"], net.blobs[end]
    ox, oy = (rng or np.random).randint(-jitter, jitter + 1, 2)
    src.data[0] = np.roll(np.roll(src.data[0], ox, -1), oy, -2)

    net.forward(end=end)
    objective(dst)
    net.backward(start=end)
    g = src.diff[0]
    mean = np.abs(g).mean()
    if not mean > 0:
        src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)
        why = "the gradient is not a number" if mean != mean else "the gradient is zero everywhere"
        raise ZeroGradientError(f'"{end}": {why}, so there is nothing to amplify; choose another --end, another picture, or check force_backward')
    src.data[:] += step_size / mean * g

    src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)
    if clip:
        bias = net.transformer.mean["data"]
        src.data[:] = np.clip(src.data, -bias, 255 - bias)


def _forget_other_targets(net, end):
    if _last_target.get(net, end) != end:
        for blob in net.blobs.values():
            blob.diff[...] = 0
    _last_target[net] = end
