"""Net: pycaffe's net, built from a prototxt and run forward and backward, whole or in part."""

import difflib
import os
from collections import OrderedDict
from itertools import zip_longest
from typing import Dict, List

import numpy as np

from netfile.prototxt import read_prototxt

from .. import limits
from ..blob import Blob
from ..errors import CaffeError, LayerNameError, ShapeError, WeightsError
from ..kernels import threads
from ..layer_types import create
from ..layer_types.registry import loss_weights
from ..proto import caffe_pb2
from . import graph, sharing, weights


class Net:
    """A net, as pycaffe has it.

    Net(prototxt, phase, level=0, stages=None, weights=None), or in the older form Net(prototxt, caffemodel, phase).

    `blobs` (OrderedDict of name to Blob) holds every blob in the order in which the layers make them, those of the
    inserted Split layers too; `params` (OrderedDict of layer name to a list of Blobs) each layer's parameters.

    Raises FileNotFoundError, PrototxtError, WeightsError or ShapeError where Caffe would abort.
    """

    def __init__(self, network_file, *args, **kwargs):
        phase, trained, level, stages = _constructor_arguments(*args, **kwargs)
        if not os.path.exists(network_file):
            raise FileNotFoundError(f"no such prototxt: {network_file}")
        if trained and not os.path.exists(trained):
            raise FileNotFoundError(f"no such caffemodel: {trained}")
        state = caffe_pb2.NetState(phase=phase, level=level, stage=stages or [])
        try:
            self._build(read_prototxt(network_file, caffe_pb2), state)
        except (CaffeError, RecursionError) as e:
            raise type(e)(
                str(e) if str(network_file) in str(e) else f"{network_file}: {e}"
            ) from None
        if trained:
            self.copy_from(trained)

    def _build(self, description, state):
        threads.prepare()
        param = graph.insert_splits(graph.filter_net(description, state))
        self.name = param.name
        self.layers, self._layer_names = [], []
        self.blobs: Dict[str, Blob] = OrderedDict()
        self.params: Dict[str, list] = OrderedDict()
        self.top_names: Dict[str, List[str]] = OrderedDict()
        self.bottom_names: Dict[str, List[str]] = OrderedDict()
        self._bottoms, self._tops, self._loss_weights = [], [], []
        self._calls: Dict[str, list] = {
            when: []
            for when in ("before_forward", "after_forward", "before_backward", "after_backward")
        }
        inputs: List[str] = []
        owners: Dict[str, tuple] = {}
        values = 0
        available: Dict[str, None] = OrderedDict()
        for layer_param in param.layer:
            layer = create(layer_param, state.phase)
            bottom = [self.blobs[name] for name in layer_param.bottom]
            for name in layer_param.bottom:
                available.pop(name, None)
            kind = sharing.SplitTop if layer.type == "Split" else Blob
            # Caffe's name for a loss's top that has none; it is no output
            top_names = list(layer_param.top) or (["(automatic)"] if layer.auto_top else [])
            top = [self.blobs.setdefault(name, kind(0)) for name in top_names]
            available.update((name, None) for name in layer_param.top)
            layer.check_counts(bottom, top)
            with _naming(layer, bottom):
                layer.setup(bottom, top)
                _share_params(layer, owners)
                layer.reshape(bottom, top)
            values += sum(blob.count for blob in [*top, *layer.blobs])
            limits.check(values, f'the net up to layer "{layer.name}"')
            weights = loss_weights(layer_param, layer)
            for blob, weight in zip(top, weights):
                if weight:
                    blob.diff[...] = weight
            self._loss_weights.append(weights)
            if layer_param.type == "Input":
                inputs += layer_param.top
            self.layers.append(layer)
            self._layer_names.append(layer.name)
            self._bottoms.append(bottom)
            self._tops.append(top)
            self.top_names[layer.name], self.bottom_names[layer.name] = (
                top_names,
                list(layer_param.bottom),
            )
            if layer.blobs:
                self.params[layer.name] = layer.blobs
        self.inputs, self.outputs = inputs, list(available)
        # an in-place ReLU right behind a convolution runs along with it, while the values are in cache
        self._relu_behind = {
            i: relu
            for i, (conv, relu) in enumerate(zip(self.layers, self.layers[1:]))
            if conv.layer_param.type == "Convolution"
            and relu.layer_param.type == "ReLU"
            and self._tops[i] == self._bottoms[i + 1] == self._tops[i + 1]
        }
        self._plan = graph.BackwardPlan(param, self.layers, self._loss_weights)
        self._readers, self._splits = sharing.merge_splits(
            self.layers, self._bottoms, self._tops, self._loss_weights, self._plan.bottoms
        )
        self._spare, self._seen_shapes = Blob(0), None
        self._concats = sharing.let_concats_view(
            self.layers, [list(p.bottom) for p in param.layer], [list(p.top) for p in param.layer]
        )
        for i in self._concats:
            self.layers[i].reshape(self._bottoms[i], self._tops[i])

    @property
    def blob_loss_weights(self):
        """The weight of each blob in the loss, by name."""
        found = OrderedDict((name, 0.0) for name in self.blobs)
        for layer, given in zip(self.layers, self._loss_weights):
            found.update(
                (name, float(weight))
                for name, weight in zip(self.top_names[layer.name], given)
                if weight
            )
        return found

    @property
    def _blob_names(self):
        return list(self.blobs)

    @property
    def layer_dict(self):
        """Layers by name."""
        return OrderedDict(zip(self._layer_names, self.layers))

    def _index(self, layer):
        try:
            return self._layer_names.index(layer)
        except ValueError:
            near = difflib.get_close_matches(str(layer), self._layer_names, 3, 0.4)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise LayerNameError(f'the net has no layer "{layer}"{hint}') from None

    def forward(self, blobs=None, start=None, end=None, **kwargs):
        """Run the layers from `start` to `end`, both layer names, inclusive; by default all.

        Keyword arguments are arrays for the net's inputs, all of them. Returns a dict of name to data (live arrays)
        of the tops of `end` (by default the net's outputs), and of the further `blobs` named.
        """
        first = self._index(start) if start is not None else 0
        last = self._index(end) if end is not None else len(self.layers) - 1
        names = set((self.top_names[end] if end is not None else self.outputs) + list(blobs or []))
        if kwargs:
            if set(kwargs) != set(self.inputs):
                raise CaffeError(
                    f"input arguments {sorted(kwargs)} do not match the net's inputs {sorted(self.inputs)}"
                )
            self._fill(kwargs, "data")
        self._forward(first, last)
        return {name: self.blobs[name].data for name in names}

    def backward(self, diffs=None, start=None, end=None, **kwargs):
        """Run the layers backward from `start` down to `end`, both layer names, inclusive; by default all.

        Keyword arguments are gradients for the net's outputs, all of them. Returns a dict of name to diff (live
        arrays) of the bottoms of `end` (by default the net's inputs), and of the further blobs named in `diffs`.
        Every layer on the way runs, side branches too, from whatever diffs its tops hold.
        """
        first = self._index(start) if start is not None else len(self.layers) - 1
        last = self._index(end) if end is not None else 0
        names = set(
            (self.bottom_names[end] if end is not None else self.inputs) + list(diffs or [])
        )
        if kwargs:
            if set(kwargs) != set(self.outputs):
                raise CaffeError(
                    f"diff arguments {sorted(kwargs)} do not match the net's outputs {sorted(self.outputs)}"
                )
            self._fill(kwargs, "diff")
        self._backward(first, last)
        return {name: self.blobs[name].diff for name in names}

    def forward_all(self, blobs=None, **kwargs):
        """Run forward over any number of inputs, in batches of the net's size; the last one is filled up with zeros.

        Keyword arguments are arrays for the net's inputs, all of them. Returns a dict of name to a new array, one entry per input,
        of the net's outputs and of the further `blobs` named.
        """
        count = len(next(iter(kwargs.values()))) if kwargs else 0
        collected = _Collected([*self.outputs, *(blobs or [])], count)
        for batch in self._batch(kwargs):
            collected.add(self.forward(blobs=blobs, **batch))
        return collected.arrays()

    def forward_backward_all(self, blobs=None, diffs=None, **kwargs):
        """Run forward and backward over any number of inputs, in batches of the net's size.

        Keyword arguments are arrays for the net's inputs, and gradients for its outputs. Returns two dicts of name to a new array, one entry per
        input: the net's outputs and `blobs`, and the gradients of its inputs and of `diffs`.
        """
        count = len(next(iter(kwargs.values()))) if kwargs else 0
        forward, backward = (
            _Collected([*self.outputs, *(blobs or [])], count),
            _Collected([*self.inputs, *(diffs or [])], count),
        )
        given = self._batch({name: kwargs[name] for name in self.inputs if name in kwargs})
        wanted = self._batch({name: kwargs[name] for name in self.outputs if name in kwargs})
        for inputs, gradients in zip_longest(given, wanted):
            forward.add(self.forward(blobs=blobs, **(inputs or {})))
            backward.add(self.backward(diffs=diffs, **(gradients or {})))
        return forward.arrays(), backward.arrays()

    def _batch(self, arrays):
        """Cut arrays into batches of the net's size, {name: array} each; the last one is filled up with zeros."""
        count = len(next(iter(arrays.values()))) if arrays else 0
        size = next(iter(self.blobs.values())).shape[0] if self.blobs else 1
        for first in range(0, count, max(size, 1)):
            yield {
                name: _padded(array[first : first + size], size) for name, array in arrays.items()
            }

    def _fill(self, arrays, which):
        for name, array in arrays.items():
            target = getattr(self.blobs[name], which)
            if len(array) != len(target):
                raise ShapeError(
                    f'"{name}" has {len(target)} items in its batch but {len(array)} were given; reshape the blob first'
                )
            target[...] = array

    def _forward(self, first, last):
        """Run the layers from number `first` to `last`; returns the loss, the sum of all tops times their loss weights."""
        sharing.keep_unreached_tops(self.layers, self._tops, self._concats, first, last)
        self._reshape_ahead(first, last)
        i = first
        while i <= last:
            self._call("before_forward", i)
            layer, bottom, top = self.layers[i], self._bottoms[i], self._tops[i]
            relu = self._relu_behind.get(i) if i < last and not self._called_forward() else None
            with _naming(layer, bottom):
                # each layer fits its tops to its bottoms first, as in Caffe: what lies behind `last` is not touched
                layer.reshape(bottom, top)
                if relu is None:
                    layer.forward(bottom, top)
                else:
                    layer.forward(bottom, top, relu)
            self._call("after_forward", i)
            i += 1 if relu is None else 2
        return float(sum(
            weight * top.data.sum() for i in range(first, last + 1) for weight, top in zip(self._loss_weights[i], self._tops[i]) if weight
        ))  # fmt: skip

    def _backward(self, first, last):
        """Run the layers from number `first` down to `last`."""
        for number, split in self._splits.items():
            split.begin()
            if (
                number < last
                and split.active
                and any(last <= reader <= first for reader in split.reader_numbers)
            ):
                split.separate()  # the pass ends between this Split and its readers
        for i in range(first, last - 1, -1):
            self._call("before_backward", i)
            if self._plan.layers[i]:
                self._backward_layer(i)
            self._call("after_backward", i)

    def _backward_layer(self, i):
        layer, top, wanted, bottom = (
            self.layers[i],
            self._tops[i],
            self._plan.bottoms[i],
            self._bottoms[i],
        )
        merged = {j: split for j, split in self._readers.get(i, {}).items() if split.active}
        with _naming(layer, bottom):
            if i in self._splits and self._splits[i].active:
                if wanted[0]:
                    self._splits[i].finish()
            elif merged:
                sharing.backward_into(i, layer, top, wanted, bottom, merged, self._spare)
            else:
                layer.backward(top, wanted, bottom)

    def _reshape_ahead(self, first, last):
        """After a change of the inputs' shapes, fit the layers before any runs: new memory can then be laid out while nobody has seen it."""
        shapes = [self.blobs[name].shape for name in self.inputs], first, last
        if shapes != self._seen_shapes and not any(
            layer.type in ("Filter", "Python") for layer in self.layers[first : last + 1]
        ):
            for layer, bottom, top in zip(
                self.layers[first : last + 1], self._bottoms[first:], self._tops[first:]
            ):
                with _naming(layer, bottom):
                    layer.reshape(bottom, top)
        self._seen_shapes = shapes

    def _call(self, when, i):
        for call in self._calls[when]:
            call(i)

    def _called_forward(self):
        return bool(self._calls["before_forward"] or self._calls["after_forward"])

    def reshape(self):
        """Fit every blob to the inputs' shapes. Raises ShapeError at the first layer that cannot follow."""
        for layer, bottom, top in zip(self.layers, self._bottoms, self._tops):
            with _naming(layer, bottom):
                layer.reshape(bottom, top)

    def clear_param_diffs(self):
        """Set the gradients of all parameters to zero."""
        for blobs in self.params.values():
            for blob in blobs:
                blob.diff[...] = 0

    def set_input_arrays(self, data, labels):
        """Feed a net whose first layer is MemoryData: data (N, channels, height, width), labels (N,), float32, C-contiguous; kept, not copied."""
        if not self.layers or self.layers[0].type != "MemoryData":
            raise CaffeError(
                "set_input_arrays may only be called if the first layer is a MemoryData layer"
            )
        self.layers[0].set_arrays(data, labels)

    def share_with(self, other):
        """Use another net's parameters (data, not diff) in the layers that both have. Raises WeightsError where shapes differ."""
        for name, blobs in self.params.items():
            for i, (blob, source) in enumerate(zip(blobs, other.params.get(name, []))):
                if blob.shape != source.shape:
                    raise WeightsError(
                        f'layer "{name}" parameter {i} has shape {blob.shape} here and {source.shape} in the other net'
                    )
                blob.share_data(source)

    def copy_from(self, path):
        """Load the parameters of the layers that a caffemodel (V0, V1, V2) or an HDF5 file has under the same names.

        Layers that only one side has are passed over, as in Caffe. Raises WeightsError where shapes differ.
        """
        weights.copy_into(self.params, path)

    def save(self, path):
        """Write the net's weights as a V2 caffemodel; whole or not at all."""
        weights.save(self.name, self.layers, path)

    def load_hdf5(self, path):
        """Load parameters from an HDF5 file; needs h5py."""
        weights.load_hdf5(self.params, path)

    def save_hdf5(self, path, write_diff=False):
        """Write parameters (and gradients) as an HDF5 file, laid out as Caffe does; needs h5py."""
        weights.save_hdf5(self.params, path, write_diff)

    def before_forward(self, call):
        """Call this with a layer's number before each layer's forward pass; likewise after_forward, before_backward, after_backward."""
        self._calls["before_forward"].append(call)

    def after_forward(self, call):
        self._calls["after_forward"].append(call)

    def before_backward(self, call):
        self._calls["before_backward"].append(call)

    def after_backward(self, call):
        self._calls["after_backward"].append(call)


