"""From a NetParameter to what a net is made of: layers, blobs, parameters, inputs and outputs."""

from collections import OrderedDict
from functools import lru_cache
from itertools import chain
from types import TracebackType
from typing import Any, Dict, Optional, Sequence, Tuple, Type

from .. import devices, limits
from ..blob import Blob, ParamBlob
from ..errors import CaffeError, ShapeError
from ..kernels import threads
from ..layer_types import create
from ..layer_types.registry import Layer, loss_weights
from ..proto import caffe_pb2
from . import graph, sharing
from .parts import Parts


@lru_cache(maxsize=None)
def _prepare() -> None:
    """Make the kernels ready, once. Raises MemoryError where there is too little memory."""
    limits.check_start(limits.LOOPS)
    threads.prepare()


def build(description: Any, state: Any) -> Parts:
    """The parts of the net that a NetParameter describes, for a NetState.

    Raises PrototxtError or ShapeError where Caffe would abort.
    """
    _prepare()
    param = graph.insert_splits(graph.filter_net(description, state))
    parts = Parts(param.name)
    owners: Dict[str, Tuple[str, ParamBlob]] = {}
    available: Dict[str, None] = OrderedDict()
    values = 0
    for layer_param in param.layer:
        layer = create(layer_param, state.phase)
        values += _add(parts, layer, owners)
        limits.check(values, f'the net up to layer "{layer.name}"')
        _weigh(parts, layer)
        for name in layer_param.bottom:
            available.pop(name, None)
        available.update((name, None) for name in layer_param.top)
        if layer_param.type == "Input":
            parts.inputs += layer_param.top
    parts.outputs = sorted(available)  # Caffe keeps them in a std::set
    for blob in chain(*parts.params.values()):
        blob.wanted = state.phase == caffe_pb2.TRAIN  # what trains reads the gradients
    parts.plan = graph.BackwardPlan(param, parts.layers, parts.loss_weights)
    return parts


def _add(parts: Parts, layer: Layer, owners: Dict[str, Tuple[str, ParamBlob]]) -> int:
    """Add a layer with its blobs; returns how many values its tops and parameters have."""
    kind = sharing.SplitTop if layer.type == "Split" else Blob
    # Caffe's name for a loss's top that has none; it is not an output
    top_names = list(layer.layer_param.top) or (["(automatic)"] if layer.auto_top else [])
    bottom = [parts.blobs[name] for name in layer.layer_param.bottom]
    top = [parts.blobs.setdefault(name, kind(0)) for name in top_names]
    layer.check_counts(bottom, top)
    with naming(layer, bottom):
        layer.setup(bottom, top)
        _share_params(layer, owners)
        layer.reshape(bottom, top)
    parts.layers.append(layer)
    parts.bottoms.append(bottom)
    parts.tops.append(top)
    parts.bottom_names.append(list(layer.layer_param.bottom))
    parts.top_names.append(top_names)
    if layer.blobs:
        parts.params[layer.name] = layer.blobs
    return sum(blob.count for blob in [*top, *layer.blobs])


def _weigh(parts: Parts, layer: Layer) -> None:
    """Give the last layer's tops their weights in the loss, as their gradients."""
    weights = loss_weights(layer.layer_param, layer)
    for blob, weight in zip(parts.tops[-1], weights):
        if weight:
            blob.diff[...] = weight
    parts.loss_weights.append(weights)


def _share_params(layer: Layer, owners: Dict[str, Tuple[str, ParamBlob]]) -> None:
    """Let each named parameter of the layer use the memory of the first one of that name.

    owners: {name: (layer's name, blob)} of those first ones.
    """
    for blob, spec in zip(layer.blobs, layer.layer_param.param):
        if not spec.name:
            continue
        if spec.name not in owners:
            owners[spec.name] = layer.name, blob
            continue
        first, owner = owners[spec.name]
        if blob.count != owner.count or (
            blob.shape != owner.shape and spec.share_mode != spec.PERMISSIVE
        ):
            raise ShapeError(
                f'layer "{layer.name}" shares the parameter "{spec.name}" with layer "{first}", '
                f"but has shape {blob.shape} and that {owner.shape}; "
                "share_mode: PERMISSIVE allows other shapes of as many values"
            )
        blob.share(owner)


class naming:
    """Context in which errors of a layer of ours name it and its bottoms' shapes.

    Errors of Python layers pass as they are.
    """

    __slots__ = ("bottom", "layer")

    def __init__(self, layer: Layer, bottom: Sequence[Blob]) -> None:
        self.layer, self.bottom = layer, bottom

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if kind is None:
            return
        ours = isinstance(error, (ArithmeticError, IndexError, ValueError)) and not isinstance(
            error, CaffeError
        )
        if self.layer.type == "Python":
            return
        what = f'layer "{self.layer.name}" ({self.layer.type})'
        if devices.on_gpu() and isinstance(error, RuntimeError):
            explained = devices.explain(error, what)
            if explained is not None:
                raise explained from error
            ours = not isinstance(error, CaffeError)
        if ours:
            shapes = ", ".join(str(blob.shape) for blob in self.bottom)
            raise ShapeError(
                f"{what} cannot work with bottoms of shapes {shapes or 'none'}: {error}"
            ) from error
