"""Net: pycaffe's net, built from a prototxt and run forward and backward, whole or in part."""

import difflib
import os
from collections import OrderedDict
from typing import Dict, List

import numpy as np

from . import graph
from .blob import Blob
from .errors import CaffeError, LayerNameError, ShapeError, WeightsError
from .kernels import threads
from .layers import create
from .proto import caffe_pb2
from .proto.read import blob_proto, blob_shape, blob_values, read_caffemodel, read_prototxt


def _four_axes(shape):
    return (1,) * (4 - len(shape)) + tuple(shape)


class Net:
    """A net, as pycaffe has it.

    Net(prototxt, phase, level=0, stages=None, weights=None), or in the older form Net(prototxt, caffemodel, phase).

    `blobs` (OrderedDict of name to Blob) holds every blob in the order in which the layers make them, those of the
    inserted Split layers too; `params` (OrderedDict of layer name to a list of Blobs) each layer's parameters.

    Raises FileNotFoundError, PrototxtError, WeightsError or ShapeError where Caffe would abort.
    """

    def __init__(self, network_file, *args, **kwargs):
        phase, weights, level, stages = _constructor_arguments(*args, **kwargs)
        if not os.path.exists(network_file):
            raise FileNotFoundError(f"no such prototxt: {network_file}")
        if weights and not os.path.exists(weights):
            raise FileNotFoundError(f"no such caffemodel: {weights}")
        state = caffe_pb2.NetState(phase=phase, level=level, stage=stages or [])
        try:
            self._build(read_prototxt(network_file), state)
        except (CaffeError, RecursionError) as e:
            raise type(e)(str(e) if str(network_file) in str(e) else f"{network_file}: {e}") from None
        if weights:
            self.copy_from(weights)

    def _build(self, description, state):
        param = graph.insert_splits(graph.filter_net(description, state))
        self.name = param.name
        self.layers, self._layer_names = [], []
        self.blobs: Dict[str, Blob] = OrderedDict()
        self.params: Dict[str, list] = OrderedDict()
        self.top_names: Dict[str, List[str]] = OrderedDict()
        self.bottom_names: Dict[str, List[str]] = OrderedDict()
        self._bottoms, self._tops = [], []
        inputs: List[str] = []
        owners: Dict[str, tuple] = {}
        available: Dict[str, None] = OrderedDict()
        for layer_param in param.layer:
            layer = create(layer_param, state.phase)
            bottom = [self.blobs[name] for name in layer_param.bottom]
            for name in layer_param.bottom:
                available.pop(name, None)
            top = [self.blobs.setdefault(name, Blob(0)) for name in layer_param.top]
            available.update((name, None) for name in layer_param.top)
            layer.check_counts(bottom, top)
            layer.setup(bottom, top)
            _share_params(layer, owners)
            layer.reshape(bottom, top)
            if layer_param.type == "Input":
                inputs += layer_param.top
            self.layers.append(layer)
            self._layer_names.append(layer.name)
            self._bottoms.append(bottom)
            self._tops.append(top)
            self.top_names[layer.name], self.bottom_names[layer.name] = list(layer_param.top), list(layer_param.bottom)
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
        self._plan = graph.BackwardPlan(
            param, self.layers, [list(p.bottom) for p in param.layer], [list(p.top) for p in param.layer],
            [list(p.loss_weight) for p in param.layer],
        )  # fmt: skip

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
                raise CaffeError(f"input arguments {sorted(kwargs)} do not match the net's inputs {sorted(self.inputs)}")
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
        names = set((self.bottom_names[end] if end is not None else self.inputs) + list(diffs or []))
        if kwargs:
            if set(kwargs) != set(self.outputs):
                raise CaffeError(f"diff arguments {sorted(kwargs)} do not match the net's outputs {sorted(self.outputs)}")
            self._fill(kwargs, "diff")
        self._backward(first, last)
        return {name: self.blobs[name].diff for name in names}

    def forward_all(self, blobs=None, **kwargs):
        """Run forward over any number of inputs, in batches of the net's size; the last one is filled up with zeros.

        Keyword arguments are arrays for the net's inputs, all of them. Returns a dict of name to a new array, one entry per input,
        of the net's outputs and of the further `blobs` named.
        """
        names = list(dict.fromkeys([*self.outputs, *(blobs or [])]))
        collected: Dict[str, list] = {name: [] for name in names}
        count = len(next(iter(kwargs.values()))) if kwargs else 0
        size = self.blobs[self.inputs[0]].shape[0] if self.inputs else 0
        for first in range(0, count, max(size, 1)):
            batch = {name: _padded(array[first : first + size], size) for name, array in kwargs.items()}
            done = self.forward(blobs=blobs, **batch)
            for name in names:
                collected[name].extend(done[name].copy())
        return {name: np.asarray(values)[:count] for name, values in collected.items()}

    def _fill(self, arrays, which):
        for name, array in arrays.items():
            target = getattr(self.blobs[name], which)
            if len(array) != len(target):
                raise ShapeError(f'"{name}" has {len(target)} items in its batch but {len(array)} were given; reshape the blob first')
            target[...] = array

    def _forward(self, first, last):
        with threads.one_threaded_blas():
            done = first - 1
            for i in range(first, last + 1):
                if i <= done:
                    continue
                # each layer fits its tops to its bottoms first, as in Caffe: what lies behind `last` is not touched
                self.layers[i].reshape(self._bottoms[i], self._tops[i])
                if i in self._relu_behind and i < last:
                    self.layers[i].forward(self._bottoms[i], self._tops[i], self._relu_behind[i])
                    done = i + 1
                else:
                    self.layers[i].forward(self._bottoms[i], self._tops[i])

    def _backward(self, first, last):
        with threads.one_threaded_blas():
            for i in range(first, last - 1, -1):
                if self._plan.layers[i]:
                    self.layers[i].backward(self._tops[i], self._plan.bottoms[i], self._bottoms[i])

    def reshape(self):
        """Fit every blob to the inputs' shapes. Raises ShapeError at the first layer that cannot follow."""
        for layer, bottom, top in zip(self.layers, self._bottoms, self._tops):
            layer.reshape(bottom, top)

    def copy_from(self, path):
        """Load the weights of the layers that a caffemodel (V1 or V2) has under the same names.

        Layers that only one side has are passed over, as in Caffe. Raises WeightsError where shapes differ.
        """
        for source in read_caffemodel(path).layer:
            if source.name not in self.params:
                continue
            blobs = self.params[source.name]
            if len(blobs) != len(source.blobs):
                raise WeightsError(f'{path}: layer "{source.name}" has {len(source.blobs)} parameter blobs but the net has {len(blobs)}')
            for i, (blob, proto) in enumerate(zip(blobs, source.blobs)):
                shape = blob_shape(proto)
                if shape != blob.shape and (max(len(shape), len(blob.shape)) > 4 or _four_axes(shape) != _four_axes(blob.shape)):
                    raise WeightsError(
                        f'{path}: layer "{source.name}" parameter {i} has shape {shape} but the net has {blob.shape}; '
                        "the weights belong to another net, or rename the layer to start it fresh"
                    )
                values = blob_values(proto)
                if values.size != blob.count:
                    raise WeightsError(f'{path}: layer "{source.name}" parameter {i} says {shape} but holds {values.size} values')
                blob.data[...] = values.reshape(blob.shape)

    def save(self, path):
        """Write the net's weights as a V2 caffemodel; whole or not at all."""
        out = caffe_pb2.NetParameter(name=self.name)
        for layer in self.layers:
            if layer.layer_param.type == "Split":
                continue
            proto = out.layer.add()
            proto.CopyFrom(layer.layer_param)
            del proto.blobs[:]
            proto.blobs.extend(blob_proto(blob.data) for blob in layer.blobs)
        partial = f"{path}.part"
        try:
            with open(partial, "wb") as f:
                f.write(out.SerializeToString())
            os.replace(partial, path)
        finally:
            if os.path.exists(partial):
                os.unlink(partial)


def _padded(array, size):
    """The array with zeros behind it, up to `size` entries."""
    array = np.asarray(array)
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)]) if len(array) < size else array


def _share_params(layer, owners):
    """Let the layer's parameters that have a name use the memory of the first of that name; owners: {name: (layer's name, blob)}."""
    for blob, spec in zip(layer.blobs, layer.layer_param.param):
        if not spec.name:
            continue
        if spec.name not in owners:
            owners[spec.name] = layer.name, blob
            continue
        first, owner = owners[spec.name]
        if blob.count != owner.count or (blob.shape != owner.shape and spec.share_mode != spec.PERMISSIVE):
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
