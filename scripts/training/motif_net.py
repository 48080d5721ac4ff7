"""The default model in PyTorch, built from GoogLeNet's table; only its training needs this file.

Convolutions carry BatchNorm, which `folded` folds away. The two LRN layers are left out in
training: at BatchNorm's scale of activations they divide by 1.000-something. The reported
accuracies are those of the net with LRN.
"""

from typing import Any, Callable, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from scripts.nets.googlenet import BRANCHES, INCEPTIONS, POOLS_AFTER, STEM, Variant


class ConvBN(nn.Module):
    """A convolution without bias, BatchNorm and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out")
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Any) -> Any:
        return F.relu_(self.norm(self.conv(x)))

    def folded(self) -> Tuple[np.ndarray, np.ndarray]:
        """Weights (outputs, inputs, k, k) and biases (outputs,) of the equivalent convolution."""
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        weight = self.conv.weight * scale[:, None, None, None]
        bias = self.norm.bias - self.norm.running_mean * scale
        return weight.detach().numpy(), bias.detach().numpy()


class MotifNet(nn.Module):
    """float32 (N, 3, H, W), BGR in 0..255 less the mean, to class scores before the softmax."""

    def __init__(self, net: Variant) -> None:
        super().__init__()
        c = net.channels
        self.convs = nn.ModuleDict()

        def add(name: str, inputs: int, outputs: int, kernel: int, stride: int = 1) -> int:
            self.convs[name] = ConvBN(inputs, outputs, kernel, stride)
            return outputs

        x = add("conv1/7x7_s2", 3, c(STEM["conv1/7x7_s2"]), 7, 2)
        x = add("conv2/3x3_reduce", x, c(STEM["conv2/3x3_reduce"]), 1)
        x = add("conv2/3x3", x, c(STEM["conv2/3x3"]), 3)
        for name, widths in INCEPTIONS.items():
            w = dict(zip(BRANCHES, (c(v) for v in widths)))
            for branch in ("1x1", "3x3_reduce", "5x5_reduce", "pool_proj"):
                add(f"inception_{name}/{branch}", x, w[branch], 1)
            add(f"inception_{name}/3x3", w["3x3_reduce"], w["3x3"], 3)
            add(f"inception_{name}/5x5", w["5x5_reduce"], w["5x5"], 5)
            x = w["1x1"] + w["3x3"] + w["5x5"] + w["pool_proj"]
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(x, net.classes)

    def inception(self, name: str, x: Any) -> Any:
        conv = {branch: self.convs[f"inception_{name}/{branch}"] for branch in BRANCHES}
        pooled = F.max_pool2d(x, 3, 1, 1)
        return torch.cat(
            [
                conv["1x1"](x),
                conv["3x3"](conv["3x3_reduce"](x)),
                conv["5x5"](conv["5x5_reduce"](x)),
                conv["pool_proj"](pooled),
            ],
            1,
        )

    def forward(self, x: Any, lrn: Callable[[Any], Any] = lambda x: x) -> Any:
        return self.classifier(self.dropout(self.features(x, lrn)))

    def features(self, x: Any, lrn: Callable[[Any], Any] = lambda x: x) -> Any:
        """What the classifier reads, before its dropout: (N, maps)."""

        def halve(x: Any) -> Any:
            return F.max_pool2d(x, 3, 2, ceil_mode=True)

        x = lrn(halve(self.convs["conv1/7x7_s2"](x)))
        x = halve(lrn(self.convs["conv2/3x3"](self.convs["conv2/3x3_reduce"](x))))
        for name in INCEPTIONS:
            x = self.inception(name, x)
            if name in POOLS_AFTER:
                x = halve(x)
        return x.mean((2, 3))


def lrn(x: Any) -> Any:
    """The LRN of the deploy net."""
    return F.local_response_norm(x, 5, alpha=1e-4, beta=0.75)
