"""Objective matching: the picture whose activations are nearest to a target's, by L-BFGS, with a natural-image prior.

    minimise  ||F(X) - T||^2 / ||T||^2  +  lambda * R(X)

F(X) is a layer's activation; T is the picture's own, enhanced, or another picture's (inversion: Mahendran and Vedaldi, arXiv 1412.0035,
equation 2). Value and gradient belong together: the gradient of the first term is 2 (F(X) - T) / ||T||^2, sent back through the net.
"""

from dataclasses import dataclass, field
from typing import Any, Callable, List, Optional

import numpy as np

from ..errors import NotFiniteError, TargetError
from ..nets.preflight import check_end, check_octaves
from .octaves import guide_features, octave_sizes
from .passes import backward, clear_diffs
from .preprocess import deprocess, preprocess
from .priors import Prior

_OUTWEIGHS = 200  # a prior that costs more than this times the data term leaves nothing of it


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of f, numbered from 1 within its octave: f = data + prior."""

    octave: int
    octaves: int
    number: int
    f: float
    data: float
    prior: float


@dataclass
class Matching:
    """The function that is minimised, over flat float64 pictures; `history` has every evaluation. Sums are made in float64."""

    net: Any
    end: str
    target: np.ndarray
    prior: Optional[Prior] = None
    weight: float = 0.0
    octave: int = 1
    octaves: int = 1
    report: Optional[Callable] = None
    history: List[Evaluation] = field(default_factory=list)
    best: Any = None

    def __post_init__(self):
        self.norm = float(np.sum(np.square(self.target, dtype=np.float64)))
        if not 0 < self.norm < np.inf:
            why = "zero everywhere" if self.norm == 0 else "not a number"
            raise TargetError(
                f'"{self.end}": the target is {why}, so there is nothing to match; choose another layer, picture or enhancement'
            )
        clear_diffs(self.net)

    def __call__(self, flat):
        """(f, its gradient) at a flat picture, float64. Raises NotFiniteError where f is no number."""
        src, dst = self.net.blobs["data"], self.net.blobs[self.end]
        x = flat.reshape(src.data.shape)
        src.data[...] = x
        self.net.forward(end=self.end)
        difference = dst.data - self.target
        data = float(np.sum(np.square(difference, dtype=np.float64))) / self.norm
        sent = backward(self.net, {self.end: difference}, self.end, clear=False)
        gradient = np.float64(sent) * (2 / self.norm)
        prior = 0.0
        if self.prior is not None and self.weight:
            value, part = self.prior.value_and_gradient(x)
            prior = self.weight * value
            gradient += self.weight * part
        f = data + prior
        if not np.isfinite(f) or not np.isfinite(gradient.sum()):
            raise NotFiniteError(
                f"octave {self.octave} of {self.octaves}, evaluation {len(self.history) + 1}: f is not a number any more"
            )
        if not self.history and prior > _OUTWEIGHS * data > 0:
            raise TargetError(
                f"the prior costs {prior:.3g} at the start, {prior / data:.0f} times the data term's {data:.3g}, so that nothing else would matter; "
                "use a smaller weight"
            )
        self.history.append(
            Evaluation(self.octave, self.octaves, len(self.history) + 1, f, data, prior)
        )
        if self.best is None or f < self.best[0]:
            self.best = f, x
        if self.report:
            self.report(self.history[-1])
        return f, gradient.ravel()


def quantile(share, factor):
    """An enhancement: the activations above this quantile (0..1) of them all, times a factor."""
    if not 0 <= share <= 1:
        raise TargetError(f"a quantile lies between 0 and 1, not at {share}")

    def enhance(x):
        return np.where(x > np.quantile(x, share), np.float32(factor) * x, x)

    return enhance


def multiply(factor):
    """An enhancement: every activation times a factor."""
    return lambda x: np.float32(factor) * x


def channels(factor, *numbers):
    """An enhancement: these channels times a factor."""

    def enhance(x):
        out = x.copy()
        for number in numbers:
            if not 0 <= number < x.shape[1]:
                raise TargetError(
                    f"the layer has {x.shape[1]} channels, from 0 to {x.shape[1] - 1}, no {number}"
                )
            out[:, number] *= np.float32(factor)
        return out

    return enhance


@dataclass(frozen=True)
class Result:
    """What match returns: the picture, RGB float32 (H, W, 3), and every evaluation of every octave."""

    picture: np.ndarray
    history: List[Evaluation]


def match(
    net,
    base_img,
    end,
    enhance=None,
    target_img=None,
    prior=None,
    weight=0.0,
    evaluations=20,
    octave_n=1,
    octave_scale=1.4,
    start=None,
    report=None,
):
    """Match a layer's activations by L-BFGS-B, from small octaves to large, as in a dream: the detail is carried on.

    base_img: RGB (H, W, 3), where it starts. enhance: a function of the picture's own activations (1, C, h, w) that gives the target; or
    target_img: another picture, RGB, whose activations are the target, at each octave's size. prior, weight: R, and what it is to cost at the picture
    where it starts: lambda = weight / R(start), so that the same weight suits any size. evaluations: of f, at most, in each octave; each costs
    one forward and one backward pass. start: RGB like base_img to start from in its place. Pixels stay
    within 0..255. report: called with every Evaluation. Raises NotFiniteError with the best picture so far, TargetError, SizeError.
    """
    from scipy import ndimage

    if (enhance is None) == (target_img is None):
        raise TargetError(
            "give an enhancement of the picture's own activations, or another picture to match; one of them"
        )
    height, width = np.shape(base_img)[:2]
    sizes = octave_sizes(height, width, octave_n, octave_scale)
    description = getattr(net, "description", None)
    if description is not None:
        check_end(description, end)
        check_octaves(description, end, sizes)
    mean = net.transformer.mean["data"]
    begun = preprocess(net, np.float32(base_img if start is None else start))
    goals = preprocess(net, np.float32(base_img if target_img is None else target_img))
    src = net.blobs["data"]
    detail, history = None, []
    for octave, size in enumerate(sizes[::-1], 1):
        base = _resized(begun, size, ndimage)
        goal = deprocess(net, _resized(goals, size, ndimage))
        target = guide_features(net, goal, end)[None]
        src.reshape(1, 3, *size)
        factor = _factor(prior, weight, base)
        f = Matching(
            net,
            end,
            target if enhance is None else enhance(target),
            prior,
            factor,
            octave,
            len(sizes),
            report,
        )
        x = base if detail is None else base + _resized(detail, size, ndimage)
        try:
            _minimise(f, x, np.float64(mean), evaluations)
        except NotFiniteError as e:
            e.picture = None if f.best is None else deprocess(net, np.float32(f.best[1][0]))
            raise
        history += f.history
        found = np.float32(f.best[1][0]) if f.best else base
        detail = found - base
    return Result(deprocess(net, found), history)


def _factor(prior, weight, base):
    """Lambda for a weight: the prior costs `weight` at `base`, or, where it costs nothing there, at noise of one grey level."""
    if prior is None or not weight:
        return 0.0
    cost = prior.value_and_gradient(base[None])[0]
    return weight / cost if cost > 0 else weight / base.size


def _minimise(f, x, mean, evaluations):
    """Run L-BFGS-B on a Matching from x, (3, h, w), within 0..255 less the mean; what it finds is f.best."""
    from scipy.optimize import minimize

    # in these units a step of length 1, the first that is tried, moves the pixels by one grey level in the root mean square
    unit = np.sqrt(x.size)
    low, high = (np.broadcast_to(limit, x.shape).ravel() / unit for limit in (-mean, 255 - mean))

    def scaled(z):
        value, gradient = f(z * unit)
        return value, gradient * unit

    # it is the budget that ends it, no tolerance: f is a share, and tiny changes of it are seen
    options = {"maxfun": evaluations, "maxiter": evaluations, "maxcor": 10, "ftol": 0, "gtol": 0}
    minimize(
        scaled,
        np.clip(np.float64(x).ravel() / unit, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=np.stack([low, high], 1),
        options=options,
    )


def _resized(picture, size, ndimage):
    """(3, H, W) at another size, linearly, as the dream's octaves."""
    if picture.shape[1:] == tuple(size):
        return picture
    return ndimage.zoom(
        picture, (1, size[0] / picture.shape[1], size[1] / picture.shape[2]), order=1
    )
