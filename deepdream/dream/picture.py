"""The picture in a net's input, as a step changes it; its twin on a device is in on_device/."""

from typing import Any, Optional, Tuple

import numpy as np

from .preprocess import input_blob, unscaled
from .priors import Prior
from .smoothing import Smoothing, smoothed


class Picture:
    """The picture in a net's input.

    A direction, by which it is changed, is an array (C, H, W) made of the gradient, or None for the
    gradient itself as the last backward pass has left it.
    """

    def __init__(self, net: Any) -> None:
        self.net, self.blob = net, input_blob(net)

    def roll(self, down: int, right: int) -> None:
        """Shift it, what leaves at one border coming in at the other."""
        data = self.blob.data
        data[0] = np.roll(np.roll(data[0], right, -1), down, -2)

    @property
    def data(self) -> np.ndarray:
        """Its values (1, C, H, W), to be read alone."""
        data: np.ndarray = self.blob.data
        return data

    def less(self, prior: Prior) -> Any:
        """The gradient less the prior's, as a direction."""
        return less_prior(self.net, self.blob.diff[0], prior, self.data)

    def smooth(self, g: Optional[Any], smoothing: Smoothing, shift: Tuple[int, int]) -> Any:
        """A direction made smooth; of a picture that was rolled by `shift` (down, right), unrolled,
        so that opposite borders do not blur into each other."""
        g = self.blob.diff[0] if g is None else g
        if not np.isfinite(g).all():
            return g
        down, right = shift
        smooth = smoothed(smoothing, np.roll(np.roll(g, -right, -1), -down, -2))
        return np.roll(np.roll(smooth, right, -1), down, -2)

    def mean(self, g: Optional[Any]) -> np.float32:
        """The mean size of a direction's values."""
        mean: np.float32 = np.abs(self.blob.diff[0] if g is None else g).mean()
        return mean

    def add(self, factor: Any, g: Optional[Any]) -> bool:
        """Add factor times a direction, unless that is not finite; returns whether it is."""
        with np.errstate(all="ignore"):
            change = np.asarray(factor * (self.blob.diff[0] if g is None else g), np.float32)
        finite = bool(np.isfinite(change).all())
        if finite:
            self.blob.data[:] += change
        return finite

    def clip(self, low: np.ndarray, high: np.ndarray) -> None:
        """Keep it within these, to broadcast."""
        np.clip(self.blob.data, low, high, out=self.blob.data)


def less_prior(
    net: Any, g: np.ndarray, prior: Prior, data: np.ndarray, shift: Tuple[int, int] = (0, 0)
) -> np.ndarray:
    """The gradient less the prior's, which is that of the picture rolled by `shift`, rolled
    back."""
    x = np.roll(data, shift, (2, 3)) if any(shift) else data
    # of grey levels, per unit of the input
    slope = prior.value_and_gradient(unscaled(net, x))[1][0]
    slope = np.roll(slope, (-shift[0], -shift[1]), (1, 2)) if any(shift) else slope
    return np.asarray(g - unscaled(net, slope), np.float32)
