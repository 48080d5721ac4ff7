"""Objectives: what a dream makes grow.

A function of the notebook's kind writes `dst.diff` from `dst.data`, between the forward and the backward pass, where `dst` is the blob named
by `end`. An Objective knows its layers, has a value, and can be added, subtracted, weighted and confined to a region:

    0.7 * l2("inception_4c/output") - 0.3 * channel("inception_4d/output", 61).within(mask)

With x the layer's activations (N, C, h, w), and m the mask's value at each place (1 without one):

| objective | value |
|---|---|
| l2(layer) | 1/2 sum of m x^2 (the notebook's) |
| channel(layer, c, ...) | sum of m x over the channels c |
| neuron(layer, c, y, x) | m x at one place; the middle by default |
| score(layer, class) | mean of m x over the places of channel `class`; for a layer in front of the softmax (Simonyan et al., arXiv 1312.6034) |
| guide(layer, features, ...) | sum over the places of m times the largest product of x with any of the guides' vectors (the notebook's) |
"""

from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from ..errors import TargetError

# values of the products of places and guide vectors that are held at a time: 64 MB
_MOST_PRODUCTS = 1 << 24


def objective_L2(dst):
    """Grow every activation: the gradient of half the sum of squares (notebook cell 4)."""
    dst.diff[:] = dst.data


def objective_guide(guide_features):
    """Make the features at each place more like the nearest of the guide's (notebook, the last dream).

    guide_features: (C, h, w), any h and w. At each position the gradient is the guide's feature vector whose dot
    product with the picture's own is the largest.
    """
    y = guide_features.reshape(guide_features.shape[0], -1)

    def objective(dst):
        x = dst.data[0]
        best, _ = _nearest(x.reshape(x.shape[0], -1), y)
        dst.diff[0].reshape(x.shape[0], -1)[:] = y[:, best]

    return objective


