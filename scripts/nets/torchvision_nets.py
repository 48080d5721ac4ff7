"""Write the deploy prototxts of torchvision's nets, where they differ from Caffe's.

torchvision's pooling rounds down where Caffe's rounds up. Layers are named as in the Caffe nets;
BatchNorm is folded.
"""

import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.nets import classics, googlenet  # noqa: E402
from scripts.nets.prototxt_writer import Writer, command  # noqa: E402


def alexnet() -> str:
    """AlexNet in one group and without normalisation (Krizhevsky, arXiv 1404.5997)."""
    w = Writer("torchvision AlexNet")
    x = w.conv("conv1", w.data(1, 224), 64, 11, "relu1", pad=2, stride=4, bias_value="0")
    x = w.pool("pool1", x, "MAX", 3, 2, down=True)
    x = w.conv("conv2", x, 192, 5, "relu2", pad=2, bias_value="0")
    x = w.pool("pool2", x, "MAX", 3, 2, down=True)
    for i, channels in ((3, 384), (4, 256), (5, 256)):
        x = w.conv(f"conv{i}", x, channels, 3, f"relu{i}", pad=1, bias_value="0")
    return classics.classifier(w, w.pool("pool5", x, "MAX", 3, 2, down=True))


def _residual(w: Writer, n: str, bottom: str, channels: int, stride: int, is_first: bool) -> str:
    """A bottleneck whose 3x3 convolution has the stride."""
    shortcut = bottom
    if is_first:
        name = f"res{n}_branch1"
        shortcut = w.conv(name, bottom, 4 * channels, 1, stride=stride, bias_value="0")
    y = w.conv(f"res{n}_branch2a", bottom, channels, 1, f"res{n}_branch2a_relu", bias_value="0")
    y = w.conv(f"res{n}_branch2b", y, channels, 3, f"res{n}_branch2b_relu", pad=1, stride=stride,
               bias_value="0")  # fmt: skip
    y = w.conv(f"res{n}_branch2c", y, 4 * channels, 1, bias_value="0")
    x = w.layer(f"res{n}", "Eltwise", [shortcut, y], f"res{n}")
    return w.layer(f"res{n}_relu", "ReLU", [x], x)


def resnet50() -> str:
    """ResNet-50 (He et al., arXiv 1512.03385) with the stride in the 3x3 convolutions."""
    w = Writer("torchvision ResNet-50")
    x = w.conv("conv1", w.data(1, 224), 64, 7, "conv1_relu", pad=3, stride=2, bias_value="0")
    x = w.pool("pool1", x, "MAX", 3, 2, 1, down=True)
    for stage, (count, channels) in enumerate(zip((3, 4, 6, 3), (64, 128, 256, 512)), 2):
        for i in range(count):
            stride = 2 if stage > 2 and i == 0 else 1
            x = _residual(w, f"{stage}{'abcdef'[i]}", x, channels, stride, i == 0)
    return w.softmax(w.inner_product("fc1000", w.global_pool("pool5", x), 1000))


NETS = {
    "torchvision_vgg16": lambda: classics.vgg("torchvision VGG-16", (2, 2, 3, 3, 3), down=True),
    "torchvision_vgg19": lambda: classics.vgg("torchvision VGG-19", (2, 2, 4, 4, 4), down=True),
    "torchvision_alexnet": alexnet,
    "torchvision_squeezenet1_1": lambda: classics.squeezenet(
        "torchvision SqueezeNet 1.1", (64, 3), (3, 5), last_pad=0
    ),
    "torchvision_googlenet": lambda: googlenet.deploy(googlenet.TORCHVISION),
    "torchvision_resnet50": resnet50,
    "mxnet_squeezenet1.1": lambda: classics.squeezenet(
        "MXNet SqueezeNet 1.1", (64, 3), (3, 5), last_pad=0
    ),
}


def main(argv: Optional[List[str]] = None) -> None:
    command(str(__doc__), NETS, argv)


if __name__ == "__main__":
    main()
