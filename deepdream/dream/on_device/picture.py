"""The picture in a net's input, where the net computes."""

from typing import Any, Optional, Tuple

import numpy as np

from ..picture import Picture, less_prior
from ..preprocess import unscaled
from ..priors import Prior
from ..smoothing import Smoothing
from . import priors, smoothing
from .blobs import computing, exact, is_tensor, on_gpu, read_diff


def picture(net: Any) -> Picture:
    """The picture in a net's input, on the host or on the device."""
    return PictureThere(net) if on_gpu(net) else Picture(net)


class PictureThere(Picture):
    """The picture on the device. A direction is a tensor too, or an array where what made it has no
    twin there."""

    def roll(self, down: int, right: int) -> None:
        with computing(self.net):
            data = self.blob._mutable_gpu_data
            data[0] = data[0].roll((right, down), (-1, -2))

    @property
    def data(self) -> np.ndarray:
        data: np.ndarray = self.blob._gpu_data.cpu().numpy()  # not over the last copy
        return data

    def less(self, prior: Prior) -> Any:
        with computing(self.net):
            slope = priors.gradient(prior, unscaled(self.net, exact(self.blob._gpu_data)))
            if slope is not None:
                g = self.blob._gpu_diff[0]
                return (g - unscaled(self.net, slope[0])).to(g.dtype)
        return less_prior(self.net, read_diff(self.net, self.blob)[0], prior, self.data)

    def smooth(self, g: Optional[Any], how: Smoothing, shift: Tuple[int, int]) -> Any:
        down, right = shift
        if smoothing.has_twin(how) and not isinstance(g, np.ndarray):
            with computing(self.net):
                g = self.blob._gpu_diff[0] if g is None else g
                smooth = smoothing.smoothed(how, g.roll((-right, -down), (-1, -2)))
                return smooth.roll((right, down), (-1, -2))
        given = read_diff(self.net, self.blob)[0] if g is None else g
        return super().smooth(given.cpu().numpy() if is_tensor(given) else given, how, shift)

    def mean(self, g: Optional[Any]) -> np.float32:
        if g is not None and is_tensor(g):
            with computing(self.net):
                return np.float32(float(g.abs().mean()))
        # the notebook's: NumPy's order of sums
        return super().mean(read_diff(self.net, self.blob)[0] if g is None else g)

    def add(self, factor: Any, g: Optional[Any]) -> bool:
        with computing(self.net):
            there = self.blob._gpu_diff[0]
            there = there.new_tensor(g) if isinstance(g, np.ndarray) else there if g is None else g
            change = there * float(factor)
            finite = bool(change.isfinite().all())
            if finite:
                self.blob._mutable_gpu_data[0] += change
        return finite

    def clip(self, low: np.ndarray, high: np.ndarray) -> None:
        with computing(self.net):
            data = self.blob._mutable_gpu_data
            data.clamp_(data.new_tensor(low), data.new_tensor(high))