def _nearest(x, y):
    """(number of the column of y whose product with each column of x is the largest, that product); x (C, P), y (C, Q).

    In blocks of places, so that memory stays bounded; up to 64 MB of products it is one block, as in the notebook.
    """
    block = max(1, _MOST_PRODUCTS // y.shape[1])
    best, largest = np.empty(x.shape[1], np.int64), np.empty(x.shape[1], x.dtype)
    for first in range(0, x.shape[1], block):
        products = x[:, first : first + block].T.dot(y)
        found = products.argmax(1)
        best[first : first + block] = found
        largest[first : first + block] = products[np.arange(len(found)), found]
    return best, largest


@dataclass(frozen=True)
class Term:
    """`weight` times an objective of one layer. rule(x, m) gives (value, gradient like x); mask: (H, W), 0..1, over the picture."""

    layer: str
    rule: Callable[..., Tuple[float, np.ndarray]]
    weight: float = 1.0
    mask: Optional[np.ndarray] = None
    name: str = ""


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms. Frozen: every operation makes a new one."""

    terms: Tuple[Term, ...]

    def __add__(self, other):
        return (
            Objective(self.terms + other.terms) if isinstance(other, Objective) else NotImplemented
        )

    def __sub__(self, other):
        return self + -1 * other if isinstance(other, Objective) else NotImplemented

    def __mul__(self, factor):
        return Objective(tuple(replace(t, weight=t.weight * float(factor)) for t in self.terms))

    __rmul__ = __mul__

    def __neg__(self):
        return -1 * self

    def within(self, mask):
        """Confined to a region: `mask` (H, W) of any size, 0..1, is laid over the picture, whatever that's size and shift."""
        mask = np.clip(np.float32(mask), 0, 1)
        if mask.ndim != 2 or not mask.size:
            raise ValueError(f"a mask has the shape (H, W), not {mask.shape}")
        return Objective(
            tuple(
                replace(t, mask=mask if t.mask is None else t.mask * resized(mask, t.mask.shape))
                for t in self.terms
            )
        )

    @property
    def layers(self):
        """Names of its layers, each once, in the order of the terms."""
        return list(dict.fromkeys(t.layer for t in self.terms))

    def value_and_gradients(self, activations, size=None, shift=(0, 0)):
        """(value, {layer: gradient like its activations}), of {layer: activations (N, C, h, w)}.

        size, shift: (height, width) of the picture, and how far it was rolled (down, right); needed where there are masks.
        """
        total = 0.0
        out: Dict[str, np.ndarray] = {}
        for term in self.terms:
            x = activations[term.layer]
            m = None if term.mask is None else _laid_over(term.mask, size, shift, x.shape[-2:])
            value, gradient = term.rule(x, m)
            total += term.weight * value
            gradient = np.float32(term.weight) * gradient
            out[term.layer] = out[term.layer] + gradient if term.layer in out else gradient
        return total, out

    def __str__(self):
        return " + ".join(
            f"{t.weight:g} * {t.name or t.layer}" + (" within a mask" if t.mask is not None else "")
            for t in self.terms
        )


def resized(mask, shape):
    """A mask (H, W) at another (height, width): averaged where it gets smaller, linear where it gets larger."""
    from PIL import Image

    box, bilinear = 4, 2  # Pillow's numbers, whose names have moved between its releases
    filters = [box if new <= old else bilinear for new, old in zip(shape, mask.shape)]
    image = Image.fromarray(np.ascontiguousarray(mask, np.float32))
    image = image.resize((mask.shape[1], shape[0]), filters[0])
    return np.asarray(image.resize((shape[1], shape[0]), filters[1]), np.float32)


def _laid_over(mask, size, shift, places):
    """The mask at a layer's (h, w) places, for a picture of this size that was rolled by `shift`."""
    over = mask if size is None else np.roll(resized(mask, size), shift, (0, 1))
    return resized(over, places)


def _times(gradient, m):
    return gradient if m is None else gradient * m


def _sum(values):
    return float(np.sum(values, dtype=np.float64))


def l2(layer):
    """Every activation of a layer."""

    def rule(x, m):
        gradient = _times(x, m)
        return 0.5 * _sum(np.float64(gradient) * x), gradient.copy()

    return Objective((Term(layer, rule, name=f'l2("{layer}")'),))


def channel(layer, *channels):
    """The activations of one or more channels of a layer, counted from 0."""

    def rule(x, m):
        gradient = np.zeros_like(x)
        for c in channels:
            gradient[:, _existing(layer, c, x)] = 1 if m is None else m
        return _sum(np.float64(gradient) * x), gradient

    return Objective(
        (Term(layer, rule, name=f'channel("{layer}", {", ".join(map(str, channels))})'),)
    )


def neuron(layer, channel, y=None, x=None):
    """One activation of a layer; the one in the middle by default."""

    def rule(values, m):
        row, column = (n // 2 if at is None else at for at, n in zip((y, x), values.shape[-2:]))
        if not (0 <= row < values.shape[-2] and 0 <= column < values.shape[-1]):
            raise TargetError(
                f'"{layer}" has {values.shape[-2]}x{values.shape[-1]} places (rows x columns), none at {row}, {column}'
            )
        gradient = np.zeros_like(values)
        gradient[:, _existing(layer, channel, values), row, column] = (
            1 if m is None else m[row, column]
        )
        return _sum(np.float64(gradient) * values), gradient

    return Objective((Term(layer, rule, name=f'neuron("{layer}", {channel})'),))


def score(layer, number):
    """A class's score: a channel's mean over its places. For a layer in front of the softmax, whose other classes would shrink instead."""

    def rule(x, m):
        gradient = np.zeros_like(x)
        places = int(np.prod(x.shape[2:], dtype=int))
        gradient[:, _existing(layer, number, x)] = (
            np.float32(1 / places) if m is None else m / np.float32(places)
        )
        return _sum(np.float64(gradient) * x), gradient

    return Objective((Term(layer, rule, name=f'score("{layer}", {number})'),))


def guide(layer, *features):
    """The likeness of each place to the guides' most similar vector; features: (C, h, w) each, of one or more guides of any size."""
    y = np.concatenate([f.reshape(f.shape[0], -1) for f in features], 1)

    def rule(x, m):
        gradient = np.empty_like(x)
        total = 0.0
        for picture, into in zip(x, gradient):
            best, largest = _nearest(picture.reshape(len(y), -1), y)
            into.reshape(len(y), -1)[:] = y[:, best]
            total += _sum(largest if m is None else largest * m.ravel())
        return total, _times(gradient, m)

    return Objective((Term(layer, rule, name=f'guide("{layer}")'),))


def _existing(layer, number, x):
    if not 0 <= number < x.shape[1]:
        raise TargetError(
            f'"{layer}" has {x.shape[1]} channels, from 0 to {x.shape[1] - 1}, no {number}'
        )
    return number


def is_objective(thing: Any) -> bool:
    """Whether this is an Objective, and not a function of the notebook's kind."""
    return isinstance(thing, Objective)
