"""torchvision's nets, and MXNet's SqueezeNet in ONNX: trained by others than Caffe's.

Their input is RGB between 0 and 1, minus (.485, .456, .406), over (.229, .224, .225), but for
GoogLeNet's, which came from TensorFlow: between -1 and 1.
"""

from typing import Tuple

from .caffe_nets import vgg_renames
from .table import MXNET, PYTORCH, Input, Renames, Table

_IMAGENET = Input(scale=(1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)))
_ONES = Input(scale=(1 / 127.5, 1 / 127.5, 1 / 127.5))
_COUNTS = r".*\.num_batches_tracked"

_ALEXNET = tuple((f"conv{i}", f"features.{n}") for i, n in enumerate((0, 3, 6, 8, 10), 1)) + tuple(
    (f"fc{i}", f"classifier.{n}") for i, n in enumerate((1, 4, 6), 6)
)
# the places of fire2 to fire9 among torchvision's layers
_SQUEEZENET = (("conv1", "features.0"), ("conv10", "classifier.1")) + tuple(
    (rf"fire{fire}/(squeeze|expand)(1x1|3x3)", rf"features.{n}.\1\2")
    for fire, n in enumerate((3, 4, 6, 7, 9, 10, 11, 12), 2)
)
_SQUEEZE = tuple(
    (rf"fire{fire}/squeeze1x1", f"features.{n}.squeeze")
    for fire, n in enumerate((3, 4, 6, 7, 9, 10, 11, 12), 2)
)
# MXNet numbers its convolutions: conv1, then three of each fire module
_MXNET = (("conv1", "squeezenet0_conv0"), ("conv10", "squeezenet0_conv25")) + tuple(
    (f"fire{fire}/{part}", f"squeezenet0_conv{3 * (fire - 2) + i}")
    for fire in range(2, 10)
    for i, part in enumerate(("squeeze1x1", "expand1x1", "expand3x3"), 1)
)


def _googlenet(part: str) -> Renames:
    """GoogLeNet's names; each convolution there is a `conv` and a `bn`."""
    return (
        (r"conv1/7x7_s2", f"conv1.{part}"),
        (r"conv2/3x3_reduce", f"conv2.{part}"),
        (r"conv2/3x3", f"conv3.{part}"),
        (r"inception_(..)/1x1", rf"inception\1.branch1.{part}"),
        (r"inception_(..)/3x3_reduce", rf"inception\1.branch2.0.{part}"),
        (r"inception_(..)/3x3", rf"inception\1.branch2.1.{part}"),
        (r"inception_(..)/5x5_reduce", rf"inception\1.branch3.0.{part}"),
        (r"inception_(..)/5x5", rf"inception\1.branch3.1.{part}"),
        (r"inception_(..)/pool_proj", rf"inception\1.branch4.1.{part}"),
    )


def _resnet(names: Tuple[str, str, str, str], blocks: Tuple[int, ...]) -> Renames:
    """A residual net's names; `names` are those of a block's shortcut and three convolutions."""
    renames = []
    for stage, count in enumerate(blocks, 1):
        for i in range(count):
            layer = f"res{stage + 1}{'abcdef'[i]}_branch"
            for branch, name in zip(("1", "2a", "2b", "2c"), names):
                renames.append((f"{layer}{branch}", f"layer{stage}.{i}.{name}"))
    return tuple(renames)


_RESNET_50 = (3, 4, 6, 3)
TABLES = (
    *(
        Table(
            model=f"torchvision_vgg{layers}",
            source="PyTorch (torchvision)",
            names=PYTORCH,
            renames=vgg_renames(layers, (0, 3, 6)),
            takes=_IMAGENET,
        )
        for layers in (16, 19)
    ),
    Table(
        model="torchvision_alexnet",
        source="PyTorch (torchvision)",
        names=PYTORCH,
        renames=_ALEXNET,
        takes=_IMAGENET,
    ),
    Table(
        model="torchvision_squeezenet1_1",
        source="PyTorch (torchvision)",
        names=PYTORCH,
        renames=_SQUEEZE + _SQUEEZENET,
        takes=_IMAGENET,
    ),
    Table(
        model="torchvision_googlenet",
        source="PyTorch (torchvision)",
        names=PYTORCH,
        renames=_googlenet("conv") + ((r"loss3/classifier", "fc"),),
        norms=_googlenet("bn"),
        eps=1e-3,
        takes=_ONES,
        unused=rf"aux[12]\..*|{_COUNTS}",
    ),
    Table(
        model="torchvision_resnet50",
        source="PyTorch (torchvision)",
        names=PYTORCH,
        renames=_resnet(("downsample.0", "conv1", "conv2", "conv3"), _RESNET_50)
        + ((r"fc1000", "fc"),),
        norms=_resnet(("downsample.1", "bn1", "bn2", "bn3"), _RESNET_50) + ((r"conv1", "bn1"),),
        takes=_IMAGENET,
        unused=_COUNTS,
    ),
    Table(
        model="mxnet_squeezenet1.1",
        source="ONNX, by way of MXNet",
        names=MXNET,
        renames=_MXNET,
        takes=_IMAGENET,
    ),
)
