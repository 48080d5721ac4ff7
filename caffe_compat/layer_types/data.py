"""Layers that only hold data."""

from typing import Any, Optional, Sequence, Tuple

import numpy as np

from ..errors import CaffeError, InputArrayError
from ..fillers import fill, rng
from ..proto import caffe_pb2
from .registry import Blobs, Layer, Source, register


@register
class Input(Source):
    """A net's input: its tops are written by the caller."""

    type = "Input"
    repeatable = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        shapes = self.layer_param.input_param.shape
        self.need_one_or_each(len(shapes), len(top), "shapes", none=True)
        for i, blob in enumerate(top):
            if shapes:
                blob.reshape(*shapes[i if len(shapes) > 1 else 0].dim)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """The tops keep the shape that the caller gave them."""


@register
class DummyData(Source):
    """Tops of given shapes, filled by fillers: constants once, random ones in each forward pass."""

    type = "DummyData"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.dummy_data_param
        self.need_one_or_each(len(p.data_filler), len(top), "data_fillers", none=True)
        shapes = [s.dim for s in p.shape] or list(zip(p.num, p.channels, p.height, p.width))
        self.need_one_or_each(len(shapes), len(top), "shapes")
        fillers = list(p.data_filler) or [caffe_pb2.FillerParameter(type="constant", value=0)]
        self.fillers = [fillers[i if len(fillers) > 1 else 0] for i in range(len(top))]
        for i, blob in enumerate(top):
            blob.reshape(*shapes[i if len(shapes) > 1 else 0])
            if self.fillers[i].type == "constant":
                fill(blob, self.fillers[i])

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """The tops have the shapes that the prototxt gives."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for blob, filler in zip(top, self.fillers):
            if filler.type != "constant":
                fill(blob, filler)


@register
class MemoryData(Source):
    """Pictures and labels from arrays in memory (Net.set_input_arrays).

    Each forward pass takes a batch, over and over. As in Caffe the tops lie over the arrays, so
    what was taken from a top before stays with its batch.
    """

    type = "MemoryData"
    tops = (2, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.memory_data_param
        self.shape = p.batch_size, p.channels, p.height, p.width
        self.need_positive(
            batch_size=p.batch_size, channels=p.channels, height=p.height, width=p.width
        )
        transform = self.layer_param.transform_param
        if transform.mirror or (transform.crop_size and self.phase == caffe_pb2.TRAIN):
            rng().word()  # Caffe draws a seed, though arrays are not transformed
        self.arrays: Optional[Tuple[np.ndarray, np.ndarray]] = None
        self.at = 0

    def set_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Feed data (N, channels, height, width) and labels (N, 1, 1, 1).

        Both are float32 and C-contiguous; N is a multiple of the batch size. Raises InputArrayError
        for other arrays.
        """
        self._check_array("data", data, self.shape[1:])
        self._check_array("labels", labels, (1, 1, 1))
        if len(data) != len(labels):
            raise InputArrayError(f"{len(data)} items need as many labels, not {len(labels)}")
        if len(data) % self.shape[0] or not len(data):
            raise InputArrayError(
                f"{len(data)} items do not make batches of {self.shape[0]}; give a multiple of it"
            )
        # as they are, but for those that NumPy forbids to write, or whose addresses are odd
        data, labels = (np.require(array, np.float32, ["C", "A", "W"]) for array in (data, labels))
        self.arrays, self.at = (data, labels), 0

    def _check_array(self, name: str, array: Any, item: Tuple[int, ...]) -> None:
        """Raise InputArrayError for an array that is not float32 (N, *item) in one piece."""
        if not isinstance(array, np.ndarray):
            raise InputArrayError(f"{name} must be a NumPy array, not {type(array).__name__}")
        if array.dtype != np.float32:
            raise InputArrayError(
                f"{name} array must be float32, not {array.dtype}; use array.astype(numpy.float32)"
            )
        if not array.flags.c_contiguous:
            raise InputArrayError(
                f"{name} array must be C contiguous, and this one (a slice or a transpose of "
                "another) is not; use numpy.ascontiguousarray(array)"
            )
        if array.ndim != 4 or array.shape[1:] != item:
            wanted = ", ".join(map(str, ("N", *item)))
            raise InputArrayError(
                f'layer "{self.name}" takes {name} of shape ({wanted}), not {array.shape}'
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(*self.shape)
        top[1].reshape(self.shape[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self.arrays is None:
            raise CaffeError(
                f'layer "{self.name}" (MemoryData) has no data; '
                "call net.set_input_arrays(data, labels) first"
            )
        end = self.at + self.shape[0]
        top[1].reshape(self.shape[0], 1, 1, 1)  # from here on, as in Caffe
        for blob, array in zip(top, self.arrays):
            blob.lie_over(array[self.at : end])
        self.at = end % len(self.arrays[0])


@register
class Parameter(Source):
    """A parameter as a top, so that a net can learn an input."""

    type = "Parameter"
    tops = (1, 1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.add_param(tuple(self.layer_param.parameter_param.shape.dim), None)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape_like(self.blobs[0])
        top[0].share_data(self.blobs[0])
        top[0].share_diff(self.blobs[0])


@register
class Silence(Layer):
    """Takes blobs that nobody reads, so that they are not outputs."""

    type = "Silence"
    bottoms = (1, None)
    tops = (0, 0)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        pass

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        pass

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for b, wanted in zip(bottom, propagate_down):
            if wanted:
                b.diff[...] = 0
