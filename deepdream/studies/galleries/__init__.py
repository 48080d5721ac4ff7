"""Galleries: what every layer of a net grows, and which parts of photographs it answers to."""
