"""Labelled pictures for the creature net: cut-out photographs on photographs and noise."""
