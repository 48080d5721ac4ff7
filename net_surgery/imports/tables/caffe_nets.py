"""Caffe's own nets in other formats: the same numbers, so that nothing is folded or turned round.

ONNX: the files of the ONNX model zoo, which went by way of Caffe2. PyTorch: state dicts that keep
Caffe's names with _ for /, and Oxford's VGG nets in a Sequential, whose classifier counts one layer
more than torchvision's. Keras: the same VGG nets in keras.applications, saved by Keras 1 and 2.
"""

from typing import Tuple

from .table import CAFFE2, KERAS_1, KERAS_2, PYTORCH, Renames, Table

CONVOLUTIONS = {  # of VGG, with their places in a Sequential that has ReLU and pooling between them
    16: {
        "conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7, "conv3_1": 10, "conv3_2": 12,
        "conv3_3": 14, "conv4_1": 17, "conv4_2": 19, "conv4_3": 21, "conv5_1": 24, "conv5_2": 26,
        "conv5_3": 28,
    },
    19: {
        "conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7, "conv3_1": 10, "conv3_2": 12,
        "conv3_3": 14, "conv3_4": 16, "conv4_1": 19, "conv4_2": 21, "conv4_3": 23, "conv4_4": 25,
        "conv5_1": 28, "conv5_2": 30, "conv5_3": 32, "conv5_4": 34,
    },
}  # fmt: skip
_NIN = {
    "conv1": 0, "cccp1": 2, "cccp2": 4, "conv2": 7, "cccp3": 9, "cccp4": 11, "conv3": 14,
    "cccp5": 16, "cccp6": 18, "conv4-1024": 22, "cccp7-1024": 24, "cccp8-1024": 26,
}  # fmt: skip
_UNDERSCORES: Renames = ((r"([^/]+)/([^/]+)", r"\1_\2"),)


def vgg_renames(layers: int, classifier: Tuple[int, int, int]) -> Renames:
    """VGG's names where `classifier` has the places of the three InnerProducts."""
    convolutions = tuple((name, f"features.{n}") for name, n in CONVOLUTIONS[layers].items())
    return convolutions + tuple((f"fc{6 + i}", f"classifier.{n}") for i, n in enumerate(classifier))


_ONNX = tuple(
    Table(model=name, source="ONNX, by way of Caffe2", names=CAFFE2, unused=r"OC2_DUMMY_\d+")
    for name in (
        "bvlc_googlenet",
        "bvlc_alexnet",
        "bvlc_reference_caffenet",
        "bvlc_reference_rcnn_ilsvrc13",
        "squeezenet_v1.0",
        "VGG_ILSVRC_19_layers",
    )
)
_STATE_DICTS = tuple(
    Table(
        model=name,
        source="PyTorch, with Caffe's names",
        names=PYTORCH,
        renames=_UNDERSCORES,
        unused=r"loss[12]_.*",
    )
    for name in ("bvlc_googlenet", "googlenet_places205", "googlenet_places365")
)
_SEQUENTIAL = (
    *(
        Table(
            model=f"VGG_ILSVRC_{layers}_layers",
            source="PyTorch (pytorch-vgg)",
            names=PYTORCH,
            renames=vgg_renames(layers, (1, 4, 6)),
        )
        for layers in (16, 19)
    ),
    Table(
        model="nin_imagenet",
        source="PyTorch (pytorch-nin)",
        names=PYTORCH,
        renames=tuple((name, f"features.{n}") for name, n in _NIN.items()),
    ),
    Table(
        model="nin_imagenet",
        source="PyTorch, with Caffe's names",
        names=PYTORCH,
        renames=((r"(.+)-(1024)", r"\1_\2"),),
    ),
)
_KERAS = tuple(
    Table(
        model=f"VGG_ILSVRC_{layers}_layers",
        source=source,
        names=names,
        renames=(
            (r"conv(\d)_(\d)", r"block\1_conv\2"),
            (r"fc6", r"fc1"),
            (r"fc7", r"fc2"),
            (r"fc8", r"predictions"),
        ),
        flattened=(("fc6", (512, 7, 7)),),
    )
    for layers in (16, 19)
    for source, names in (("Keras 1 (applications)", KERAS_1), ("Keras 2 (applications)", KERAS_2))
)
TABLES = (*_ONNX, *_STATE_DICTS, *_SEQUENTIAL, *_KERAS)
