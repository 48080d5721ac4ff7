"""What a net lists of itself, as pycaffe's does: layers, blobs and parameters, and their names."""

from collections import OrderedDict
from functools import cached_property
from typing import List

import numpy as np

from ..handles import Blob, BlobVec, DtypeVec, Instance, IntVec, Layer, LayerVec, StringVec
from .names import Names
from .parts import Parts


class Listed(Instance):
    """The lists of a net that is made of these parts. What is mutable is the same object each
    time."""

    _parts: Parts
    _names: Names

    @cached_property
    def _blobs_by_name(self) -> "OrderedDict[str, Blob]":
        return OrderedDict((name, Blob._over(blob)) for name, blob in self._parts.blobs.items())

    @property
    def blobs(self) -> "OrderedDict[str, Blob]":
        """Every blob by name, in the order in which the layers make them.

        Those of the inserted Split layers are among them.
        """
        return self._blobs_by_name

    @cached_property
    def _params_by_name(self) -> "OrderedDict[str, BlobVec]":
        params = self._parts.params.items()
        return OrderedDict((name, BlobVec._over(blobs)) for name, blobs in params)

    @property
    def params(self) -> "OrderedDict[str, BlobVec]":
        """The parameters of each layer that has some, by its name."""
        return self._params_by_name

    @cached_property
    def _layers_by_name(self) -> "OrderedDict[str, Layer]":
        return OrderedDict((layer.name, Layer._over(layer)) for layer in self._parts.layers)

    @property
    def layer_dict(self) -> "OrderedDict[str, Layer]":
        """The layers by name."""
        return self._layers_by_name

    @property
    def layers(self) -> LayerVec:
        """The layers in the order in which they run."""
        return LayerVec._over(self._parts.layers)

    @property
    def inputs(self) -> List[str]:
        """The names of the Input layers' blobs, in their order."""
        return self._names.inputs

    @property
    def outputs(self) -> List[str]:
        """The names of the blobs that no layer reads, sorted."""
        return self._names.outputs

    @property
    def top_names(self) -> "OrderedDict[str, List[str]]":
        """The names of each layer's tops, by its name."""
        return self._names.tops

    @property
    def bottom_names(self) -> "OrderedDict[str, List[str]]":
        """The names of each layer's bottoms, by its name."""
        return self._names.bottoms

    @cached_property
    def _loss_weights_by_name(self) -> "OrderedDict[str, float]":
        return OrderedDict(zip(self._parts.blobs, self._blob_loss_weights))

    @property
    def blob_loss_weights(self) -> "OrderedDict[str, float]":
        """The weight of each blob in the loss, by name."""
        return self._loss_weights_by_name

    @property
    def _blob_loss_weights(self) -> DtypeVec:
        by_name = dict.fromkeys(self._parts.blobs, 0.0)
        for tops, given in zip(self._parts.top_names, self._parts.loss_weights):
            by_name.update((top, weight) for top, weight in zip(tops, given) if weight)
        return DtypeVec._over(float(np.float32(w)) for w in by_name.values())

    @property
    def _blobs(self) -> BlobVec:
        return BlobVec._over(self._parts.blobs.values())

    @property
    def _blob_names(self) -> StringVec:
        return StringVec._over(self._parts.blobs)

    @property
    def _layer_names(self) -> StringVec:
        return StringVec._over(layer.name for layer in self._parts.layers)

    @property
    def _inputs(self) -> IntVec:
        return self._names.numbers(self._parts.inputs)

    @property
    def _outputs(self) -> IntVec:
        return self._names.numbers(self._parts.outputs)

    def _top_ids(self, layer: int) -> IntVec:
        """The numbers of a layer's tops among the blobs."""
        self._names.check_span(layer, layer)
        return self._names.numbers(self._parts.top_names[layer])

    def _bottom_ids(self, layer: int) -> IntVec:
        """The numbers of a layer's bottoms among the blobs."""
        self._names.check_span(layer, layer)
        return self._names.numbers(self._parts.bottom_names[layer])
