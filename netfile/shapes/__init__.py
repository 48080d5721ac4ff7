"""The shapes of a net's blobs and parameters, worked out from its description.

The description is a NetParameter in V2. Shapes are worked out here, and not asked of an engine,
since a real Caffe ends the process at a shape that does not fit. They are tuples, (N, C, H, W) for
pictures; None stands for one that cannot be worked out.
"""

import math
from itertools import repeat
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ..errors import InnerProductSizeError
from . import learned, losses, structure, windows
from .common import Known, ParameterRules, Rules, Shape, refused
from .inputs import INPUTS, check_input, input_shapes
from .structure import NEURONS
from .windows import pair, pooled_size, window

__all__ = ["INPUTS", "SAME_SHAPE", "Shape", "infer", "input_shapes", "pair", "pooled_size",
           "weight_shapes", "window"]  # fmt: skip

CURE = (
    "python -m net_surgery convolutionize DEPLOY WEIGHTS -o FOLDER makes a net that takes any size"
)
# layers whose tops have the shape of their first bottom
SAME_SHAPE = NEURONS | {
    "BatchNorm", "Bias", "Eltwise", "LRN", "MVN", "PReLU", "Scale", "Softmax", "Split",
}  # fmt: skip
TOPS: Rules = {**windows.TOPS, **learned.TOPS, **structure.TOPS, **losses.TOPS}
PARAMETERS: ParameterRules = {**windows.PARAMETERS, **learned.PARAMETERS}
# the fewest and most bottoms of layers that do not take exactly one; None: no limit
_BOTTOMS: Dict[str, Tuple[int, Optional[int]]] = {
    "Accuracy": (2, 2), "BatchReindex": (2, 2), "Bias": (1, 2), "Concat": (1, None),
    "ContrastiveLoss": (3, 3), "Convolution": (1, None), "Crop": (2, 2),
    "Deconvolution": (1, None), "Eltwise": (2, None), "EuclideanLoss": (2, 2),
    "Filter": (2, None), "HDF5Output": (2, 2), "HingeLoss": (2, 2), "Im2col": (1, None),
    "InfogainLoss": (2, 3), "LSTM": (2, 5), "LSTMUnit": (3, 3),
    "MultinomialLogisticLoss": (2, 2), "Parameter": (0, 0), "Python": (0, None), "RNN": (2, 4),
    "Scale": (1, 2), "SigmoidCrossEntropyLoss": (2, 2), "Silence": (1, None),
    "SoftmaxWithLoss": (2, 2),
}  # fmt: skip
Blobs = Dict[str, Shape]


def infer(
    net: Any, inputs: Optional[Mapping[str, Known]] = None, end: Optional[str] = None
) -> Blobs:
    """The shape of every blob.

    Args:
        net: the description.
        inputs: {blob: shape} in place of what the net declares.
        end: the last layer to look at; the whole net without one.

    Returns:
        {blob: shape}; of a blob that several layers write, the shape that the last one makes.

    Raises:
        InnerProductSizeError: an InnerProduct's weights are made for the input that the net
            declares, and `inputs` gives it another number of values.
        ShapeError: the first layer that cannot take its bottoms.
    """
    blobs: Blobs = {}
    layers = _walk(net, inputs or {}, end, blobs)
    # the parameters are made for the declared input
    declared: Iterable[Optional[List[Known]]] = repeat(None)
    if inputs:
        declared = (bottoms for _, bottoms in _walk(net, {}, end, {}))
    for (layer, bottoms), made_for in zip(layers, declared):
        if bottoms is not None and made_for is not None and layer.type in PARAMETERS:
            _check_parameters(layer, bottoms, made_for)
    return blobs


def weight_shapes(net: Any) -> Dict[str, List[Known]]:
    """{layer: the shapes of its parameters} of the layers that have any, at the declared input.

    A layer whose bottoms cannot be worked out is left out. Raises ShapeError, as `infer` does.
    """
    parameters = {
        layer.name: PARAMETERS[layer.type](layer, bottoms)
        for layer, bottoms in _walk(net, {}, None, {})
        if bottoms is not None and layer.type in PARAMETERS
    }
    return {name: shapes for name, shapes in parameters.items() if shapes}


def _walk(
    net: Any, inputs: Mapping[str, Known], end: Optional[str], blobs: Blobs
) -> Iterator[Tuple[Any, Optional[List[Known]]]]:
    """Each layer with the shapes of its bottoms (None unless all are known).

    By then `blobs` has the layer's tops. Raises ShapeError at a layer that cannot take its bottoms.
    """
    given = {**input_shapes(net), **inputs}
    for layer in net.layer:
        bottoms: Optional[List[Known]] = None
        tops: List[Shape] = [None] * len(layer.top)
        if layer.type in INPUTS:
            check_input(layer)
            tops = [given.get(top) for top in layer.top]
        else:
            bottoms = _known(layer, blobs)
            if layer.type in TOPS and bottoms is not None:
                _check_number(layer)
                tops = TOPS[layer.type](layer, bottoms)
        blobs.update(zip(layer.top, tops))
        yield layer, bottoms
        if layer.name == end:
            return


def _known(layer: Any, blobs: Blobs) -> Optional[List[Known]]:
    """The shapes of a layer's bottoms; None unless all are known."""
    shapes = [blobs.get(bottom) for bottom in layer.bottom]
    known = [shape for shape in shapes if shape is not None]
    return known if len(known) == len(shapes) else None


def _check_number(layer: Any) -> None:
    fewest, most = _BOTTOMS.get(layer.type, (1, 1))
    number = len(layer.bottom)
    if number < fewest or (most is not None and number > most):
        more = "" if fewest == most else " or more" if most is None else f" to {most}"
        bottoms = "1 bottom" if number == 1 else f"{number} bottoms"
        raise refused(layer, f"has {bottoms} but takes {fewest}{more}")


def _check_parameters(layer: Any, bottoms: List[Known], made_for: List[Known]) -> None:
    """Raise ShapeError where a layer's parameters, made for some bottoms, do not fit others."""
    if layer.type == "InnerProduct":
        _check_inner_product(layer, bottoms[0], made_for[0])
        return
    rule = PARAMETERS[layer.type]
    made, wanted = rule(layer, made_for), rule(layer, bottoms)
    if made != wanted:
        raise refused(
            layer,
            f"has parameters {made}, made for {made_for[0]}, but this input gives it "
            f"{bottoms[0]}, for which they would be {wanted}",
        )


def _check_inner_product(layer: Any, bottom: Known, made_for: Known) -> None:
    axis = layer.inner_product_param.axis
    made, wanted = (math.prod(shape[axis % len(shape) :]) for shape in (made_for, bottom))
    if made != wanted:
        raise InnerProductSizeError(
            f'layer "{layer.name}": Input size incompatible with inner product parameters: '
            f"K_ is {made}, made for {made_for}, but this input gives it {bottom}, K_ {wanted}; "
            f"{CURE}"
        )
