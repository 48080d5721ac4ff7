"""The layer base class, and the registry by Caffe's type string."""

import difflib
import math
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple, Type, TypeVar

import numpy as np

from netfile.faults.forks import layer_of_a_fork

from .. import devices, glog, limits
from ..blob import Blob, ParamBlob
from ..errors import PrototxtError, ShapeError, UnknownLayerTypeError
from ..fillers import fill
from ..handles import StringVec
from ..proto import caffe_pb2
from ..synced_memory import reading

Counts = Tuple[int, Optional[int]]
Blobs = List[Blob]
Slopes = List[Optional[float]]  # for each bottom: that of a ReLU, or None where there is none
LAYERS: Dict[str, Type["Layer"]] = {}
# Caffe's layers that are rejected by name
REJECTED = {
    "HDF5Output": "writes an HDF5 file",
    "WindowData": "reads a list of picture windows",
}


class Layer:
    """One layer of a net.

    `setup` runs once, `reshape` before each forward pass, as in Caffe. `bottom` and `top` are
    lists of Blobs. `backward` overwrites the diffs of the bottoms whose `propagate_down` is true,
    from those of the tops.
    """

    type = ""
    bottoms: Counts = (1, 1)  # fewest and most blobs, None: no limit
    tops: Counts = (1, 1)
    in_place = False  # may a top be the same blob as its bottom?
    auto_top = False  # does a net add tops that have no name, as for losses?
    can_add = False  # does backward(..., add=True) add to the bottoms' diffs?
    # does backward(..., rectify=Slopes) take the gradients through in-place ReLUs on its bottoms?
    can_rectify = False
    no_gradient: Tuple[int, ...] = ()  # bottoms that have none: labels, indices
    views = False  # of a Concat: may the bottoms live in the top's memory?
    # which values its backward pass reads: its bottoms' ("x"), its tops' ("y"), or none (""); its
    # passes write all that they make. None: nothing is known, so a lean net keeps its blobs
    lean_reads: Optional[str] = None
    # are its passes on the CPU tasks of kernels.threads alone, and what it remembers arrays that
    # they write? Where other code computes for once, it says so: `threads.by_other_means`
    repeatable = False
    program: Any = None  # of a Python layer: the object of a program's that it runs
    # did its last forward pass run in GPU mode? None: there was none
    ran_on_gpu: Optional[bool] = None

    def __init__(self, param: Any, phase: int) -> None:
        self.layer_param, self.name, self.phase = param, param.name, phase
        self.blobs: List[ParamBlob] = []
        self._made: List[Tuple[int, ...]] = []  # the shapes that it made them in
        # for each parameter, whether backward passes compute its gradient; none given: they do
        self.learns: List[bool] = []
        # what `remember` keeps, of CPU mode and of GPU mode: (the bottom's shape, state)
        self._memories: Dict[bool, Tuple[Any, Any]] = {}

    def check_counts(self, bottom: Blobs, top: Blobs) -> None:
        """Raise PrototxtError where the layer takes other numbers of bottoms or tops."""
        for what, blobs, counts in (("bottom", bottom, self.bottoms), ("top", top, self.tops)):
            fewest, most = counts
            if fewest <= len(blobs) and (most is None or len(blobs) <= most):
                continue
            wanted = f"{fewest} or more" if most is None else f"{fewest} to {most}"
            raise PrototxtError(
                f'layer "{self.name}" ({self.type}) has {len(blobs)} {what} blobs but takes '
                f"{fewest if fewest == most else wanted}"
            )
        shared = {id(b) for b in bottom} & {id(t) for t in top}
        if shared and not self.in_place:
            raise PrototxtError(
                f'layer "{self.name}" ({self.type}) cannot run in place; give its top another name'
            )

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Read the layer's settings, and make its parameters."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Fit the tops to the bottoms. Raises ShapeError where that cannot be done."""
        raise NotImplementedError

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Compute the tops' data."""
        raise NotImplementedError

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Compute the diffs of bottoms whose propagate_down is true, and add the parameters'."""
        raise NotImplementedError

    def forward_gpu(self, bottom: Blobs, top: Blobs) -> None:
        """`forward` in GPU mode, on tensors; for types that have none, on the host."""
        self.forward_on_host(bottom, top, "layers have no GPU code")

    def backward_gpu(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """`backward` in GPU mode, on tensors; for types that have none, on the host."""
        self.backward_on_host(top, propagate_down, bottom)

    def forward_on_host(self, bottom: Blobs, top: Blobs, why: str = "") -> None:
        """`forward` on the host, after which the bottoms are still on the device.

        why: which layers of this type do so, to be said once.
        """
        if why:
            say_once(self.type, why)
        with reading((b.blocks[0] for b in bottom), (t.blocks[0] for t in top)):
            self.forward(bottom, top)

    def backward_on_host(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """`backward` on the host, after which what it reads is still on the device."""
        read = [b.blocks[0] for b in (*bottom, *top)] + [t.blocks[1] for t in top]
        with reading(read, [b.blocks[1] for b in bottom]):
            self.backward(top, propagate_down, bottom)

    def fits(self, bottom: Blobs, top: Blobs) -> bool:
        """Whether the blobs have the shapes of a forward pass still; else its gradient is zero."""
        return True

    @property
    def on_gpu(self) -> bool:
        """Whether its backward pass runs in GPU mode: where its forward pass did."""
        return devices.on_gpu() if self.ran_on_gpu is None else self.ran_on_gpu

    def remember(self, bottom: Blobs, state: Any) -> None:
        """Keep what the backward pass needs of this forward pass."""
        self._memories[self.on_gpu] = bottom[0].shape, state

    def recall(self, bottom: Blobs) -> Any:
        """What `remember` kept, or None if no forward pass has run at the bottom's present shape.

        A backward pass visits layers that its forward pass never reached; those have no gradient to
        give.
        """
        shape, state = self._memories.get(self.on_gpu, (None, None))
        return state if shape == bottom[0].shape else None

    @property
    def remembered(self) -> Tuple[Any, Any]:
        """What it has kept in CPU mode: (the bottom's shape, state); None of nothing."""
        return self._memories.get(False, (None, None))

    @staticmethod
    def new_blob() -> Blob:
        """An empty blob, for a layer that is made of others."""
        return Blob(0)

    def add_param(self, shape: Sequence[int], filler: Any) -> None:
        """Add a parameter of this shape, filled as the FillerParameter says; zeros for None."""
        limits.check(math.prod(shape), f'layer "{self.name}": a parameter of shape {tuple(shape)}')
        blob = ParamBlob(*shape)
        fill(blob, filler or caffe_pb2.FillerParameter())
        self.blobs.append(blob)
        self._made.append(blob.shape)

    def as_made(self, number: int, values: Any) -> Any:
        """A parameter's data or diff, an array or a tensor, in the shape that the layer made it in.

        A program may have given it another shape, or put another blob there. Raises ShapeError
        where there are more or fewer values, since compiled loops would not ask.
        """
        shape = self._made[number]
        if values.shape != shape and math.prod(values.shape) != math.prod(shape):
            raise ShapeError(
                f'layer "{self.name}": parameter {number} has shape {tuple(values.shape)}, '
                f"but the layer takes {shape}"
            )
        return values.reshape(shape)

    def add_gradients(self, *gradients: Callable[[], object]) -> None:
        """Add each parameter's gradient by its function, now or when its diff is first read.

        The gradients of parameters that do not learn are left out.
        """
        for i, (blob, gradient) in enumerate(zip(self.blobs, gradients)):
            if self.learns and not self.learns[i]:
                continue
            if blob.wanted:
                gradient()
            else:
                blob.pending = gradient

    def add_gpu_gradients(self, *gradients: Callable[[], object]) -> None:
        """`add_gradients` for functions that add to the diffs on the device."""
        self.add_gradients(*map(devices.computed, gradients))

    def canonical_axis(self, axis: int, blob: Blob) -> int:
        """`axis` counted from the first; raises PrototxtError where the blob has no such axis."""
        axes = len(blob.shape)
        if not -axes <= axis < axes:
            raise PrototxtError(
                f'layer "{self.name}": axis {axis} but its bottom has {axes} axes {blob.shape}'
            )
        return axis % axes

    def need_four_axes(self, blob: Blob) -> None:
        """Raise ShapeError for a bottom that is not (num, channels, height, width)."""
        if len(blob.shape) != 4:
            raise ShapeError(
                f'layer "{self.name}": its bottom must have 4 axes (num, channels, height, width), '
                f"not {blob.shape}"
            )

    def need_positive(self, **settings: Any) -> None:
        """Raise PrototxtError where a setting, a number or several, is less than 1."""
        numbers = [v for value in settings.values() for v in np.atleast_1d(value)]
        if min(numbers, default=1) < 1:
            *first, last = (f"{name} {value}" for name, value in settings.items())
            listed = f"{', '.join(first)} and {last}" if first else last
            raise PrototxtError(f'layer "{self.name}": {listed} must be at least 1')

    def need_one_or_each(self, count: int, tops: int, what: str, none: bool = False) -> None:
        """Raise PrototxtError where a setting is given neither once nor once for each top.

        none: it may also be left out.
        """
        if count not in (1, tops) and not (none and count == 0):
            raise PrototxtError(
                f'layer "{self.name}" has {tops} tops but {count} {what}; '
                f"give {'none, one,' if none else 'one,'} or one for each top"
            )


class SameShape(Layer):
    """A layer whose top has its bottom's shape, and may be its bottom."""

    in_place = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape_like(bottom[0])

    def fits(self, bottom: Blobs, top: Blobs) -> bool:
        return top[0].shape == bottom[0].shape


class Source(Layer):
    """A layer without bottoms, and so without gradients to compute."""

    bottoms = (0, 0)
    tops: Counts = (1, None)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        pass

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        pass

    def forward_gpu(self, bottom: Blobs, top: Blobs) -> None:
        self.forward(bottom, top)  # where values come from is the host, as in Caffe

    def backward_gpu(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        pass


def around(blob: Blob, axis: int) -> Tuple[int, int, int]:
    """The blob's counts before, at and after an axis."""
    return math.prod(blob.shape[:axis]), blob.shape[axis], math.prod(blob.shape[axis + 1 :])


def counted(values: np.ndarray, ignored: Optional[int]) -> np.ndarray:
    """Which of these labels count: all but those that are `ignored`."""
    return np.ones(values.shape, bool) if ignored is None else values != ignored


def whole_numbers(layer: Layer, values: np.ndarray, limit: int, what: str) -> np.ndarray:
    """Values as whole numbers. Raises ShapeError for one that is not from 0 to limit - 1."""
    numbers = values.astype(np.int64)
    if numbers.size and not (numbers.min() >= 0 and numbers.max() < limit):
        wrong = numbers[(numbers < 0) | (numbers >= limit)].flat[0]
        raise ShapeError(
            f'layer "{layer.name}": there is no {what} {wrong}; '
            f"they are numbered from 0 to {limit - 1}"
        )
    return numbers


AnyLayer = TypeVar("AnyLayer", bound=Type[Layer])


def register(cls: AnyLayer) -> AnyLayer:
    """Class decorator: make a Layer known by its `type`."""
    if cls.type in LAYERS:
        raise ValueError(f'layer type "{cls.type}" is registered twice')
    LAYERS[cls.type] = cls
    return cls


Forward = Callable[[Any, Blobs, Blobs], None]
Backward = Callable[[Any, Blobs, Sequence[bool], Blobs], None]
# types of which it has been said that they run on the host, and why
_said: Set[Tuple[str, str]] = set()


def twin(cls: Type[Layer], forward: Forward, backward: Backward) -> None:
    """Give a Layer its forward_gpu and backward_gpu; types derived from it have them too.

    `backward` is called where the blobs fit.
    """

    def backward_where_it_fits(
        layer: Layer, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
    ) -> None:
        if layer.fits(bottom, top):
            backward(layer, top, propagate_down, bottom)
            return
        for blob, wanted in zip(bottom, propagate_down):
            if wanted:
                blob.mutable_gpu_diff.zero_()

    if "forward_gpu" in vars(cls):
        raise ValueError(f'layer type "{cls.type}" has two twins in GPU mode')
    setattr(cls, "forward_gpu", forward)  # noqa: B010  for mypy
    setattr(cls, "backward_gpu", backward_where_it_fits)  # noqa: B010


def say_once(kind: str, why: str) -> None:
    """Log, once for each type and reason, why its layers run on the CPU in GPU mode."""
    if (kind, why) not in _said:
        _said.add((kind, why))
        glog.warning("layer.hpp:331", f"{kind} {why}: they run on the CPU")


def loss_weights(param: Any, layer: Layer) -> List[float]:
    """The loss weight of each top: as given, else 1 for a loss's first top and 0 for all others."""
    given, tops = list(param.loss_weight), max(len(param.top), int(layer.auto_top))
    if given and len(given) != tops:
        raise PrototxtError(
            f'layer "{param.name}" has {tops} tops but {len(given)} values of loss_weight; '
            "give one for each top, or none"
        )
    return given or [1.0 if layer.auto_top and i == 0 else 0.0 for i in range(tops)]


def layer_type_list() -> StringVec:
    """Names of Caffe's layer types, those that are REJECTED among them."""
    return StringVec._over(sorted({*LAYERS, *REJECTED}))


def _rejection(param: Any) -> str:
    """What is wrong with a layer that is REJECTED, and the workaround."""
    tops = " ".join(f'top: "{top}"' for top in param.top)
    instead = (
        f'replace it with layer {{ name: "{param.name}" type: "Input" {tops} '
        "input_param { shape { dim: ... } } }"
        if tops
        else "leave it out"
    )
    return (
        f'layer "{param.name}" ({param.type}) {REJECTED[param.type]}, '
        f"which this engine does not; {instead}, "
        "and read or write net.blobs[...].data in the program"
    )


def create(param: Any, phase: int) -> Layer:
    """The layer that a LayerParameter describes.

    Raises UnknownLayerTypeError with the nearest and all known names.
    """
    cls = LAYERS.get(param.type)
    if param.type in REJECTED:
        raise UnknownLayerTypeError(_rejection(param))
    if cls is None and layer_of_a_fork(param.type):
        raise UnknownLayerTypeError(f'layer "{param.name}": {layer_of_a_fork(param.type)}')
    if cls is None:
        by_lower = {name.lower(): name for name in LAYERS}
        near = difflib.get_close_matches(param.type.lower(), by_lower, 1)
        hint = f' Did you mean "{by_lower[near[0]]}"?' if near else ""
        raise UnknownLayerTypeError(
            f'layer "{param.name}": unknown type "{param.type}".{hint} '
            f"Known: {', '.join(sorted(LAYERS))}"
        )
    return cls(param, phase)
