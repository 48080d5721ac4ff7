"""What a NetParameter says of a net's layers: phase rules, Split layers, who needs a gradient."""

from collections import Counter
from typing import Any, Dict, List, Sequence, Set, Tuple

from ..errors import PrototxtError
from ..layer_types.registry import Layer
from ..proto import caffe_pb2


def state_meets_rule(state: Any, rule: Any) -> bool:
    """Whether a NetState satisfies a NetStateRule (phase, level, stages)."""
    stages = set(state.stage)
    return (
        not (rule.HasField("phase") and rule.phase != state.phase)
        and not (rule.HasField("min_level") and state.level < rule.min_level)
        and not (rule.HasField("max_level") and state.level > rule.max_level)
        and stages.issuperset(rule.stage)
        and stages.isdisjoint(rule.not_stage)
    )


def included(layer: Any, state: Any) -> bool:
    """Whether a layer takes part in a net of this state."""
    if layer.include and layer.exclude:
        raise PrototxtError(
            f'layer "{layer.name}" has both include and exclude rules; give one kind'
        )
    if layer.include:
        return any(state_meets_rule(state, rule) for rule in layer.include)
    return not any(state_meets_rule(state, rule) for rule in layer.exclude)


def filter_net(net: Any, state: Any) -> Any:
    """A copy of `net` with the layers that `state` includes."""
    out = caffe_pb2.NetParameter()
    out.CopyFrom(net)
    del out.layer[:]
    out.layer.extend(layer for layer in net.layer if included(layer, state))
    out.state.CopyFrom(state)
    return out


def insert_splits(net: Any) -> Any:
    """A copy of `net` in which each blob that several layers read gets a Split layer.

    Names are Caffe's. As in Caffe, a loss weight counts as a reader, and the first; where a Split
    takes one over, its layer loses all that it was given (a loss then weighs 1 besides).
    """
    # blob name -> (layer index, top index) that last wrote it
    producer: Dict[str, Tuple[int, int]] = {}
    readers: Counter = Counter()
    sources = {}  # (layer index, bottom index) -> (layer index, top index)
    for i, layer in enumerate(net.layer):
        for j, bottom in enumerate(layer.bottom):
            if bottom not in producer:
                raise PrototxtError(_unknown_bottom(net, i, bottom))
            sources[i, j] = producer[bottom]
            readers[producer[bottom]] += 1
        for j, top in enumerate(layer.top):
            producer[top] = i, j
            readers[i, j] += bool(_loss_weight(layer, j))
    out = caffe_pb2.NetParameter()
    out.CopyFrom(net)
    del out.layer[:]
    given: Counter = Counter()  # how many of a Split's tops have a reader already
    for i, layer in enumerate(net.layer):
        new = out.layer.add()
        new.CopyFrom(layer)
        for j, bottom in enumerate(layer.bottom):
            source = sources[i, j]
            if readers[source] > 1:
                name = net.layer[source[0]].name
                new.bottom[j] = f"{split_name(bottom, name, source[1])}_{given[source]}"
                given[source] += 1
        for j, top in enumerate(layer.top):
            count = readers[i, j]
            if count > 1:
                name = split_name(top, layer.name, j)
                split = out.layer.add(
                    name=name, type="Split", bottom=[top], top=[f"{name}_{k}" for k in range(count)]
                )
                weight = _loss_weight(layer, j)
                if weight:
                    split.loss_weight.extend([weight] + [0] * (count - 1))
                    new.ClearField("loss_weight")
                    given[i, j] = 1
    _check_tops(out)
    return out


def _loss_weight(layer: Any, top: int) -> float:
    """The weight in the loss that the description gives a layer's top; 0 where it gives none."""
    return float(layer.loss_weight[top]) if top < len(layer.loss_weight) else 0.0


