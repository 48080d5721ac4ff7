"""Passes that keep values and gradients for as long as somebody reads them, and no longer."""

from .lifetimes import SHAPED_LATE
from .memory import Lean, Standing

__all__ = ["SHAPED_LATE", "Lean", "Standing"]
