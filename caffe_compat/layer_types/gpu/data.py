"""Silence; the other layers of its file are sources, whose values come from the host."""

from typing import Sequence

from ..data import Silence
from ..registry import Blobs, twin


def _forward(layer: Silence, bottom: Blobs, top: Blobs) -> None:
    pass


def _backward(layer: Silence, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    for b, wanted in zip(bottom, propagate_down):
        if wanted:
            b.mutable_gpu_diff.zero_()


twin(Silence, _forward, _backward)
