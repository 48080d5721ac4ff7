"""Passes that keep values and gradients for as long as somebody reads them, and no longer."""

from .memory import Lean

__all__ = ["Lean"]
