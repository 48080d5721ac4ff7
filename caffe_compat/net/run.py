"""A net's passes: forward and backward over a span of layers, in memory that blobs may share."""

import os
import threading
import weakref
from itertools import chain
from typing import Any, Callable, Dict, List, Optional, Tuple, cast

from .. import devices
from ..blob import Blob
from ..layer_types.convolution import Convolution
from . import on_device, sharing
from .build import Parts, naming
from .lean import SHAPED_LATE, Lean
from .masks import Masks
from .repeats import Repeats, Span

BEFORE_FORWARD, AFTER_FORWARD = "before_forward", "after_forward"
BEFORE_BACKWARD, AFTER_BACKWARD = "before_backward", "after_backward"
_all: "weakref.WeakSet[Passes]" = weakref.WeakSet()


class Passes:
    """Runs the layers of a net by their numbers.

    `calls` has the functions that are called with a layer's number around each layer's pass. One
    thread at a time runs layers or shapes blobs, as Python's lock has it in pycaffe; what it calls
    (Python layers, `calls`) may do so too.
    """

    def __init__(self, parts: Parts) -> None:
        self.lock = threading.RLock()
        _all.add(self)
        self.parts = parts
        self.calls: Dict[str, List[Callable[[int], Any]]] = {
            when: [] for when in (BEFORE_FORWARD, AFTER_FORWARD, BEFORE_BACKWARD, AFTER_BACKWARD)
        }
        # an in-place ReLU right after a convolution runs with it, while the values are in cache
        self.relu_after = {
            i: relu
            for i, (conv, relu) in enumerate(zip(parts.layers, parts.layers[1:]))
            if conv.layer_param.type == "Convolution"
            and relu.layer_param.type == "ReLU"
            and parts.tops[i] == parts.bottoms[i + 1] == parts.tops[i + 1]
        }
        self.readers, self.splits = sharing.merge_splits(parts)
        self._concats = sharing.let_concats_view(parts)
        self._masks = Masks(parts, self.splits)
        for i in self._concats:
            parts.layers[i].reshape(parts.bottoms[i], parts.tops[i])
        self._spare = Blob(0)
        self._shapes: List[Tuple[int, ...]] = []  # the inputs', when it was last looked at them
        self._fitted: Any = None  # to which of them, and which layers, blobs were fitted last
        self.repeats = Repeats(parts, self.splits)
        self.lean = Lean(self)
        self.lend_lock()

    def lend_lock(self) -> None:
        """Let the blobs' memory change under the net's lock alone."""
        for blob in [*self.parts.blobs.values(), *chain(*self.parts.params.values())]:
            blob.lock = self.lock

    def forward(self, first: int, last: int) -> float:
        """Run the layers from `first` to `last`.

        Returns the loss: the sum of all their tops times their loss weights.
        """
        # nothing of Python's comes between the taking of the lock and the block that gives it back
        with self.lock:
            if not devices.on_gpu():
                return self._forward(first, last, False)
            with on_device.passing(self.parts, self._concats):
                return self._forward(first, last, True)

    def _forward(self, first: int, last: int, on_gpu: bool) -> float:
        parts = self.parts
        self._lose_gradients()
        sharing.keep_unreached_tops(parts, self._concats, first, last)
        self._reshape_ahead(first, last)
        lean = self.lean.begin_forward(first, last, on_gpu or self._watched())
        self.run_forward(first, last, lean, on_gpu)
        return float(
            sum(
                weight * (float(top.gpu_data.sum()) if on_gpu else top.data.sum())
                for i in range(first, last + 1)
                for weight, top in zip(parts.loss_weights[i], parts.tops[i])
                if weight
            )
        )

    def run_forward(
        self, first: int, last: int, lean: Optional[Lean], on_gpu: bool = False
    ) -> None:
        """Run the layers, with what they make lying where `lean` says, if that is given."""
        if on_gpu or self._watched():
            self._run_layers(first, last, lean, on_gpu)
            return
        with self.repeats.done(Span(first, last, False), lean) as done:
            if not done:
                self._run_layers(first, last, lean, on_gpu)

    def _run_layers(self, first: int, last: int, lean: Optional[Lean], on_gpu: bool) -> None:
        parts = self.parts
        merging = not (on_gpu or self._watched())
        i = first
        while i <= last:
            self._call(BEFORE_FORWARD, i)
            relu = self.relu_after.get(i) if merging and i < last else None
            if lean:
                lean.before_forward(i)
            layer, bottom, top = parts.layers[i], parts.bottoms[i], parts.tops[i]
            with naming(layer, bottom):
                # as in Caffe, each layer fits its tops to its bottoms first, and none after `last`
                layer.reshape(bottom, top)
                layer.ran_on_gpu = on_gpu
                if on_gpu:
                    on_device.forward(layer, bottom, top)
                elif relu is None:
                    layer.forward(bottom, top)
                else:
                    cast(Convolution, layer).forward(bottom, top, relu)
                    relu.ran_on_gpu = False
            self._call(AFTER_FORWARD, i)
            following = i + (1 if relu is None else 2)
            if lean:
                for done in range(i, following):
                    lean.after_forward(done)
            i = following

    def backward(self, first: int, last: int) -> None:
        """Run the layers backward from `first` down to `last`."""
        with self.lock:
            if not devices.on_gpu():
                self._backward(first, last, False)
                return
            with on_device.passing(self.parts, self._concats):
                self._backward(first, last, True)

    def _backward(self, first: int, last: int, on_gpu: bool) -> None:
        watched = self.calls[BEFORE_BACKWARD] or self.calls[AFTER_BACKWARD]
        lean = self.lean.begin_backward(first, last, on_gpu or bool(watched))
        self._masks.begin()
        for number, split in self.splits.items():
            split.begin()
            if (
                number < last
                and split.active
                and any(last <= reader <= first for reader in split.reader_numbers)
            ):
                split.separate()  # the pass ends between this Split and its readers
        if on_gpu or watched or any(layer.on_gpu for layer in self.parts.layers[last : first + 1]):
            self._run_layers_backward(first, last, lean)
            return
        with self.repeats.done(Span(first, last, True), lean) as done:
            if not done:
                self._run_layers_backward(first, last, lean)

    def _run_layers_backward(self, first: int, last: int, lean: Optional[Lean]) -> None:
        for i in range(first, last - 1, -1):
            self._call(BEFORE_BACKWARD, i)
            if self.parts.plan.layers[i]:
                if lean:
                    lean.before_backward(i)
                if i not in self._masks.done:
                    self._backward_layer(i, last)
                if lean:
                    lean.after_backward(i)
            self._call(AFTER_BACKWARD, i)

    def _backward_layer(self, i: int, last: int) -> None:
        layer, wanted = self.parts.layers[i], self.parts.plan.bottoms[i]
        top, bottom = self.parts.tops[i], self.parts.bottoms[i]
        merged = {j: split for j, split in self.readers.get(i, {}).items() if split.active}
        seen = self.calls[BEFORE_BACKWARD] or self.calls[AFTER_BACKWARD]
        slopes = None if seen else self._masks.take(i, last)
        with naming(layer, bottom):
            if i in self.splits and self.splits[i].active:
                if wanted[0]:
                    self.splits[i].finish(layer.on_gpu)
            elif merged:
                sharing.backward_into(i, layer, top, wanted, bottom, merged, self._spare, slopes)
            elif slopes:
                cast(Any, layer).backward(top, wanted, bottom, rectify=slopes)
            else:
                (layer.backward_gpu if layer.on_gpu else layer.backward)(top, wanted, bottom)
        for param in layer.blobs:
            param.wait_in([*bottom, *top])

    def merge_splits(self) -> None:
        """Add the diffs of all Splits as they come again, whoever holds arrays of them."""
        with self.lock:
            for split in self.splits.values():
                if not split.active:
                    split.merge()

    def reshape(self, first: int, last: int) -> None:
        """Fit the blobs of these layers to their bottoms, without running them."""
        with self.lock:
            self._forget_other_sizes()
            self._reshape(first, last)

    def _reshape(self, first: int, last: int) -> None:
        span = slice(first, last + 1)
        parts = self.parts
        self._lose_gradients()
        for layer, bottom, top in zip(parts.layers[span], parts.bottoms[span], parts.tops[span]):
            with naming(layer, bottom):
                layer.reshape(bottom, top)

    def _reshape_ahead(self, first: int, last: int) -> None:
        """After a change of the inputs' shapes, fit the layers before any of them runs.

        New memory can then be laid out while nobody has seen it.
        """
        self._forget_other_sizes()
        shapes = self._shapes, first, last
        late = (layer.type in SHAPED_LATE for layer in self.parts.layers[first : last + 1])
        if shapes != self._fitted and not any(late):
            self.reshape(first, last)
        self._fitted = shapes

    def _forget_other_sizes(self) -> None:
        """After a change of the inputs' shapes, forget passes at others, and their memory."""
        shapes = [self.parts.blobs[name].shape for name in self.parts.inputs]
        if shapes != self._shapes:
            self.repeats.forget()
            self._shapes = shapes

    def _lose_gradients(self) -> None:
        """Before values change: gradients of weights that nobody has asked for can't be had."""
        for blob in chain(*self.parts.params.values()):
            if blob.pending is not None:
                blob.lose_pending()

    def _watched(self) -> bool:
        return bool(self.calls[BEFORE_FORWARD] or self.calls[AFTER_FORWARD])

    def _call(self, when: str, i: int) -> None:
        for call in self.calls[when]:
            call(i)


def _after_fork() -> None:
    """A forked process has none of its parent's threads, and nobody to give their locks back."""
    for passes in list(_all):
        passes.lock = threading.RLock()
        passes.repeats.forget()
        passes.lend_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
