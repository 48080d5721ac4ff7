"""Transcriptions of the imported nets in PyTorch, as those who published their weights run them.

Each takes the source's arrays by their names and a batch of what the source's net takes. They need
PyTorch, which the suite does without unless its tests are asked for (-m torch).
"""

import math
from typing import Any, Dict, List, Tuple

import numpy as np

Arrays = Dict[str, np.ndarray]


def _same(torch: Any, x: Any, kernel: int, stride: int, value: float = 0) -> Any:
    """TensorFlow's SAME padding: what is odd goes behind."""
    pads: List[int] = []
    for size in (x.shape[3], x.shape[2]):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return torch.nn.functional.pad(x, pads, value=value)


def efficientnet_lite0(torch: Any, arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """The 1000 logits of each picture: (N, 3, 224, 224), RGB, (pixel - 127) / 128."""
    return _efficientnet_lite(torch, arrays, x, 16, (1, 3, 5, 11))


def efficientnet_lite2(torch: Any, arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """The 1000 logits of each picture: (N, 3, 260, 260), RGB, (pixel - 127) / 128."""
    return _efficientnet_lite(torch, arrays, x, 21, (1, 4, 7, 15))


def _efficientnet_lite(
    torch: Any, arrays: Arrays, x: np.ndarray, blocks: int, halving: Tuple[int, ...]
) -> np.ndarray:
    """halving: the blocks of stride 2."""
    t = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    f = torch.nn.functional

    def norm(x: Any, name: str) -> Any:
        mean, variance = t[f"{name}.running_mean"], t[f"{name}.running_var"]
        return f.batch_norm(x, mean, variance, t[f"{name}.weight"], t[f"{name}.bias"], eps=1e-3)

    def conv(x: Any, name: str, stride: int = 1, groups: int = 1) -> Any:
        weight = t[f"{name}.weight"]
        return f.conv2d(_same(torch, x, weight.shape[2], stride), weight, stride=stride,
                        groups=groups)  # fmt: skip

    y = f.relu6(norm(conv(torch.from_numpy(x), "_conv_stem", 2), "_bn0"))
    for i in range(blocks):
        block, before = f"_blocks.{i}", y
        if f"{block}._expand_conv.weight" in t:
            y = f.relu6(norm(conv(y, f"{block}._expand_conv"), f"{block}._bn0"))
        y = conv(y, f"{block}._depthwise_conv", 1 + (i in halving), y.shape[1])
        y = norm(conv(f.relu6(norm(y, f"{block}._bn1")), f"{block}._project_conv"), f"{block}._bn2")
        y = y + before if y.shape == before.shape else y
    y = f.relu6(norm(conv(y, "_conv_head"), "_bn1")).mean((2, 3))
    return np.asarray(f.linear(y, t["_fc.weight"], t["_fc.bias"]))


def hed(torch: Any, arrays: Arrays, x: np.ndarray) -> Tuple[np.ndarray, List[np.ndarray]]:
    """(the edge map, the five side outputs before their sigmoids) of (N, 3, H, W), BGR - mean."""
    f = torch.nn.functional

    def conv(x: Any, name: str) -> Any:
        weight = np.ascontiguousarray(arrays[f"{name}/vars/0"].transpose(3, 2, 0, 1))
        bias = torch.from_numpy(np.array(arrays[f"{name}/vars/1"]))
        return f.conv2d(x, torch.from_numpy(weight), bias, padding=weight.shape[2] // 2)

    y, sides = torch.from_numpy(x), []
    for stage, count in enumerate((2, 2, 3, 3, 3), 1):
        y = f.max_pool2d(y, 2, 2, ceil_mode=True) if stage > 1 else y
        for i in range(count):
            y = f.relu(conv(y, f"block{stage}/layers/conv2d{f'_{i}' if i else ''}"))
        side = conv(y, f"dsn{stage}")
        sides.append(f.interpolate(side, x.shape[2:], mode="bilinear", align_corners=False))
    fused = torch.sigmoid(conv(torch.cat(sides, 1), "fuse"))
    return np.asarray(fused), [np.asarray(side) for side in sides]


def inception5h(torch: Any, arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """The 1008 logits of each picture: (N, 3, 224, 224), RGB - 117; arrays of the graph's names."""
    f = torch.nn.functional

    def conv(x: Any, name: str, stride: int = 1) -> Any:
        weight = np.ascontiguousarray(arrays[f"{name}_w"].transpose(3, 2, 0, 1))
        padded = _same(torch, x, weight.shape[2], stride)
        bias = torch.from_numpy(arrays[f"{name}_b"])
        return f.relu(f.conv2d(padded, torch.from_numpy(weight), bias, stride=stride))

    def pool(x: Any, stride: int) -> Any:
        return f.max_pool2d(_same(torch, x, 3, stride, -math.inf), 3, stride)

    def lrn(x: Any) -> Any:  # TensorFlow's: a radius of 5, alpha not divided
        return f.local_response_norm(x, 11, alpha=11 * 1e-4, beta=0.5, k=2)

    y = lrn(pool(conv(torch.from_numpy(x), "conv2d0", 2), 2))
    y = pool(lrn(conv(conv(y, "conv2d1"), "conv2d2")), 2)
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        n = f"mixed{name}"
        three = conv(conv(y, f"{n}_3x3_bottleneck"), f"{n}_3x3")
        five = conv(conv(y, f"{n}_5x5_bottleneck"), f"{n}_5x5")
        reduced = conv(pool(y, 1), f"{n}_pool_reduce")
        y = torch.cat([conv(y, f"{n}_1x1"), three, five, reduced], 1)
        y = pool(y, 2) if name in ("3b", "4e") else y
    weight, bias = (torch.from_numpy(arrays[f"softmax2_{part}"]) for part in "wb")
    return np.asarray(y.mean((2, 3)) @ weight + bias)


class _Layers:
    """torchvision's modules as functions of a state dict's arrays."""

    def __init__(self, torch: Any, arrays: Arrays, eps: float) -> None:
        self.f, self.eps = torch.nn.functional, eps
        self.t = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}

    def conv(self, x: Any, name: str, stride: int = 1, pad: int = 0) -> Any:
        return self.f.conv2d(x, self.t[f"{name}.weight"], self.t.get(f"{name}.bias"), stride, pad)

    def norm(self, x: Any, name: str) -> Any:
        mean, variance, gain, offset = (
            self.t[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return self.f.batch_norm(x, mean, variance, gain, offset, eps=self.eps)

    def linear(self, x: Any, name: str) -> Any:
        return self.f.linear(x, self.t[f"{name}.weight"], self.t[f"{name}.bias"])


def torchvision_resnet50(torch: Any, arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """The 1000 logits of each picture, (N, 3, H, W), RGB as torchvision normalises it."""
    m = _Layers(torch, arrays, 1e-5)
    f = m.f
    y = f.relu(m.norm(m.conv(torch.from_numpy(x), "conv1", 2, 3), "bn1"))
    y = f.max_pool2d(y, 3, 2, 1)
    for stage, count in enumerate((3, 4, 6, 3), 1):
        for i in range(count):
            n, stride, before = f"layer{stage}.{i}", 2 if stage > 1 and i == 0 else 1, y
            z = f.relu(m.norm(m.conv(y, f"{n}.conv1"), f"{n}.bn1"))
            z = f.relu(m.norm(m.conv(z, f"{n}.conv2", stride, 1), f"{n}.bn2"))
            z = m.norm(m.conv(z, f"{n}.conv3"), f"{n}.bn3")
            if i == 0:
                shortcut = m.conv(y, f"{n}.downsample.0", stride)
                before = m.norm(shortcut, f"{n}.downsample.1")
            y = f.relu(z + before)
    return np.asarray(m.linear(y.mean((2, 3)), "fc"))


def torchvision_googlenet(torch: Any, arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """The 1000 logits, likewise, RGB between -1 and 1."""
    m = _Layers(torch, arrays, 1e-3)
    f = m.f

    def conv(x: Any, name: str, stride: int = 1, pad: int = 0) -> Any:
        return f.relu(m.norm(m.conv(x, f"{name}.conv", stride, pad), f"{name}.bn"))

    def pool(x: Any, kernel: int, stride: int = 2, pad: int = 0) -> Any:
        return f.max_pool2d(x, kernel, stride, pad, ceil_mode=True)

    y = pool(conv(torch.from_numpy(x), "conv1", 2, 3), 3)
    y = pool(conv(conv(y, "conv2"), "conv3", 1, 1), 3)
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        n = f"inception{name}"
        three = conv(conv(y, f"{n}.branch2.0"), f"{n}.branch2.1", 1, 1)
        five = conv(conv(y, f"{n}.branch3.0"), f"{n}.branch3.1", 1, 1)
        reduced = conv(pool(y, 3, 1, 1), f"{n}.branch4.1")
        y = torch.cat([conv(y, f"{n}.branch1"), three, five, reduced], 1)
        y = pool(y, {"3b": 3, "4e": 2}[name]) if name in ("3b", "4e") else y
    return np.asarray(m.linear(y.mean((2, 3)), "fc"))


def torchvision_alexnet(torch: Any, arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """The 1000 logits, likewise, of pictures of 224x224, RGB as torchvision normalises it."""
    m = _Layers(torch, arrays, 1e-5)
    f = m.f
    y = torch.from_numpy(x)
    for place, stride, pad in ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)):
        y = f.relu(m.conv(y, f"features.{place}", stride, pad))
        y = f.max_pool2d(y, 3, 2) if place in (0, 3, 10) else y
    y = y.flatten(1)
    for place in (1, 4):
        y = f.relu(m.linear(y, f"classifier.{place}"))
    return np.asarray(m.linear(y, "classifier.6"))


def torchvision_squeezenet1_1(torch: Any, arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """The 1000 scores before the softmax, likewise."""
    m = _Layers(torch, arrays, 1e-5)
    f = m.f

    def pool(x: Any) -> Any:
        return f.max_pool2d(x, 3, 2, ceil_mode=True)

    y = pool(f.relu(m.conv(torch.from_numpy(x), "features.0", 2)))
    for place in (3, 4, 6, 7, 9, 10, 11, 12):
        n = f"features.{place}"
        s = f.relu(m.conv(y, f"{n}.squeeze"))
        sides = [m.conv(s, f"{n}.expand1x1"), m.conv(s, f"{n}.expand3x3", 1, 1)]
        y = f.relu(torch.cat(sides, 1))
        y = pool(y) if place in (4, 7) else y
    return np.asarray(f.relu(m.conv(y, "classifier.1")).mean((2, 3)))
