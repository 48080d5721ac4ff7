"""What a solver says of its work, in Caffe's words: programs parse its log."""

import time
from typing import Any, List, Optional

from .. import glog
from ..net import Net


class Report:
    """The lines of training, and the mean of the last losses that is in them."""

    def __init__(self, param: Any, net: Net) -> None:
        self._param, self._net = param, net
        self._losses: List[float] = []
        self._mean = 0.0
        self._first = self._shown = 0
        self._since: Optional[float] = None

    def begin(self, iteration: int) -> None:
        """Before some iterations: forget the losses of earlier ones."""
        self._losses, self._mean, self._first = [], 0.0, iteration
        if self._since is None:  # as in Caffe, the time of earlier steps counts
            self._since = time.perf_counter()

    def iteration(self, iteration: int, loss: float) -> None:
        """After an iteration's passes: count its loss, and say what is due."""
        self._average(iteration, loss)
        if not self._param.display or iteration % self._param.display:
            return
        seconds = time.perf_counter() - (self._since or 0)
        per_second = (iteration - self._shown) / (seconds or 1)
        glog.info(
            "solver.cpp:239",
            f"Iteration {iteration} ({per_second:g} iter/s, {seconds:g}s/{self._param.display} "
            f"iters), loss = {self._mean:g}",
        )
        self._since, self._shown = time.perf_counter(), iteration
        values = [
            (name, float(value))
            for name in self._net.outputs
            for value in self._net.blobs[name].data.flat
        ]
        say_outputs("Train", "solver.cpp:258", self._net, values)

    def last(self, iteration: int, loss: float) -> None:
        """The loss after all iterations."""
        self._average(iteration, loss)
        glog.info("solver.cpp:327", f"Iteration {iteration}, loss = {self._mean:g}")

    def _average(self, iteration: int, loss: float) -> None:
        """Take a loss into the mean of the last `average_loss` ones."""
        most = self._param.average_loss
        if len(self._losses) < most:
            self._losses.append(loss)
            count = len(self._losses)
            self._mean = (self._mean * (count - 1) + loss) / count
        else:
            place = (iteration - self._first) % most
            self._mean += (loss - self._losses[place]) / most
            self._losses[place] = loss


def say_outputs(which: str, place: str, net: Net, values: Any) -> None:
    """One line for each value (blob's name, value) of a net's outputs.

    which: "Train" or "Test".
    """
    for number, (name, value) in enumerate(values):
        weight = net.blob_loss_weights[name]
        share = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
        glog.info(place, f"    {which} net output #{number}: {name} = {value:g}{share}")
