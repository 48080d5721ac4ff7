"""inception5h, the net of TensorFlow's DeepDream and of Lucid.

As the constants of the frozen graph, and as the state dict that was made of it, which calls each
convolution by its operation in the graph. The two heads of training are left out.
"""

from .table import PYTORCH, TENSORFLOW, Input, Table

_TAKES = Input(scale=(1, 1, 1))
_GROWN = r"conv2d0"
TABLES = (
    Table(
        model="inception5h",
        source="TensorFlow (tensorflow_inception_graph.pb)",
        names=TENSORFLOW,
        renames=((r"softmax2_pre_activation", r"softmax2"),),
        takes=_TAKES,
        grown=_GROWN,
        unused=r"(head|nn|softmax)[01].*|.*(dim|shape|size|axis)[^/]*",
    ),
    Table(
        model="inception5h",
        source="PyTorch (pytorch-old-tensorflow-models)",
        names=PYTORCH,
        renames=(
            (r"softmax2_pre_activation", r"softmax2_pre_activation_matmul"),
            (r"(.+)", r"\1_pre_relu_conv"),
        ),
        takes=_TAKES,
        grown=_GROWN,
        unused=r"(head|nn|softmax)[01].*",
    ),
)
