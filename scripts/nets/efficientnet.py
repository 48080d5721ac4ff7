"""Write the deploy prototxt of EfficientNet-Lite0.

EfficientNet (Tan and Le, arXiv 1905.11946, table 1) without squeeze and excitation and with ReLU6
in place of swish, as TensorFlow's EfficientNet-Lite has it. BatchNorm is folded.

TensorFlow's SAME padding pads a convolution of stride 2, at even sizes, by one less before than
after. Caffe pads both sides alike; so such a kernel has a row and a column of zeros more at its
beginning, and the padding that it would have at stride 1. The two are then equal at sizes that are
multiples of 32.
"""

import sys
from pathlib import Path
from typing import List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.nets.prototxt_writer import Writer, command  # noqa: E402


class Stage(NamedTuple):
    """Blocks of one width; the first of them has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STEM, HEAD, CLASSES = 32, 1280, 1000
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def _conv(
    w: Writer, name: str, bottom: str, channels: int, kernel: int, stride: int, group: int = 1
) -> str:
    """A convolution with SAME padding, and ReLU6.

    The Clip has a top of its own: in place it would read in its backward pass what it has clipped
    already, as Caffe's does, and let every gradient through.
    """
    grown = kernel + (stride == 2)
    x = w.conv(
        name, bottom, channels, grown, pad=(kernel - 1) // 2, stride=stride, group=group,
        bias_value="0",
    )  # fmt: skip
    relu6 = f"{name}/relu6"
    return w.layer(relu6, "Clip", [x], relu6, "clip_param { min: 0 max: 6 }")


def _block(w: Writer, n: int, bottom: str, inputs: int, stage: Stage, stride: int) -> str:
    """An inverted residual block: expanded, convolved channel by channel, projected, and added."""
    name, x, width = f"block{n}", bottom, inputs * stage.expansion
    if stage.expansion != 1:
        x = _conv(w, f"{name}/expand", x, width, 1, 1)
    x = _conv(w, f"{name}/depthwise", x, width, stage.kernel, stride, group=width)
    x = w.conv(f"{name}/project", x, stage.channels, 1, bias_value="0")
    if stride == 1 and inputs == stage.channels:
        x = w.layer(f"{name}/output", "Eltwise", [bottom, x], f"{name}/output")
    return x


def efficientnet_lite0() -> str:
    """The deploy prototxt, as text."""
    w = Writer("EfficientNet-Lite0")
    x, inputs, number = _conv(w, "conv_stem", w.data(1, 224), STEM, 3, 2), STEM, 0
    for stage in STAGES:
        for i in range(stage.blocks):
            x = _block(w, number, x, inputs, stage, stage.stride if i == 0 else 1)
            inputs, number = stage.channels, number + 1
    x = w.global_pool("pool", _conv(w, "conv_head", x, HEAD, 1, 1))
    w.dropout("drop", x, 0.2)
    return w.softmax(w.inner_product("fc", x, CLASSES))


NETS = {"efficientnet_lite0": efficientnet_lite0}


def main(argv: Optional[List[str]] = None) -> None:
    command(str(__doc__), NETS, argv)


if __name__ == "__main__":
    main()
