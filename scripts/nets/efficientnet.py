"""Write the deploy prototxts of the EfficientNet-Lites.

EfficientNet (Tan and Le, arXiv 1905.11946, table 1 and section 4: the widths and depths that grow
together) without squeeze and excitation and with ReLU6 in place of swish, as TensorFlow's
EfficientNet-Lite has it. BatchNorm is folded.

TensorFlow's SAME padding pads a convolution of stride 2, at even sizes, by one less before than
after. Caffe pads both sides alike; so such a kernel has a row and a column of zeros more at its
beginning, and the padding that it would have at stride 1. At odd sizes SAME pads both sides alike,
and the kernel stays as it is. The two nets are then equal at the declared size, and at all sizes
that are even and odd at the same layers: for Lite0, the multiples of 32.
"""

import math
import sys
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

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


class Variant(NamedTuple):
    """One of the Lites: how much wider and deeper than the table it is, its input and dropout.

    The stem, the head, and the depths of the first and the last stage are those of the table.
    """

    name: str
    width: float
    depth: float
    input_size: int
    dropout: float

    def stages(self) -> List[Stage]:
        """The table's stages at this net's width and depth."""
        last = len(STAGES) - 1
        return [
            stage._replace(
                blocks=stage.blocks if i in (0, last) else math.ceil(stage.blocks * self.depth),
                channels=self._channels(stage.channels),
            )
            for i, stage in enumerate(STAGES)
        ]

    def _channels(self, table_value: int) -> int:
        """The nearest multiple of 8 that is at least nine tenths of what it should be."""
        wanted = table_value * self.width
        near = max(8, int(wanted + 4) // 8 * 8)
        return near if near >= 0.9 * wanted else near + 8


LITES = {
    "efficientnet_lite0": Variant("EfficientNet-Lite0", 1.0, 1.0, 224, 0.2),
    "efficientnet_lite2": Variant("EfficientNet-Lite2", 1.1, 1.2, 260, 0.3),
}


class _Map(NamedTuple):
    """A blob, its channels and its side."""

    name: str
    channels: int
    side: int


def _conv(
    w: Writer, name: str, x: _Map, channels: int, kernel: int, stride: int, group: int = 1
) -> _Map:
    """A convolution with SAME padding, and ReLU6.

    The Clip has a top of its own: in place it would read in its backward pass what it has clipped
    already, as Caffe's does, and let every gradient through.
    """
    grown = kernel + (stride == 2 and x.side % 2 == 0)
    w.conv(
        name, x.name, channels, grown, pad=(kernel - 1) // 2, stride=stride, group=group,
        bias_value="0",
    )  # fmt: skip
    relu6 = f"{name}/relu6"
    w.layer(relu6, "Clip", [name], relu6, "clip_param { min: 0 max: 6 }")
    return _Map(relu6, channels, math.ceil(x.side / stride))


def _block(w: Writer, n: int, inputs: _Map, stage: Stage, stride: int) -> _Map:
    """An inverted residual block: expanded, convolved channel by channel, projected, and added."""
    name, x, width = f"block{n}", inputs, inputs.channels * stage.expansion
    if stage.expansion != 1:
        x = _conv(w, f"{name}/expand", x, width, 1, 1)
    x = _conv(w, f"{name}/depthwise", x, width, stage.kernel, stride, group=width)
    made = w.conv(f"{name}/project", x.name, stage.channels, 1, bias_value="0")
    if stride == 1 and inputs.channels == stage.channels:
        made = w.layer(f"{name}/output", "Eltwise", [inputs.name, made], f"{name}/output")
    return _Map(made, stage.channels, x.side)


def deploy(net: Variant) -> str:
    """The deploy prototxt of a net, as text."""
    w = Writer(net.name)
    size, number = net.input_size, 0
    x = _conv(w, "conv_stem", _Map(w.data(1, size), 3, size), STEM, 3, 2)
    for stage in net.stages():
        for i in range(stage.blocks):
            x = _block(w, number, x, stage, stage.stride if i == 0 else 1)
            number += 1
    pool = w.global_pool("pool", _conv(w, "conv_head", x, HEAD, 1, 1).name)
    w.dropout("drop", pool, net.dropout)
    return w.softmax(w.inner_product("fc", pool, CLASSES))


NETS: Dict[str, Callable[[], str]] = {name: partial(deploy, net) for name, net in LITES.items()}


def main(argv: Optional[List[str]] = None) -> None:
    command(str(__doc__), NETS, argv)


if __name__ == "__main__":
    main()
