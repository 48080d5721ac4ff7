"""Objective matching: the picture whose activations are nearest to a target, by L-BFGS.

    minimise  ||F(X) - T||^2 / ||T||^2  +  lambda * R(X)

F(X) is a layer's activation, R a natural-image prior; T is the picture's own, enhanced, or another
picture's (inversion:
Mahendran and Vedaldi, arXiv 1412.0035, equation 2). The gradient of the first term is 2 (F(X) - T)
/ ||T||^2, sent back through the net.
"""

from dataclasses import dataclass, field
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import numpy as np

from ..errors import DeviceFailedError, NotFiniteError, TargetError
from ..pictures.resize import zoomed
from ..settings import MATCH
from .blas import on_one_thread
from .lean import lean
from .octaves import check, guide_features, octave_sizes
from .on_device.blobs import difference_there, failures, on_gpu
from .on_device.brought import OnDevice
from .passes import backward
from .preprocess import (
    deprocess,
    input_blob,
    mean_of,
    preprocess,
    reshape_input,
    scaled,
    unscaled,
)
from .priors import Prior

Enhancement = Callable[[np.ndarray], np.ndarray]
# of memory beside the net, measured: ten pairs of L-BFGS and its work space, in float64
BYTES_PER_PIXEL = 1800
_FIRST_STEP = 8  # grey levels: of 1, the first evaluations would gain next to nothing
_OUTWEIGHS = 200  # a prior that costs more than this times the data term leaves nothing of it


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of f = data + prior, numbered from 1 within its octave."""

    octave: int
    octaves: int
    number: int
    f: float
    data: float
    prior: float


Report = Callable[[Evaluation], None]


@dataclass
class Matching:
    """The function that is minimised, of flat float64 pictures, in grey levels minus the mean.

    Sums are made in float64. history: every evaluation. best: (f, the picture, (1, C, h, w)) of the
    lowest f so far.
    """

    net: Any
    end: str
    target: np.ndarray
    prior: Optional[Prior] = None
    weight: float = 0.0
    octave: int = 1
    octaves: int = 1
    report: Optional[Report] = None
    history: List[Evaluation] = field(default_factory=list)
    best: Optional[Tuple[float, np.ndarray]] = None
    _target_there: OnDevice = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._target_there = OnDevice(self.target)
        self.norm = float(np.sum(np.square(self.target, dtype=np.float64)))
        if not 0 < self.norm < np.inf:
            why = "zero everywhere" if self.norm == 0 else "not a number"
            raise TargetError(
                f'"{self.end}": the target is {why}, so there is nothing to match; '
                "choose another layer, picture or enhancement",
                layer=self.end,
            )

    def __call__(self, flat: np.ndarray) -> Tuple[float, np.ndarray]:
        """(f, its gradient) at a flat float64 picture; NotFiniteError where f is not a number."""
        src, dst = input_blob(self.net), self.net.blobs[self.end]
        x = flat.reshape(src.data.shape)
        src.data[...] = scaled(self.net, x)
        self.net.forward(end=self.end)
        if on_gpu(self.net):
            difference, squares = difference_there(self.net, dst, self._target_there)
        else:
            difference = dst.data - self.target
            squares = float(np.sum(np.square(difference, dtype=np.float64)))
        data = squares / self.norm
        first = not self.history
        sent = backward(self.net, {self.end: difference}, self.end, clear=first)
        gradient = scaled(self.net, sent.astype(np.float64)) * (2 / self.norm)
        prior = 0.0
        if self.prior is not None and self.weight:
            value, part = self.prior.value_and_gradient(x)
            prior = self.weight * value
            part *= self.weight
            gradient += part
        f = data + prior
        if not np.isfinite(f) or not np.isfinite(gradient.sum()):
            raise NotFiniteError(
                f"octave {self.octave} of {self.octaves}, evaluation {len(self.history) + 1}: "
                "f is not a number any more"
            )
        if first and prior > _OUTWEIGHS * data > 0:
            raise TargetError(
                f"the prior costs {prior:.3g} at the start, {prior / data:.3g} times the data "
                f"term's {data:.3g}, so that nothing else would matter; use a smaller weight"
            )
        self._keep(Evaluation(self.octave, self.octaves, len(self.history) + 1, f, data, prior), x)
        return f, gradient.ravel()

    def _keep(self, evaluation: Evaluation, x: np.ndarray) -> None:
        self.history.append(evaluation)
        if self.best is None or evaluation.f < self.best[0]:
            self.best = evaluation.f, x
        if self.report:
            self.report(evaluation)

    def best_picture(self) -> Optional[np.ndarray]:
        """The best so far, float32 (C, h, w), in grey levels minus the mean; None before any
        evaluation."""
        return None if self.best is None else self.best[1][0].astype(np.float32)


def quantile(share: float, factor: float) -> Enhancement:
    """An enhancement: all activations above this quantile (0..1) of them, times a factor."""
    if not 0 <= share <= 1:
        raise TargetError(f"a quantile lies between 0 and 1, not at {share}")

    def enhance(x: np.ndarray) -> np.ndarray:
        return np.where(x > np.quantile(x, share), np.float32(factor) * x, x)

    return enhance


def multiply(factor: float) -> Enhancement:
    """An enhancement: every activation times a factor."""
    return lambda x: np.float32(factor) * x


def channels(factor: float, *numbers: int) -> Enhancement:
    """An enhancement: these channels times a factor."""

    def enhance(x: np.ndarray) -> np.ndarray:
        enhanced = x.copy()
        for number in numbers:
            if not 0 <= number < x.shape[1]:
                raise TargetError(
                    f"the layer has {x.shape[1]} channels, from 0 to {x.shape[1] - 1}, no {number}"
                )
            enhanced[:, number] *= np.float32(factor)
        return enhanced

    return enhance


class Reached(NamedTuple):
    """How far a match is: all that the octaves to come depend on.

    octave: the last one that is done, from 1. detail: float (C, h, w), what it has added to the
    picture at its size. history: every evaluation so far.
    """

    octave: int
    detail: np.ndarray
    history: List[Evaluation]


@dataclass(frozen=True)
class Result:
    """What match returns: the picture, RGB float32 (H, W, 3), and all evaluations."""

    picture: np.ndarray
    history: List[Evaluation]


@lean
def match(
    net: Any,
    base_img: np.ndarray,
    end: str,
    enhance: Optional[Enhancement] = None,
    target_img: Optional[np.ndarray] = None,
    prior: Optional[Prior] = None,
    weight: float = MATCH.weight,
    evaluations: int = MATCH.evaluations,
    octave_n: int = MATCH.octaves,
    octave_scale: float = MATCH.octave_scale,
    start: Optional[np.ndarray] = None,
    report: Optional[Report] = None,
    since: Optional[Reached] = None,
    reached: Callable[[Reached], None] = lambda reached: None,
) -> Result:
    """Match a layer's activations by L-BFGS-B, from small octaves to large.

    As in a dream, the detail of one octave is carried on to the next.

    Args:
        base_img: RGB (H, W, 3), 0..255, where it starts. Pixels stay within 0..255.
        end: the layer.
        enhance: a function of the picture's own activations, (1, C, h, w), that gives the target.
        target_img: another picture, RGB, whose activations at each octave's size are the target.
            Give this or `enhance`.
        prior: R.
        weight: what the prior is to cost at the picture where it starts: lambda = weight /
            R(start), so that the same weight suits any size.
        evaluations: of f, at most, in each octave; each costs one forward and one backward pass.
        octave_n: number of sizes.
        octave_scale: ratio of one size to the next smaller.
        start: RGB like base_img, to start from instead.
        report: called after every evaluation.
        since: where to go on; the octaves before are not done again.
        reached: called after every octave but the last.

    Raises:
        NotFiniteError: f is not a number; with the best picture so far.
        DeviceFailedError: the GPU fails, or has too little memory; likewise.
        TargetError: `end`, the target, an enhancement or the weight makes no sense here.
        SizeError: an octave does not suit the net.
    """
    if (enhance is None) == (target_img is None):
        raise TargetError(
            "give an enhancement of the picture's own activations, or another picture to match; "
            "one of them"
        )
    height, width = np.shape(base_img)[:2]
    sizes = octave_sizes(height, width, octave_n, octave_scale)
    check(net, end, sizes)
    mean = np.asarray(mean_of(net), np.float64)
    begun = unscaled(net, preprocess(net, base_img if start is None else start))
    goals = preprocess(net, base_img if target_img is None else target_img)
    detail = None if since is None else since.detail
    history = [] if since is None else list(since.history)
    done = 0 if since is None else since.octave
    for octave, size in list(enumerate(sizes[::-1], 1))[done:]:
        base = zoomed(begun, size)
        target = guide_features(net, deprocess(net, zoomed(goals, size)), end)[None]
        if enhance is not None:
            target = enhance(target)
        reshape_input(net, size)
        factor = _factor(prior, weight, base)
        f = Matching(net, end, target, prior, factor, octave, len(sizes), report)
        try:
            _minimise(f, base if detail is None else base + zoomed(detail, size), mean, evaluations)
        except NotFiniteError as e:
            e.picture = _best_of(f)
            raise
        except failures(net) as e:
            at = f"octave {octave} of {len(sizes)}, evaluation {len(f.history) + 1}"
            raise DeviceFailedError(f"{at}: {e}", picture=_best_of(f)) from None
        history += f.history
        best = f.best_picture()
        picture = base if best is None else best
        detail = picture - base
        if octave < len(sizes):
            reached(Reached(octave, detail, list(history)))
    return Result(deprocess(net, scaled(net, picture)), history)


def _best_of(f: Matching) -> Optional[np.ndarray]:
    """The best picture so far, RGB (h, w, 3); None before any evaluation."""
    best = f.best_picture()
    return None if best is None else deprocess(f.net, scaled(f.net, best))


def _factor(prior: Optional[Prior], weight: float, base: np.ndarray) -> float:
    """Lambda for a weight: the prior costs `weight` at `base`.

    Where it costs nothing there, it costs `weight` at noise of one grey level.
    """
    if prior is None or not weight:
        return 0.0
    cost = prior.value_and_gradient(base[None])[0]
    return weight / cost if cost > 0 else weight / base.size


def _minimise(f: Matching, x: np.ndarray, mean: np.ndarray, evaluations: int) -> None:
    """Run L-BFGS-B from x, (C, h, w), within 0..255 minus the mean; the result is f.best."""
    from scipy.optimize import Bounds, minimize

    # in these units a step of length 1, the first to be tried, moves the pixels by some grey levels
    # (root mean square)
    unit = _FIRST_STEP * np.sqrt(x.size)
    low, high = (np.broadcast_to(limit, x.shape).ravel() / unit for limit in (-mean, 255 - mean))

    def scaled(z: np.ndarray) -> Tuple[float, np.ndarray]:
        value, gradient = f(z * unit)
        return value, gradient * unit

    # the budget ends it, not a tolerance: f is a share, and tiny changes of it are visible
    options = {"maxfun": evaluations, "maxiter": evaluations, "maxcor": 10, "ftol": 0, "gtol": 0}
    with on_one_thread():
        minimize(
            scaled,
            np.clip(np.float64(x).ravel() / unit, low, high),
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(low, high),
            options=options,
        )
