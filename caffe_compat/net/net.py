"""Net: pycaffe's net, run forward and backward by names, whole or in part."""

import difflib
import os
from collections import OrderedDict
from itertools import zip_longest
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union, cast

import numpy as np

from netfile.prototxt import read_prototxt

from ..errors import CaffeError, LayerNameError, ShapeError, WeightsError
from ..layer_types.data import MemoryData
from ..layer_types.registry import Layer
from ..proto import caffe_pb2
from . import weights
from .build import build
from .run import AFTER_BACKWARD, AFTER_FORWARD, BEFORE_BACKWARD, BEFORE_FORWARD, Passes

PathLike = Union[str, "os.PathLike[str]"]
Arrays = Dict[str, np.ndarray]


class Net:
    """A net, as pycaffe has it.

    Net(prototxt, phase, level=0, stages=None, weights=None), or in the older form Net(prototxt,
    caffemodel, phase). `blobs` (OrderedDict of name to Blob) holds every blob in the order in
    which the layers make them, those of the inserted Split layers too; `params` (OrderedDict of
    layer name to a list of Blobs) each layer's parameters.

    Raises:
        FileNotFoundError: a file is missing.
        PrototxtError, WeightsError, ShapeError: where Caffe would abort.
    """

    def __init__(self, network_file: PathLike, *args: Any, **kwargs: Any) -> None:
        phase, trained, level, stages = _constructor_arguments(*args, **kwargs)
        if not os.path.exists(network_file):
            raise FileNotFoundError(f"no such prototxt: {network_file}")
        if trained and not os.path.exists(trained):
            raise FileNotFoundError(f"no such caffemodel: {trained}")
        state = caffe_pb2.NetState(phase=phase, level=level, stage=stages or [])
        try:
            parts = build(read_prototxt(network_file, caffe_pb2), state)
            self._passes = Passes(parts)
        except (CaffeError, RecursionError) as e:
            raise type(e)(
                str(e) if str(network_file) in str(e) else f"{network_file}: {e}"
            ) from None
        self.name, self.layers, self.blobs, self.params = (
            parts.name,
            parts.layers,
            parts.blobs,
            parts.params,
        )
        self.inputs, self.outputs = parts.inputs, parts.outputs
        self._layer_names = [layer.name for layer in parts.layers]
        self.top_names: Dict[str, List[str]] = OrderedDict(zip(self._layer_names, parts.top_names))
        self.bottom_names: Dict[str, List[str]] = OrderedDict(
            zip(self._layer_names, parts.bottom_names)
        )
        if trained:
            self.copy_from(trained)

    @property
    def blob_loss_weights(self) -> Dict[str, float]:
        """The weight of each blob in the loss, by name."""
        by_name = OrderedDict((name, 0.0) for name in self.blobs)
        for name, given in zip(self._layer_names, self._passes.parts.loss_weights):
            pairs = zip(self.top_names[name], given)
            by_name.update((top, float(weight)) for top, weight in pairs if weight)
        return by_name

    @property
    def _blob_names(self) -> List[str]:
        return list(self.blobs)

    @property
    def layer_dict(self) -> Dict[str, Layer]:
        """Layers by name."""
        return OrderedDict(zip(self._layer_names, self.layers))

    def _index(self, layer: str) -> int:
        try:
            return self._layer_names.index(layer)
        except ValueError:
            near = difflib.get_close_matches(str(layer), self._layer_names, 3, 0.4)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise LayerNameError(f'the net has no layer "{layer}"{hint}') from None

    def forward(
        self,
        blobs: Optional[Sequence[str]] = None,
        start: Optional[str] = None,
        end: Optional[str] = None,
        **kwargs: Any,
    ) -> Arrays:
        """Run the layers from `start` to `end`, both layer names, inclusive; by default all.

        Args:
            blobs: names of further blobs to return.
            kwargs: arrays for the net's inputs, all of them.

        Returns: a dict of name to data (live arrays) of the tops of `end` (by default the net's
            outputs), and of `blobs`.
        """
        first = self._index(start) if start is not None else 0
        last = self._index(end) if end is not None else len(self.layers) - 1
        names = set((self.top_names[end] if end is not None else self.outputs) + list(blobs or []))
        self._fill(kwargs, "data", self.inputs, "input")
        self._forward(first, last)
        return {name: self.blobs[name].data for name in names}

    def backward(
        self,
        diffs: Optional[Sequence[str]] = None,
        start: Optional[str] = None,
        end: Optional[str] = None,
        **kwargs: Any,
    ) -> Arrays:
        """Run the layers backward from `start` down to `end`, both layer names, inclusive.

        By default all. Every layer on the way runs, side branches too, from whatever diffs its tops
        hold.

        Args:
            diffs: names of further blobs whose diffs to return.
            kwargs: gradients for the net's outputs, all of them.

        Returns: a dict of name to diff (live arrays) of the bottoms of `end` (by default the net's
            inputs), and of the blobs in `diffs`.
        """
        first = self._index(start) if start is not None else len(self.layers) - 1
        last = self._index(end) if end is not None else 0
        names = set(
            (self.bottom_names[end] if end is not None else self.inputs) + list(diffs or [])
        )
        self._fill(kwargs, "diff", self.outputs, "output")
        self._backward(first, last)
        return {name: self.blobs[name].diff for name in names}

    def forward_all(self, blobs: Optional[Sequence[str]] = None, **kwargs: Any) -> Arrays:
        """Run forward over any number of inputs, in batches of the net's size.

        The last batch is filled up with zeros.

        Args:
            blobs: names of further blobs to return.
            kwargs: arrays for the net's inputs, all of them.

        Returns: a dict of name to a new array, an entry per input: the net's outputs and `blobs`.
        """
        count = len(next(iter(kwargs.values()))) if kwargs else 0
        collected = _Collected([*self.outputs, *(blobs or [])], count)
        for batch in self._batch(kwargs):
            collected.add(self.forward(blobs=blobs, **batch))
        return collected.arrays()

    def forward_backward_all(
        self,
        blobs: Optional[Sequence[str]] = None,
        diffs: Optional[Sequence[str]] = None,
        **kwargs: Any,
    ) -> Tuple[Arrays, Arrays]:
        """Run forward and backward over any number of inputs, in batches of the net's size.

        Args:
            blobs, diffs: names of further blobs to return the data, and the diffs, of.
            kwargs: arrays for the net's inputs, and gradients for its outputs.

        Returns: two dicts of name to a new array, one entry per input: of the net's outputs and
            `blobs`, and of the gradients of its inputs and `diffs`.
        """
        count = len(next(iter(kwargs.values()))) if kwargs else 0
        forward = _Collected([*self.outputs, *(blobs or [])], count)
        backward = _Collected([*self.inputs, *(diffs or [])], count)
        given = self._batch({name: kwargs[name] for name in self.inputs if name in kwargs})
        wanted = self._batch({name: kwargs[name] for name in self.outputs if name in kwargs})
        for inputs, gradients in zip_longest(given, wanted):
            forward.add(self.forward(blobs=blobs, **(inputs or {})))
            backward.add(self.backward(diffs=diffs, **(gradients or {})))
        return forward.arrays(), backward.arrays()

    def _batch(self, arrays: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
        """Cut arrays into batches of the net's size, {name: array} each.

        The last one is filled up with zeros.
        """
        count = len(next(iter(arrays.values()))) if arrays else 0
        size = next(iter(self.blobs.values())).shape[0] if self.blobs else 1
        for first in range(0, count, max(size, 1)):
            yield {
                name: _padded(array[first : first + size], size) for name, array in arrays.items()
            }

    def _fill(self, arrays: Dict[str, Any], which: str, names: List[str], kind: str) -> None:
        """Copy arrays, where any are given, into the `data` or `diff` of all blobs named."""
        if arrays and set(arrays) != set(names):
            raise CaffeError(
                f"{kind} arguments {sorted(arrays)} do not match the net's {kind}s {sorted(names)}"
            )
        for name, array in arrays.items():
            target = getattr(self.blobs[name], which)
            if len(array) != len(target):
                raise ShapeError(
                    f'"{name}" has {len(target)} items in its batch but {len(array)} were given; '
                    "reshape the blob first"
                )
            target[...] = array

    def _forward(self, first: int, last: int) -> float:
        """Run the layers from number `first` to `last`; returns the loss."""
        return self._passes.forward(first, last)

    def _backward(self, first: int, last: int) -> None:
        """Run the layers from number `first` down to `last`."""
        self._passes.backward(first, last)

    def reshape(self) -> None:
        """Fit every blob to the inputs' shapes. Raises ShapeError at the first that cannot be."""
        self._passes.reshape(0, len(self.layers) - 1)

    def clear_param_diffs(self) -> None:
        """Set the gradients of all parameters to zero."""
        for blobs in self.params.values():
            for blob in blobs:
                blob.diff[...] = 0

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Feed a net whose first layer is MemoryData.

        data (N, channels, height, width) and labels (N,), float32 and C-contiguous, are kept, not
        copied.
        """
        if not self.layers or self.layers[0].type != "MemoryData":
            raise CaffeError(
                "set_input_arrays may only be called if the first layer is a MemoryData layer"
            )
        cast(MemoryData, self.layers[0]).set_arrays(data, labels)

    def share_with(self, other: "Net") -> None:
        """Use another net's parameters (data, not diff) in the layers that both have.

        Raises WeightsError where shapes differ.
        """
        for name, blobs in self.params.items():
            for i, (blob, source) in enumerate(zip(blobs, other.params.get(name, []))):
                if blob.shape != source.shape:
                    raise WeightsError(
                        f'layer "{name}" parameter {i} has shape {blob.shape} here and '
                        f"{source.shape} in the other net"
                    )
                blob.share_data(source)

    def copy_from(self, path: PathLike) -> None:
        """Load the parameters that a caffemodel (V0, V1, V2) or an HDF5 file has.

        Layers are found by their names; those that only one side has are passed over, as in Caffe.
        Raises WeightsError where shapes differ.
        """
        weights.copy_into(self.params, path)

    def save(self, path: PathLike) -> None:
        """Write the net's weights as a V2 caffemodel; whole or not at all."""
        weights.save(self.name, self.layers, path)

    def load_hdf5(self, path: PathLike) -> None:
        """Load parameters from an HDF5 file; needs h5py."""
        weights.load_hdf5(self.params, path)

    def save_hdf5(self, path: PathLike, write_diff: bool = False) -> None:
        """Write parameters (and gradients) as an HDF5 file, laid out as Caffe does; needs h5py."""
        weights.save_hdf5(self.params, path, write_diff)

    def before_forward(self, call: Callable[[int], Any]) -> None:
        """Call this with a layer's number before each layer's forward pass."""
        self._passes.calls[BEFORE_FORWARD].append(call)

    def after_forward(self, call: Callable[[int], Any]) -> None:
        """Call this with a layer's number after each layer's forward pass."""
        self._passes.calls[AFTER_FORWARD].append(call)

    def before_backward(self, call: Callable[[int], Any]) -> None:
        """Call this with a layer's number before each layer's backward pass."""
        self._passes.calls[BEFORE_BACKWARD].append(call)

    def after_backward(self, call: Callable[[int], Any]) -> None:
        """Call this with a layer's number after each layer's backward pass."""
        self._passes.calls[AFTER_BACKWARD].append(call)


class _Collected:
    """What batches give, put together: name to an array of `count` entries."""

    def __init__(self, names: Sequence[str], count: int) -> None:
        self._parts: Dict[str, List[np.ndarray]] = {name: [] for name in dict.fromkeys(names)}
        self._count = count

    def add(self, arrays: Arrays) -> None:
        for name, parts in self._parts.items():
            parts.append(np.atleast_1d(arrays[name]).copy())

    def arrays(self) -> Arrays:
        return {
            name: np.concatenate(parts)[: self._count] if parts else np.zeros(0, np.float32)
            for name, parts in self._parts.items()
        }


def _padded(array: Any, size: int) -> np.ndarray:
    """The array with zeros after it, up to `size` entries."""
    array = np.asarray(array)
    if len(array) >= size:
        return array
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])


def _constructor_arguments(
    *args: Any, phase: Any = None, weights: Any = None, level: int = 0, stages: Any = None
) -> Tuple[int, Any, int, Any]:
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
