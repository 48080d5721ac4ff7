"""Tests: they mirror the sources; what they share is in support/."""
