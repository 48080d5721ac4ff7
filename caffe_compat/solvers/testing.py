"""The tests in the course of a training: means of nets' outputs over some batches."""

from typing import Any, List

import numpy as np

from .. import glog
from ..net import Net
from .parameters import Described
from .reports import say_outputs


class Tests:
    """The nets that a solver tests, and how."""

    def __init__(self, param: Any, described: List[Described]) -> None:
        self._param = param
        self.nets = [Net._described(*net) for net in described]

    def run(self, iteration: int, trained: Net) -> None:
        """Test every net with the trained net's weights, and say the means of its outputs."""
        for number, net in enumerate(self.nets):
            glog.info("solver.cpp:347", f"Iteration {iteration}, Testing net (#{number})")
            net.share_with(trained)
            self._run(net, self._param.test_iter[number])

    def _run(self, net: Net, batches: int) -> None:
        loss = 0.0
        names = net.outputs
        sums = [np.zeros(0, np.float32)] * len(names)
        for batch in range(batches):
            with np.errstate(all="ignore"):
                loss += net._forward(0, len(net._parts.layers) - 1)
            values = [net.blobs[name].data.ravel() for name in names]
            sums = [v.copy() if not batch else s + v for s, v in zip(sums, values)]
        if self._param.test_compute_loss:
            glog.info("solver.cpp:399", f"Test loss: {loss / batches:g}")
        means = [(name, float(s) / batches) for name, total in zip(names, sums) for s in total]
        say_outputs("Test", "solver.cpp:414", net, means)
