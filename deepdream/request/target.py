"""What a request wants to grow: one layer as in the notebook, or an objective of several, with or
without a mask."""

from dataclasses import dataclass
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..dream import objectives
from ..dream.octaves import guide_features
from ..nets.class_output import check_class, class_output
from ..nets.preflight import check_end
from .expression import Context, Expression


class Guide(NamedTuple):
    """A picture, RGB (H, W, 3), whose features are to grow, and the weight of that wish."""

    picture: np.ndarray
    weight: float = 1.0


@dataclass(frozen=True)
class Target:
    """What grows. `end`: the layer where the forward pass ends. `mask`: (H, W), 0..1."""

    end: str
    expression: Optional[Expression]
    guides: Tuple[Guide, ...]
    mask: Optional[np.ndarray]

    def objective(self, context: Context, by_tiles: bool = False) -> Any:
        """A function of the notebook's kind where that does, or else an Objective.

        by_tiles: whether its gradient is made by tiles, for which a function does not do.
        """
        if self.expression is not None:
            objective = self.expression.build(context)
            return objective if self.mask is None else objective.within(self.mask)
        features = [guide_features(context.net, g.picture, self.end) for g in self.guides]
        weights = [g.weight for g in self.guides]
        plain = self.mask is None and not by_tiles
        if plain and not features:
            return objectives.objective_L2
        if plain and weights == [1]:
            return objectives.objective_guide(features[0])
        if not features:
            objective = objectives.l2(self.end)
        else:
            guides = [w * objectives.guide(self.end, f) for w, f in zip(weights, features)]
            objective = sum(guides[1:], guides[0])
        return objective if self.mask is None else objective.within(self.mask)


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
