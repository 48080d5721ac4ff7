"""The layer base class, and the registry by Caffe's type string."""

import difflib
import math
from typing import Dict, List, Optional, Tuple, Type

import numpy as np

from .. import limits
from ..blob import Blob, ParamBlob
from ..errors import PrototxtError, ShapeError, UnknownLayerTypeError
from ..fillers import fill
from ..proto import caffe_pb2

Counts = Tuple[int, Optional[int]]
LAYERS: Dict[str, Type["Layer"]] = {}
# Caffe's layers that are refused by name
READERS = {
    "Data": "a database (LMDB or LevelDB)", "ImageData": "a list of picture files", "HDF5Data": "HDF5 files",
    "HDF5Output": "an HDF5 file", "WindowData": "a list of picture windows",
}  # fmt: skip


class ParamBlobs(list):
    """A layer's parameters: pycaffe's BlobVec."""

    def add_blob(self, *shape):
        """A new parameter of this shape, all zeros (what a Python layer calls in its `setup`)."""
        self.append(ParamBlob(*shape))


class Layer:
    """One layer of a net.

    `setup` runs once, `reshape` before each forward pass, as in Caffe. `bottom` and `top` are lists of Blobs.
    `backward` overwrites the diffs of the bottoms whose `propagate_down` is true, from those of the tops.
    """

    type = ""
    bottoms: Counts = (1, 1)  # fewest and most blobs, None: no limit
    tops: Counts = (1, 1)
    in_place = False  # may a top be the same blob as its bottom?
    auto_top = False  # does a net add tops that are not named, as for losses?
    can_add = False  # does backward(..., add=True) add to the bottoms' diffs?
    no_gradient: Tuple[int, ...] = ()  # bottoms that have none: labels, indices

    def __init__(self, param, phase):
        self.layer_param, self.name, self.phase = param, param.name, phase
        self.blobs = ParamBlobs()
        self.learns: List[
            bool
        ] = []  # for each parameter, whether backward passes compute its gradient; none given: they do
        self._memory: tuple = (None, None)

    def check_counts(self, bottom, top):
        for what, found, (fewest, most) in (
            ("bottom", len(bottom), self.bottoms),
            ("top", len(top), self.tops),
        ):
            if found < fewest or (most is not None and found > most):
                wanted = (
                    f"{fewest}"
                    if fewest == most
                    else f"{fewest} or more"
                    if most is None
                    else f"{fewest} to {most}"
                )
                raise PrototxtError(
                    f'layer "{self.name}" ({self.type}) has {found} {what} blobs but takes {wanted}'
                )
        shared = {id(b) for b in bottom} & {id(t) for t in top}
        if shared and not self.in_place:
            raise PrototxtError(
                f'layer "{self.name}" ({self.type}) cannot run in place; give its top another name'
            )

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        raise NotImplementedError

    def forward(self, bottom, top):
        raise NotImplementedError

    def backward(self, top, propagate_down, bottom):
        raise NotImplementedError

    def remember(self, bottom, state):
        """Keep what the backward pass needs of this forward pass."""
        self._memory = bottom[0].shape, state

    def recall(self, bottom):
        """What `remember` kept, or None if no forward pass has run at the bottom's present shape.

        A backward pass visits layers that its forward pass never reached; those have no gradient to give.
        """
        shape, state = self._memory
        return state if shape == bottom[0].shape else None

    @staticmethod
    def new_blob():
        """An empty blob, for a layer that is made of others."""
        return Blob(0)

    def add_param(self, shape, filler):
        """A new parameter of this shape, filled as the FillerParameter says (at random, or not at all for None)."""
        limits.check(math.prod(shape), f'layer "{self.name}": a parameter of shape {tuple(shape)}')
        blob = ParamBlob(*shape)
        fill(blob, filler or caffe_pb2.FillerParameter())
        self.blobs.append(blob)

    def add_gradients(self, *gradients):
        """Add each parameter's gradient by calling its function: now, or when its diff is first read; not for those that do not learn."""
        for i, (blob, gradient) in enumerate(zip(self.blobs, gradients)):
            if self.learns and not self.learns[i]:
                continue
            if blob.wanted:
                gradient()
            else:
                blob.pending = gradient

    def canonical_axis(self, axis, blob):
        """`axis` counted from the front; raises PrototxtError where the blob has no such axis."""
        axes = len(blob.shape)
        if not -axes <= axis < axes:
            raise PrototxtError(
                f'layer "{self.name}": axis {axis} but its bottom has {axes} axes {blob.shape}'
            )
        return axis % axes


def around(blob, axis):
    """The blob's counts before, at and after an axis."""
    return math.prod(blob.shape[:axis]), blob.shape[axis], math.prod(blob.shape[axis + 1 :])


def whole_numbers(layer, values, limit, what):
    """Values as whole numbers. Raises ShapeError for one that is not from 0 to limit - 1."""
    numbers = values.astype(np.int64)
    if numbers.size and not (numbers.min() >= 0 and numbers.max() < limit):
        wrong = numbers[(numbers < 0) | (numbers >= limit)].flat[0]
        raise ShapeError(
            f'layer "{layer.name}": there is no {what} {wrong}; they are numbered from 0 to {limit - 1}'
        )
    return numbers


def register(cls):
    """Class decorator: make a Layer known by its `type`."""
    if cls.type in LAYERS:
        raise ValueError(f'layer type "{cls.type}" is registered twice')
    LAYERS[cls.type] = cls
    return cls


def loss_weights(param, cls):
    """The loss weight of each top: as given, else 1 for a loss's first top and 0 for all others."""
    given, tops = list(param.loss_weight), max(len(param.top), int(cls.auto_top))
    if given and len(given) != tops:
        raise PrototxtError(
            f'layer "{param.name}" has {tops} tops but {len(given)} values of loss_weight; give one for each top, or none'
        )
    return given or [1.0 if cls.auto_top and i == 0 else 0.0 for i in range(tops)]


def layer_type_list():
    """Names of Caffe's layer types; those that read or write files (READERS) are known, but refused when a net has one."""
    return sorted({*LAYERS, *READERS})


def _way_round(param):
    tops = " ".join(f'top: "{top}"' for top in param.top)
    instead = (
        "leave it out"
        if not tops
        else f'put layer {{ name: "{param.name}" type: "Input" {tops} input_param {{ shape {{ dim: ... }} }} }} in its place'
    )
    return (
        f'layer "{param.name}" ({param.type}) uses {READERS[param.type]}, which this engine does not; {instead}, '
        "and read or write net.blobs[...].data in the program"
    )


def create(param, phase):
    """The layer that a LayerParameter describes. Raises UnknownLayerTypeError with the nearest and all known names."""
    cls = LAYERS.get(param.type)
    if param.type in READERS:
        raise UnknownLayerTypeError(_way_round(param))
    if cls is None:
        by_lower = {name.lower(): name for name in LAYERS}
        near = difflib.get_close_matches(param.type.lower(), by_lower, 1)
        hint = f' Did you mean "{by_lower[near[0]]}"?' if near else ""
        raise UnknownLayerTypeError(
            f'layer "{param.name}": unknown type "{param.type}".{hint} Known: {", ".join(sorted(LAYERS))}'
        )
    return cls(param, phase)
