"""What the rules of all layer types have in common."""

from typing import Any, Callable, Dict, List, Optional, Tuple

from ..errors import ShapeError

Known = Tuple[int, ...]
Shape = Optional[Known]  # None: cannot be worked out
Rule = Callable[[Any, List[Known]], List[Shape]]  # (layer, its bottoms) -> its tops
Rules = Dict[str, Rule]
# (layer, its bottoms) -> its parameters
ParameterRule = Callable[[Any, List[Known]], List[Known]]
ParameterRules = Dict[str, ParameterRule]


def refused(layer: Any, why: str) -> ShapeError:
    """The error that says why a layer cannot take its bottoms: a sentence without its subject."""
    return ShapeError(f'layer "{layer.name}" ({layer.type}) {why}')


def canonical_axis(layer: Any, axis: int, shape: Known) -> int:
    """`axis` counted from the front. Raises ShapeError where the shape has no such axis."""
    if not -len(shape) <= axis < len(shape):
        raise refused(layer, f"wants axis {axis} of its bottom {shape}, which has {len(shape)}")
    return axis % len(shape)


def check_four_axes(layer: Any, shape: Known) -> None:
    """Raise ShapeError unless the shape is that of a picture."""
    if len(shape) != 4:
        raise refused(layer, f"wants 4 axes (num, channels, height, width), not {shape}")
