"""Write the deploy prototxt of inception5h, the net of TensorFlow's DeepDream and of Lucid.

GoogLeNet (Szegedy et al., arXiv 1409.4842) as Google itself trained it: widths, names and
normalisation are those of tensorflow_inception_graph.pb; the two heads of training are left out.

TensorFlow's SAME padding pads the first convolution by 2 before and 3 after, here a kernel with a
row and a column of zeros more and a padding of 3; its poolings of stride 2 are padded after only,
as Caffe's rounding up does. They are equal at sizes that are multiples of 32. TensorFlow's
normalisation sums over a radius of 5 and does not divide by the number of channels, as Caffe does.
"""

import sys
from pathlib import Path
from typing import List, Optional, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.nets.prototxt_writer import Writer, command  # noqa: E402

RADIUS, ALPHA, BETA, BIAS = 5, 1e-4, 0.5, 2
CLASSES = 1008
# 1x1, 3x3 bottleneck, 3x3, 5x5 bottleneck, 5x5, pool reduce
MIXED = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 204, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 48, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLS_AFTER = {"3b": "maxpool4", "4e": "maxpool10"}


def _normalised(w: Writer, name: str, bottom: str) -> str:
    channels = 2 * RADIUS + 1
    settings = f"local_size: {channels} alpha: {ALPHA * channels:g} beta: {BETA} k: {BIAS}"
    return w.layer(name, "LRN", [bottom], name, f"lrn_param {{ {settings} }}")


def _mixed(w: Writer, name: str, bottom: str, widths: Sequence[int]) -> str:
    one, three_bottleneck, three, five_bottleneck, five, reduce = widths
    n = f"mixed{name}"

    def conv(branch: str, source: str, channels: int, kernel: int) -> str:
        return w.conv(f"{n}_{branch}", source, channels, kernel, f"{n}_{branch}_relu",
                      pad=kernel // 2, bias_value="0")  # fmt: skip

    tops = [
        conv("1x1", bottom, one, 1),
        conv("3x3", conv("3x3_bottleneck", bottom, three_bottleneck, 1), three, 3),
        conv("5x5", conv("5x5_bottleneck", bottom, five_bottleneck, 1), five, 5),
        conv("pool_reduce", w.pool(f"{n}_pool", bottom, "MAX", 3, 1, 1), reduce, 1),
    ]
    return w.layer(n, "Concat", tops, n)


def inception5h() -> str:
    """The deploy prototxt, as text."""
    w = Writer("inception5h")
    x = w.conv("conv2d0", w.data(1, 224), 64, 8, "conv2d0_relu", pad=3, stride=2, bias_value="0")
    x = _normalised(w, "localresponsenorm0", w.pool("maxpool0", x, "MAX", 3, 2))
    x = w.conv("conv2d1", x, 64, 1, "conv2d1_relu", bias_value="0")
    x = w.conv("conv2d2", x, 192, 3, "conv2d2_relu", pad=1, bias_value="0")
    x = w.pool("maxpool1", _normalised(w, "localresponsenorm1", x), "MAX", 3, 2)
    for name, widths in MIXED.items():
        x = _mixed(w, name, x, widths)
        if name in POOLS_AFTER:
            x = w.pool(POOLS_AFTER[name], x, "MAX", 3, 2)
    x = w.inner_product("softmax2_pre_activation", w.pool("avgpool0", x, "AVE", 7, 1), CLASSES)
    w.layer("softmax2", "Softmax", [x], "softmax2")
    return w.text()


NETS = {"inception5h": inception5h}


def main(argv: Optional[List[str]] = None) -> None:
    command(str(__doc__), NETS, argv)


if __name__ == "__main__":
    main()
