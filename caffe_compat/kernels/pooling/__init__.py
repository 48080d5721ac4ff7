"""Pooling by MAX and AVE."""

from .average import average_backward, average_forward
from .largest import mask_like, max_backward, max_forward
from .window import Window

__all__ = [
    "Window", "average_backward", "average_forward", "mask_like", "max_backward", "max_forward",
]  # fmt: skip
