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
    strides = {1: 2, 3: 2, 5: 2, 11: 2}
    for i in range(16):
        block, before = f"_blocks.{i}", y
        if f"{block}._expand_conv.weight" in t:
            y = f.relu6(norm(conv(y, f"{block}._expand_conv"), f"{block}._bn0"))
        y = conv(y, f"{block}._depthwise_conv", strides.get(i, 1), y.shape[1])
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