def _check_tops(net: Any) -> None:
    """Raise PrototxtError where two layers make one blob.

    As in Caffe, a layer may work in place on a blob only if no other reads that.
    """
    maker: Dict[str, str] = {}
    for layer in net.layer:
        for j, top in enumerate(layer.top):
            if top in maker and top not in layer.bottom[j : j + 1]:
                why = f'is already made by layer "{maker[top]}"'
                if any(
                    bottom.startswith(top + "_") and "_split_" in bottom for bottom in layer.bottom
                ):
                    why += ", and other layers read that, so this one cannot work in place on it"
                raise PrototxtError(
                    f'layer "{layer.name}": its top "{top}" {why}; give it another name'
                )
            maker[top] = layer.name


def split_name(blob: str, layer: str, top: int) -> str:
    """Caffe's name of the Split after a layer's top."""
    return f"{blob}_{layer}_{top}_split"


def _unknown_bottom(net: Any, i: int, bottom: str) -> str:
    later = [layer.name for layer in net.layer[i:] if bottom in layer.top]
    why = "no layer makes it"
    if later:
        why = f'only layer "{later[0]}" makes it, which is not before this one'
    return f'layer "{net.layer[i].name}": unknown bottom "{bottom}": {why}'


class BackwardPlan:
    """Which layers run backward, and into which bottoms, by Caffe's rules.

    Gradients flow between a parameter that learns (lr_mult not 0) and a loss, except where
    propagate_down says otherwise; with `force_backward` everywhere. So in a deploy net without it
    they flow nowhere, and stay zero. Making a plan sets each layer's `learns`.
    """

    def __init__(
        self, net: Any, layers: Sequence[Layer], loss_weights: Sequence[Sequence[float]]
    ) -> None:
        self.layers: List[bool] = []
        self.bottoms: List[List[bool]] = []
        self._find_needs(net, layers)
        self._keep_what_loss_needs(net, loss_weights)
        if net.force_backward:
            self.layers = [True] * len(layers)
            self.bottoms = [
                [old or j not in layer.no_gradient for j, old in enumerate(flags)]
                for layer, flags in zip(layers, self.bottoms)
            ]
            for layer in layers:
                layer.learns = [True] * len(layer.blobs)

    def _find_needs(self, net: Any, layers: Sequence[Layer]) -> None:
        """From the inputs on: whose gradient would some parameter need?"""
        needs: Dict[str, bool] = {}
        for layer, param in zip(layers, net.layer):
            rates = [spec.lr_mult for spec in param.param] + [1.0] * len(layer.blobs)
            layer.learns = [rate != 0 for rate in rates[: len(layer.blobs)]]
            if len(param.propagate_down) not in (0, len(param.bottom)):
                raise PrototxtError(
                    f'layer "{param.name}" has {len(param.bottom)} bottoms but '
                    f"{len(param.propagate_down)} values of propagate_down; "
                    "give one for each, or none"
                )
            self.layers.append(any(layer.learns) or any(needs[b] for b in param.bottom))
            self.bottoms.append(list(param.propagate_down) or [needs[b] for b in param.bottom])
            needs.update((top, self.layers[-1]) for top in param.top)

    def _keep_what_loss_needs(self, net: Any, loss_weights: Sequence[Sequence[float]]) -> None:
        """From the losses back, leave out what no loss depends on.

        Or depends on only through bottoms without a gradient.
        """
        under_loss: Set[str] = set()
        skipped: Set[str] = set()
        for i, param in reversed(list(enumerate(net.layer))):
            contributes = any(loss_weights[i]) or any(top in under_loss for top in param.top)
            if self.layers[i] and param.top and all(top in skipped for top in param.top):
                self.layers[i], self.bottoms[i] = False, [False] * len(param.bottom)
            if contributes:
                under_loss.update(param.bottom)
            else:
                self.layers[i], self.bottoms[i] = False, [False] * len(param.bottom)
            skipped.update(
                bottom for bottom, flag in zip(param.bottom, self.bottoms[i]) if not flag
            )
