"""Campaigns against the built-in engine: interrupts within a pass, broken caches of its loops."""

from .campaign import Campaign

CAMPAIGNS: "tuple[Campaign, ...]" = ()