class _naming:
    """Context: what a layer of ours cannot compute with is said with its name and its bottoms' shapes; errors of Python layers pass as they are."""

    __slots__ = ("bottom", "layer")

    def __init__(self, layer, bottom):
        self.layer, self.bottom = layer, bottom

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        ours = isinstance(
            error, (ArithmeticError, IndexError, MemoryError, ValueError)
        ) and not isinstance(error, CaffeError)
        if ours and self.layer.type != "Python":
            shapes = ", ".join(str(blob.shape) for blob in self.bottom)
            raise ShapeError(
                f'layer "{self.layer.name}" ({self.layer.type}) cannot work with bottoms of shapes {shapes or "none"}: {error}'
            ) from error


class _Collected:
    """What batches give, put together: name to an array of `count` entries."""

    def __init__(self, names, count):
        self._parts: Dict[str, list] = {name: [] for name in dict.fromkeys(names)}
        self._count = count

    def add(self, arrays):
        for name, parts in self._parts.items():
            parts.append(np.atleast_1d(arrays[name]).copy())

    def arrays(self):
        return {
            name: np.concatenate(parts)[: self._count] if parts else np.zeros(0, np.float32)
            for name, parts in self._parts.items()
        }


def _padded(array, size):
    """The array with zeros behind it, up to `size` entries."""
    array = np.asarray(array)
    return (
        np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])
        if len(array) < size
        else array
    )


def _share_params(layer, owners):
    """Let the layer's parameters that have a name use the memory of the first of that name; owners: {name: (layer's name, blob)}."""
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
                f'layer "{layer.name}" shares the parameter "{spec.name}" with layer "{first}", but has shape {blob.shape} and that {owner.shape}; '
                "share_mode: PERMISSIVE allows other shapes of as many values"
            )
        blob.share(owner)


def _constructor_arguments(*args, phase=None, weights=None, level=0, stages=None):
    """(phase, weights, level, stages) from either form of Net's arguments."""
    if len(args) == 2 and isinstance(args[0], (str, os.PathLike)):
        weights, phase = args
    elif len(args) == 1:
        phase = args[0]
    elif args:
        raise TypeError("Net takes (prototxt, phase, weights=...) or (prototxt, caffemodel, phase)")
    if phase not in (caffe_pb2.TRAIN, caffe_pb2.TEST):
        raise TypeError(f"phase must be caffe.TRAIN (0) or caffe.TEST (1), not {phase!r}")
    return phase, weights, level, stages
