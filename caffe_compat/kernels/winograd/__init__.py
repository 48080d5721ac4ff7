"""Convolution with 3x3 windows by Winograd's algorithm: a quarter of the multiplications."""

from .convolution import forward, pays

__all__ = ["forward", "pays"]
