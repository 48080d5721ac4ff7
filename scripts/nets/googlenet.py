"""Write the deploy prototxts of the GoogLeNets from their table, the one home of their topology.

Szegedy et al., "Going Deeper with Convolutions", arXiv 1409.4842, table 1, with layers and blobs
named as in BVLC's bvlc_googlenet.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import List, Optional, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.nets.prototxt_writer import Writer, command  # noqa: E402

STEM = {"conv1/7x7_s2": 64, "conv2/3x3_reduce": 64, "conv2/3x3": 192}
BRANCHES = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLS_AFTER = {"3b": "pool3/3x3_s2", "4e": "pool4/3x3_s2"}


@dataclass(frozen=True)
class Variant:
    """One net of this topology: its share of the table's widths, its input and its classes."""

    name: str
    width: float
    batch: int
    input_size: int
    classes: int
    lrn: bool = True
    five: int = 5  # the kernel of the branch that is called 5x5
    last_stride_2: int = 3  # the kernel of the last pooling of stride 2

    def channels(self, table_value: int) -> int:
        """The table's number of channels at this net's width; if reduced, a multiple of 8."""
        return table_value if self.width == 1 else max(8, round(table_value * self.width / 8) * 8)

    @property
    def last_pool(self) -> int:
        """The side of the last average pooling: what is left of the declared input, 7 for 224."""
        return self.input_size // 32


BVLC_GOOGLENET = Variant("bvlc_googlenet", 1, 10, 224, 1000)
MOTIF_GOOGLENET = Variant("motif_googlenet", 0.5, 1, 96, 44)
CREATURE_GOOGLENET = Variant("creature_googlenet", 0.5, 1, 128, 113, lrn=False)
PLACES205 = Variant("googlenet_places205", 1, 10, 224, 205)
PLACES365 = Variant("googlenet_places365", 1, 10, 224, 365)
# torchvision's has BatchNorm, which is folded, in place of LRN, and a kernel of 3 where it says 5
TORCHVISION = Variant("torchvision GoogLeNet", 1, 1, 224, 1000, False, five=3, last_stride_2=2)
NETS = (BVLC_GOOGLENET, MOTIF_GOOGLENET, CREATURE_GOOGLENET, PLACES205, PLACES365)


def _inception(w: Writer, name: str, bottom: str, widths: Sequence[int], kernel: int) -> str:
    """An inception module with the table's six widths, those of BRANCHES in turn.

    kernel: of the branch that is called 5x5.
    """
    one, three_reduce, three, five_reduce, five, proj = widths
    n = f"inception_{name}"

    def conv(branch: str, source: str, channels: int, kernel: int, pad: int = 0) -> str:
        return w.conv(f"{n}/{branch}", source, channels, kernel, f"{n}/relu_{branch}", pad)

    tops = [
        conv("1x1", bottom, one, 1),
        conv("3x3", conv("3x3_reduce", bottom, three_reduce, 1), three, 3, 1),
        conv("5x5", conv("5x5_reduce", bottom, five_reduce, 1), five, kernel, kernel // 2),
        conv("pool_proj", w.pool(f"{n}/pool", bottom, "MAX", 3, 1, 1), proj, 1),
    ]
    return w.layer(f"{n}/output", "Concat", tops, f"{n}/output")


def deploy(net: Variant) -> str:
    """The deploy prototxt of a net, as text."""
    w = Writer({"bvlc_googlenet": "GoogleNet"}.get(net.name, net.name))
    c = net.channels
    w.data(net.batch, net.input_size)
    x = w.conv("conv1/7x7_s2", "data", c(STEM["conv1/7x7_s2"]), 7, "conv1/relu_7x7", 3, 2)
    x = w.pool("pool1/3x3_s2", x, "MAX", 3, 2)
    x = w.lrn("pool1/norm1", x) if net.lrn else x
    x = w.conv("conv2/3x3_reduce", x, c(STEM["conv2/3x3_reduce"]), 1, "conv2/relu_3x3_reduce")
    x = w.conv("conv2/3x3", x, c(STEM["conv2/3x3"]), 3, "conv2/relu_3x3", 1)
    x = w.lrn("conv2/norm2", x) if net.lrn else x
    x = w.pool("pool2/3x3_s2", x, "MAX", 3, 2)
    for name, widths in INCEPTIONS.items():
        x = _inception(w, name, x, [c(v) for v in widths], net.five)
        if name in POOLS_AFTER:
            x = w.pool(POOLS_AFTER[name], x, "MAX", net.last_stride_2 if name == "4e" else 3, 2)
    side = net.last_pool
    x = w.pool(f"pool5/{side}x{side}_s1", x, "AVE", side, 1)
    w.dropout(f"pool5/drop_{side}x{side}_s1", x, 0.4)
    return w.softmax(w.inner_product("loss3/classifier", x, net.classes))


def main(argv: Optional[List[str]] = None) -> None:
    command(str(__doc__), {net.name: partial(deploy, net) for net in NETS}, argv)


if __name__ == "__main__":
    main()
