"""What a request wants to grow: one layer as in the notebook, or an objective of several, confined by a mask or not."""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

import numpy as np

from ..dream import objectives
from ..dream.octaves import guide_features
from ..errors import TargetError
from ..nets.preflight import check_end
from .expression import Expression


@dataclass(frozen=True)
class Target:
    """`layers` in the net that runs, `end` the last of them; `names` from the model's own layers to those; `where` the text's files lie."""

    layers: Tuple[str, ...]
    end: str
    expression: Optional[Expression]
    score_layer: str
    names: Dict[str, str]
    where: Dict[str, str]
    guide: Optional[np.ndarray]
    mask: Optional[np.ndarray]

    def objective(self, net, model) -> Any:
        """A function of the notebook's kind where that does, else an Objective."""
        if self.expression is not None:
            found = self.expression.build(net, model, self.names, self.where, self.score_layer)
        elif self.mask is None:
            return (
                objectives.objective_L2
                if self.guide is None
                else objectives.objective_guide(guide_features(net, self.guide, self.end))
            )
        elif self.guide is None:
            found = objectives.l2(self.end)
        else:
            found = objectives.guide(self.end, guide_features(net, self.guide, self.end))
        return found if self.mask is None else found.within(self.mask)


def wanted_layers(description, expression, end):
    """(names of the layers that the request is about, the layer that score() reads or ""). Raises TargetError for one that cannot be dreamt of."""
    if expression is None:
        check_end(description, end)
        return [end], ""
    scored = score_layer(description) if expression.classes else ""
    layers = list(dict.fromkeys([*expression.layers, *([scored] if scored else [])]))
    for layer in layers:
        check_end(description, layer)
    return layers, scored


def last_of(description, layers):
    """The one of these layers that runs last."""
    return max(layers, key=[layer.name for layer in description.layer].index)


def score_layer(description):
    """The layer that makes what the last Softmax reads."""
    softmax = [layer for layer in description.layer if layer.type == "Softmax"]
    if not softmax:
        raise TargetError(
            'score(): the net has no Softmax, so which layer holds the classes is not known; use channel("layer", number)'
        )
    return softmax[-1].bottom[0]
