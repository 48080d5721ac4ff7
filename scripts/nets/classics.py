"""Write the deploy prototxts of the other classic nets, each from the table of its paper.

Layers have the names of the published files, so that the published weights fit. The GoogLeNets are
in scripts/nets/googlenet.py.
"""

import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.nets.prototxt_writer import Writer, command  # noqa: E402


def _hidden(w: Writer, bottom: str) -> str:
    """Two InnerProducts of 4096 with ReLU and Dropout."""
    x = bottom
    for number in (6, 7):
        name = f"fc{number}"
        x = w.layer(f"relu{number}", "ReLU", [w.inner_product(name, x, 4096)], name)
        w.dropout(f"drop{number}", x, 0.5)
    return x


def classifier(w: Writer, bottom: str) -> str:
    """The hidden InnerProducts, one of 1000, and the softmax; the whole prototxt."""
    return w.softmax(w.inner_product("fc8", _hidden(w, bottom), 1000))


def alexnet(name: str, pool_first: bool, detects: bool = False) -> str:
    """AlexNet (Krizhevsky, Sutskever and Hinton, NIPS 2012, section 3.5), in two groups.

    CaffeNet pools before the normalisation. With `detects`, it ends in R-CNN's 200 scores (Girshick
    et al., arXiv 1311.2524).
    """
    w = Writer(name)
    x = w.data(10, 227)
    first: List[Dict[str, Any]] = [
        {"channels": 96, "kernel": 11, "stride": 4},
        {"channels": 256, "kernel": 5, "pad": 2, "group": 2},
    ]
    for i, settings in enumerate(first, 1):
        x = w.conv(f"conv{i}", x, relu=f"relu{i}", bias_value="0.1", **settings)
        if pool_first:
            x = w.lrn(f"norm{i}", w.pool(f"pool{i}", x, "MAX", 3, 2))
        else:
            x = w.pool(f"pool{i}", w.lrn(f"norm{i}", x), "MAX", 3, 2)
    for i, channels, group in ((3, 384, 1), (4, 384, 2), (5, 256, 2)):
        x = w.conv(f"conv{i}", x, channels, 3, f"relu{i}", pad=1, group=group, bias_value="0.1")
    x = w.pool("pool5", x, "MAX", 3, 2)
    if not detects:
        return classifier(w, x)
    w.inner_product("fc-rcnn", _hidden(w, x), 200)
    return w.text()


VGG_CHANNELS = (64, 128, 256, 512, 512)


def vgg(name: str, depths: Sequence[int], down: bool = False) -> str:
    """VGG (Simonyan and Zisserman, arXiv 1409.1556, table 1): `depths` convolutions per block.

    down: whether its poolings round down.
    """
    w = Writer(name)
    x = w.data(10, 224)
    for block, (count, channels) in enumerate(zip(depths, VGG_CHANNELS), 1):
        for i in range(1, count + 1):
            n = f"{block}_{i}"
            x = w.conv(f"conv{n}", x, channels, 3, f"relu{n}", pad=1, bias_value="0")
        x = w.pool(f"pool{block}", x, "MAX", 2, 2, down=down)
    return classifier(w, x)


FIRES = {  # number of the module: channels (squeezed, of each expansion)
    2: (16, 64),
    3: (16, 64),
    4: (32, 128),
    5: (32, 128),
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}


