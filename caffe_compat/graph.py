"""From a NetParameter to the list of layers that a net runs: phase rules, Split layers, who needs a gradient."""

from collections import Counter
from typing import Dict, Tuple

from .errors import PrototxtError
from .proto import caffe_pb2


def state_meets_rule(state, rule):
    """Whether a NetState satisfies a NetStateRule (phase, level, stages)."""
    stages = set(state.stage)
    return (
        not (rule.HasField("phase") and rule.phase != state.phase)
        and not (rule.HasField("min_level") and state.level < rule.min_level)
        and not (rule.HasField("max_level") and state.level > rule.max_level)
        and stages.issuperset(rule.stage)
        and stages.isdisjoint(rule.not_stage)
    )


def included(layer, state):
    """Whether a layer takes part in a net of this state."""
    if layer.include and layer.exclude:
        raise PrototxtError(f'layer "{layer.name}" has both include and exclude rules; give one kind')
    if layer.include:
        return any(state_meets_rule(state, rule) for rule in layer.include)
    return not any(state_meets_rule(state, rule) for rule in layer.exclude)


def filter_net(net, state):
    """A copy of `net` with the layers that `state` includes."""
    out = caffe_pb2.NetParameter()
    out.CopyFrom(net)
    del out.layer[:]
    out.layer.extend(layer for layer in net.layer if included(layer, state))
    out.state.CopyFrom(state)
    return out


def insert_splits(net):
    """A copy of `net` in which each blob that several layers read gets a Split layer, with Caffe's names."""
    producer: Dict[str, Tuple[int, int]] = {}  # blob name -> (layer index, top index) that last wrote it
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
    out = caffe_pb2.NetParameter()
    out.CopyFrom(net)
    del out.layer[:]
    given: Counter = Counter()
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
                out.layer.add(name=name, type="Split", bottom=[top], top=[f"{name}_{k}" for k in range(count)])
    _check_tops(out)
    return out


def _check_tops(net):
    """Raise PrototxtError where two layers make one blob: only a layer that alone reads it may work in place on it, as in Caffe."""
    maker: Dict[str, str] = {}
    for layer in net.layer:
        for j, top in enumerate(layer.top):
            if top in maker and top not in layer.bottom[j : j + 1]:
                why = f'is already made by layer "{maker[top]}"'
                if any(bottom.startswith(top + "_") and "_split_" in bottom for bottom in layer.bottom):
                    why += ", and other layers read that, so this one cannot work in place on it"
                raise PrototxtError(f'layer "{layer.name}": its top "{top}" {why}; give it another name')
            maker[top] = layer.name


def split_name(blob, layer, top):
    """Caffe's name of the Split behind a layer's top."""
    return f"{blob}_{layer}_{top}_split"


def _unknown_bottom(net, i, bottom):
    later = [layer.name for layer in net.layer[i:] if bottom in layer.top]
    why = f'only layer "{later[0]}" makes it, at or behind this one' if later else "no layer makes it"
    return f'layer "{net.layer[i].name}": unknown bottom "{bottom}": {why}'


class BackwardPlan:
    """Which layers run backward, and into which bottoms, by Caffe's rules.

    With `force_backward`, all. Else only what lies between a parameter that learns and a loss: in a deploy net
    without it nothing does, and its gradients stay zero.
    """

    def __init__(self, net, layers, bottom_names, top_names, loss_weights):
        count = len(layers)
        needs: Dict[str, bool] = {}  # blob name -> does a gradient flow to it
        self.bottoms = []
        learns = []
        for i, layer in enumerate(layers):
            specs = list(net.layer[i].param) + [None] * len(layer.blobs)
            learns.append(any(spec is None or spec.lr_mult != 0 for spec in specs[: len(layer.blobs)]))
            flags = list(net.layer[i].propagate_down) or [True] * len(bottom_names[i])
            self.bottoms.append([needs[b] and flag for b, flag in zip(bottom_names[i], flags)])
            for top in top_names[i]:
                needs[top] = learns[i] or any(self.bottoms[i])
        self.layers = [learns[i] or any(self.bottoms[i]) for i in range(count)]
        if net.force_backward:
            for i, layer in enumerate(layers):
                self.layers[i] = True
                self.bottoms[i] = [old or layer.allow_force_backward for old in self.bottoms[i]]
            return
        under_loss = set()
        for i in reversed(range(count)):
            contributes = any(loss_weights[i]) or any(t in under_loss for t in top_names[i])
            if contributes:
                under_loss.update(bottom_names[i])
            else:
                self.layers[i], self.bottoms[i] = False, [False] * len(bottom_names[i])
