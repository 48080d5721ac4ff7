"""Net: pycaffe's net, run forward and backward by names, whole or in part."""

import os
from functools import partial
from itertools import zip_longest
from typing import (
    Any,
    Callable,
    ContextManager,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from netfile.prototxt import read_prototxt

from .. import devices
from ..errors import (
    CaffeError,
    DeviceError,
    InputArrayError,
    MissingFileError,
    ShapeError,
    WeightsError,
)
from ..layer_types.data import MemoryData
from ..proto import caffe_pb2
from . import batches, weights
from .batches import Arrays
from .build import build
from .late import LateArrays
from .listed import Listed
from .names import Names
from .run import AFTER_BACKWARD, AFTER_FORWARD, BEFORE_BACKWARD, BEFORE_FORWARD, Passes

PathLike = Union[str, bytes, "os.PathLike[str]"]


class Net(Listed):
    """A net, as pycaffe has it.

    Net(prototxt, phase, level=0, stages=None, weights=None), or in the older form Net(prototxt,
    caffemodel, phase).

    Raises:
        MissingFileError: a file is missing.
        PrototxtError, WeightsError, ShapeError: where Caffe would abort.
    """

    def __init__(
        self,
        network_file: PathLike,
        phase: Any,
        level: Optional[int] = None,
        stages: Optional[Iterable[str]] = None,
        weights: Optional[PathLike] = None,
    ) -> None:
        if isinstance(phase, (str, bytes, os.PathLike)):  # the older form
            phase, level, weights = level, None, phase
        level = 0 if level is None else level
        _check_arguments(network_file, phase, level)
        network_file = os.fsdecode(network_file)
        weights = None if weights is None else os.fsdecode(weights)
        for kind, path in (("prototxt", network_file), ("caffemodel", weights)):
            if path is not None and not os.path.exists(path):
                raise MissingFileError(f"no such {kind}: {path}")
        state = caffe_pb2.NetState(phase=phase, level=level, stage=stages or [])
        self._build(lambda: read_prototxt(network_file, caffe_pb2), state, network_file)
        if weights is not None:
            self.copy_from(weights)

    @classmethod
    def _described(cls, description: Any, state: Any, source: str) -> "Net":
        """The net of a NetParameter, for a NetState; errors name its source."""
        net = cls.__new__(cls)
        net._build(lambda: description, state, source)
        return net

    def _build(self, describe: Callable[[], Any], state: Any, source: str) -> None:
        try:
            self._parts = build(describe(), state)
            self._passes = Passes(self._parts)
            self._names = Names(self._parts)
        except (CaffeError, RecursionError) as e:
            raise type(e)(str(e) if source in str(e) else f"{source}: {e}") from None

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
        first = self._names.index(start) if start is not None else 0
        last = self._names.index(end) if end is not None else len(self._parts.layers) - 1
        names = set((self.top_names[end] if end is not None else self.outputs) + list(blobs or []))
        self._fill(kwargs, "data", self.inputs, "input")
        self._passes.lean.keep(names)
        self._forward(first, last)
        return self._arrays(names, "data")

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
        first = self._names.index(start) if start is not None else len(self._parts.layers) - 1
        last = self._names.index(end) if end is not None else 0
        names = set(
            (self.bottom_names[end] if end is not None else self.inputs) + list(diffs or [])
        )
        self._fill(kwargs, "diff", self.outputs, "output")
        self._passes.lean.keep(names)
        self._backward(first, last)
        return self._arrays(names, "diff")

    def _arrays(self, names: Iterable[str], which: str) -> Arrays:
        """{name: data or diff}; in GPU mode each comes from the device when it is looked up."""
        read = {name: partial(getattr, self.blobs[name], which) for name in names}
        if devices.on_gpu():
            return LateArrays(read)
        return {name: array() for name, array in read.items()}

    _device_errors = (DeviceError,)

    @property
    def _computing(self) -> Optional[ContextManager[None]]:
        """In GPU mode the context in which a program computes with tensors of blobs; else None."""
        return devices.computing_here() if devices.on_gpu() else None

    @property
    def _gives_up_exactness(self) -> bool:
        """Whether passes are faster and less exact in GPU mode (set_fast)."""
        return devices.is_fast()

    def forward_all(self, blobs: Optional[Sequence[str]] = None, **kwargs: Any) -> Arrays:
        """Run forward over any number of inputs, in batches of the net's size.

        The last batch is filled up with zeros.

        Args:
            blobs: names of further blobs to return.
            kwargs: arrays for the net's inputs, all of them.

        Returns: a dict of name to a new array, an entry per input: the net's outputs and `blobs`.
        """
        count = batches.count(kwargs)
        collected = batches.Collected([*self.outputs, *(blobs or [])], count)
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
        count = batches.count(kwargs)
        forward = batches.Collected([*self.outputs, *(blobs or [])], count)
        backward = batches.Collected([*self.inputs, *(diffs or [])], count)
        given = self._batch({name: kwargs[name] for name in self.inputs if name in kwargs})
        wanted = self._batch({name: kwargs[name] for name in self.outputs if name in kwargs})
        for inputs, gradients in zip_longest(given, wanted):
            forward.add(self.forward(blobs=blobs, **(inputs or {})))
            backward.add(self.backward(diffs=diffs, **(gradients or {})))
        return forward.arrays(), backward.arrays()

    def _batch(self, blobs: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
        """Cut arrays into batches of the net's size, {name: array} each.

        The last one is filled up with zeros.
        """
        size = next(iter(self.blobs.values())).shape[0] if self.blobs else 1
        return batches.cut(blobs, size)

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
        self._names.check_span(first, last)
        return self._passes.forward(first, last)

    def _backward(self, first: int, last: int) -> None:
        """Run the layers from number `first` down to `last`."""
        self._names.check_span(last, first)
        self._passes.backward(first, last)

    def _merge_splits(self) -> None:
        """Let the next backward pass sum in a new net's order, whose diffs nobody has looked at.

        Arrays of the diffs of Splits' tops that were taken before are live no more.
        """
        self._passes.merge_splits()

    def lean(self, keep: Iterable[str] = ()) -> ContextManager[None]:
        """Context in which passes from the first layer on hold no more memory than they need.

        A blob's data are given up when no further layer reads them, forward or backward, and its
        diff when the layer that makes it has run backward. Results are the same to the bit. The
        net's inputs, the blobs named in `keep`, and those that a program looks at in the meantime
        keep theirs. Data that were given up are computed again when somebody looks at them; a diff
        that was given up raises CaffeError within the context, and is zero after it. Gradients of
        weights are computed only for those at whose diff a program has looked before the pass.
        Raises CaffeError for a name in `keep` that no blob has.

        Arrays that were taken before of blobs that are given up are live no more. In GPU mode, in
        nets with Python or Filter layers, and while functions are called around the layers, passes
        are as ever.
        """
        keep = [keep] if isinstance(keep, str) else list(keep)
        for name in keep:
            if name not in self._parts.blobs:
                raise CaffeError(f'lean(keep=...): the net has no blob "{name}"')
        return self._passes.lean.entered(keep)

    def reshape(self) -> None:
        """Fit every blob to the inputs' shapes. Raises ShapeError at the first that cannot be."""
        self._passes.reshape(0, len(self._parts.layers) - 1)

    def clear_param_diffs(self) -> None:
        """Set the gradients of all parameters to zero."""
        for blobs in self._parts.params.values():
            for blob in blobs:
                blob.pending = None
                blob.clear_diff()

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Feed a net whose first layer is MemoryData.

        data (N, channels, height, width) and labels (N,) or (N, 1, 1, 1), float32 and C-contiguous,
        are kept, not copied; labels (N,) need not be contiguous. N is a multiple of the batch size.
        """
        if labels.ndim == 1:
            labels = np.ascontiguousarray(labels[:, None, None, None])
        self._set_input_arrays(data, labels)

    def _set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        first = self._parts.layers[0] if self._parts.layers else None
        if not isinstance(first, MemoryData):
            raise InputArrayError(
                "set_input_arrays may only be called if the first layer is a MemoryData layer, "
                f"not {first.type if first else 'in a net without layers'}"
            )
        first.set_arrays(data, labels)

    def share_with(self, other: "Net") -> None:
        """Use another net's parameters (data, not diff) in the layers that both have.

        Raises WeightsError where shapes differ.
        """
        if not isinstance(other, Net):
            raise TypeError(f"share_with takes a Net, not {other!r}")
        for name, blobs in self._parts.params.items():
            for i, (blob, source) in enumerate(zip(blobs, other._parts.params.get(name, []))):
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
        weights.copy_into(self._parts.params, os.fsdecode(path))

    def save(self, path: PathLike) -> None:
        """Write the net's weights as a V2 caffemodel; whole or not at all."""
        weights.save(self._parts.name, self._parts.layers, os.fsdecode(path))

    def load_hdf5(self, path: PathLike) -> None:
        """Load parameters from an HDF5 file; needs h5py."""
        weights.load_hdf5(self._parts.params, os.fsdecode(path))

    def save_hdf5(self, path: PathLike, write_diff: bool = False) -> None:
        """Write parameters (and gradients) as an HDF5 file, laid out as Caffe does; needs h5py."""
        weights.save_hdf5(self._parts.params, os.fsdecode(path), write_diff)

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


def _check_arguments(network_file: Any, phase: Any, level: Any) -> None:
    """Raise TypeError for what no form of Net's arguments has."""
    if not isinstance(network_file, (str, bytes, os.PathLike)):
        raise TypeError(f"Net takes the path of a prototxt, not {network_file!r}")
    if not isinstance(phase, (int, np.integer)) or phase not in (caffe_pb2.TRAIN, caffe_pb2.TEST):
        raise TypeError(f"phase must be caffe.TRAIN (0) or caffe.TEST (1), not {phase!r}")
    if not isinstance(level, (int, np.integer)):
        raise TypeError(f"level must be a whole number, not {level!r}")
