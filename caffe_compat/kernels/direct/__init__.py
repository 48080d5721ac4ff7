"""Convolutions as products of the weights and the columns of a few dozen positions at a time."""

from .backward import by_columns
from .forward import forward
from .packing import straight, transposed, turned

__all__ = ["by_columns", "forward", "straight", "transposed", "turned"]
