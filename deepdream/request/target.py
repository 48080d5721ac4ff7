"""What a request wants to grow: one layer as in the notebook, or an objective of several, with or
without a mask."""

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence

import numpy as np

from ..dream import objectives
from ..dream.octaves import guide_features
from ..nets.class_output import check_class, class_output
from ..nets.preflight import check_end
from .expression import Context, Expression


@dataclass(frozen=True)
class Target:
    """What grows. `end`: the layer where the forward pass ends. `guide`: RGB (H, W, 3); `mask`: (H,
    W), 0..1."""

    end: str
    expression: Optional[Expression]
    guide: Optional[np.ndarray]
    mask: Optional[np.ndarray]

    def objective(self, context: Context) -> Any:
        """A function of the notebook's kind where that does, or else an Objective."""
        if self.expression is not None:
            objective = self.expression.build(context)
            return objective if self.mask is None else objective.within(self.mask)
        features = None if self.guide is None else guide_features(context.net, self.guide, self.end)
        if self.mask is None:
            return (
                objectives.objective_L2
                if features is None
                else objectives.objective_guide(features)
            )
        plain = (
            objectives.l2(self.end) if features is None else objectives.guide(self.end, features)
        )
        return plain.within(self.mask)


def wanted_layers(
    description: Any,
    expression: Optional[Expression],
    end: str,
    classes: int = 0,
    scored: Sequence[int] = (),
) -> List[str]:
    """Names of the layers that a request is about: `end`, or those of the expression.

    classes: their number, where it is known. scored: numbers of those that the expression scores.

    Raises:
        TargetError: one of them cannot be dreamt of, or there is no such class.
    """
    layers = [end] if expression is None else list(dict.fromkeys(expression.layers))
    for layer in layers:
        check_end(description, layer)
    if not scored:
        return layers
    output = class_output(description, classes)
    check_class(description, output, max(scored))
    return [*layers, output.layer]