def squeezenet(name: str, first: Tuple[int, int], pools_after: Sequence[int], last_pad: int) -> str:
    """SqueezeNet (Iandola et al., arXiv 1602.07360, table 1).

    Args:
        name: The net's.
        first: (channels, kernel) of conv1.
        pools_after: The fire modules that are followed by a pooling.
        last_pad: The padding of conv10.
    """
    w = Writer(name)
    channels, kernel = first
    x = w.conv("conv1", w.data(10, 227), channels, kernel, "relu_conv1", stride=2)
    x = w.pool("pool1", x, "MAX", 3, 2)
    for i, (squeeze, expand) in FIRES.items():
        n = f"fire{i}"
        s = w.conv(f"{n}/squeeze1x1", x, squeeze, 1, f"{n}/relu_squeeze1x1")
        sides = [
            w.conv(f"{n}/expand{k}x{k}", s, expand, k, f"{n}/relu_expand{k}x{k}", pad=k // 2)
            for k in (1, 3)
        ]
        x = w.layer(f"{n}/concat", "Concat", sides, f"{n}/concat")
        if i in pools_after:
            x = w.pool(f"pool{i}", x, "MAX", 3, 2)
    w.dropout("drop9", x, 0.5)
    x = w.conv("conv10", x, 1000, 1, "relu_conv10", pad=last_pad)
    return w.softmax(w.global_pool("pool10", x))


class Block(NamedTuple):
    """A convolution of Network in network, with the 1x1 convolutions and the pooling after it."""

    conv: str
    channels: int
    kernel: int
    settings: Dict[str, int]
    relu: str
    inner: Sequence[Tuple[str, str]]  # (convolution, ReLU)
    pool: str


NIN = [
    Block("conv1", 96, 11, {"stride": 4}, "relu0",
          [("cccp1", "relu1"), ("cccp2", "relu2")], "pool0"),
    Block("conv2", 256, 5, {"pad": 2}, "relu3",
          [("cccp3", "relu5"), ("cccp4", "relu6")], "pool2"),
    Block("conv3", 384, 3, {"pad": 1}, "relu7",
          [("cccp5", "relu8"), ("cccp6", "relu9")], "pool3"),
]  # fmt: skip


def nin(name: str) -> str:
    """Network in network (Lin, Chen and Yan, arXiv 1312.4400): the authors' net for ImageNet."""
    w = Writer(name)
    x = w.data(10, 224)
    for block in NIN:
        settings: Dict[str, Any] = {"bias_value": "0", **block.settings}
        x = w.conv(block.conv, x, block.channels, block.kernel, block.relu, **settings)
        for cccp, relu in block.inner:
            x = w.conv(cccp, x, block.channels, 1, relu, bias_value="0")
        x = w.pool(block.pool, x, "MAX", 3, 2)
    w.dropout("drop", x, 0.5)
    x = w.conv("conv4-1024", x, 1024, 3, "relu10", pad=1, bias_value="0")
    x = w.conv("cccp7-1024", x, 1024, 1, "relu11", bias_value="0")
    x = w.conv("cccp8-1024", x, 1000, 1, "relu12", bias_value="0")
    return w.softmax(w.pool("pool4", x, "AVE", 6, 1))


def _normalised(
    w: Writer,
    branch: str,
    bottom: str,
    channels: int,
    kernel: int,
    relu: bool = True,
    pad: int = 0,
    stride: int = 1,
) -> str:
    """A convolution without bias, then BatchNorm, Scale and, with `relu`, a ReLU in place."""
    x = w.conv(f"res{branch}", bottom, channels, kernel, pad=pad, stride=stride, bias=False)
    w.layer(f"bn{branch}", "BatchNorm", [x], x, "batch_norm_param { use_global_stats: true }")
    w.layer(f"scale{branch}", "Scale", [x], x, "scale_param { bias_term: true }")
    return w.layer(f"res{branch}_relu", "ReLU", [x], x) if relu else x


def resnet(name: str, blocks: Sequence[int]) -> str:
    """A residual net of bottlenecks (He et al., arXiv 1512.03385, table 1): `blocks` per stage."""
    w = Writer(name)
    x = w.conv("conv1", w.data(1, 224), 64, 7, pad=3, stride=2, bias_value="0")
    w.layer("bn_conv1", "BatchNorm", [x], x, "batch_norm_param { use_global_stats: true }")
    w.layer("scale_conv1", "Scale", [x], x, "scale_param { bias_term: true }")
    w.layer("conv1_relu", "ReLU", [x], x)
    x = w.pool("pool1", x, "MAX", 3, 2)
    for stage, (count, channels) in enumerate(zip(blocks, (64, 128, 256, 512)), 2):
        for i in range(count):
            n = f"{stage}{'abcdef'[i]}"
            stride = 2 if stage > 2 and i == 0 else 1
            shortcut = x
            if i == 0:
                shortcut = _normalised(
                    w, f"{n}_branch1", x, 4 * channels, 1, relu=False, stride=stride
                )
            y = _normalised(w, f"{n}_branch2a", x, channels, 1, stride=stride)
            y = _normalised(w, f"{n}_branch2b", y, channels, 3, pad=1)
            y = _normalised(w, f"{n}_branch2c", y, 4 * channels, 1, relu=False)
            x = w.layer(f"res{n}", "Eltwise", [shortcut, y], f"res{n}")
            w.layer(f"res{n}_relu", "ReLU", [x], x)
    return w.softmax(w.inner_product("fc1000", w.pool("pool5", x, "AVE", 7, 1), 1000))


NETS = {
    "bvlc_alexnet": lambda: alexnet("AlexNet", pool_first=False),
    "bvlc_reference_caffenet": lambda: alexnet("CaffeNet", pool_first=True),
    "bvlc_reference_rcnn_ilsvrc13": lambda: alexnet("R-CNN-ilsvrc13", True, detects=True),
    "VGG_ILSVRC_16_layers": lambda: vgg("VGG_ILSVRC_16_layers", (2, 2, 3, 3, 3)),
    "VGG_ILSVRC_19_layers": lambda: vgg("VGG_ILSVRC_19_layers", (2, 2, 4, 4, 4)),
    "ResNet-50": lambda: resnet("ResNet-50", (3, 4, 6, 3)),
    "squeezenet_v1.0": lambda: squeezenet("SqueezeNet v1.0", (96, 7), (4, 8), last_pad=1),
    "squeezenet_v1.1": lambda: squeezenet("SqueezeNet v1.1", (64, 3), (3, 5), last_pad=0),
    "nin_imagenet": lambda: nin("nin_imagenet"),
}


def main(argv: Optional[List[str]] = None) -> None:
    command(str(__doc__), NETS, argv)


if __name__ == "__main__":
    main()
