"""Nets: built from a prototxt, run forward and backward, and pycaffe's way to both."""

from .net import Net

__all__ = ["Net"]
