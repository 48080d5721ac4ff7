"""Objectives: what a dream makes grow.

A function of the notebook's kind writes `dst.diff` from `dst.data`, between the forward and the
backward pass, where `dst` is the blob named by `end`. An Objective knows its layers, has a value,
and can be added, subtracted, weighted and confined to a region:

    0.7 * l2("inception_4c/output") - 0.3 * channel("inception_4d/output", 61).within(mask)

With x the layer's activations (N, C, h, w), and m the mask's value at each place (1 without one):

| objective | value |
|---|---|
| l2(layer) | 1/2 sum of m x^2 (the notebook's) |
| channel(layer, c, ...) | sum of m x over the channels c |
| neuron(layer, c, y, x) | m x at one place; the middle by default |
| strongest(layer, n) | sum over places of m times the largest x of the first n channels |
| score(layer, class) | mean of m x over the places of channel `class` |
| guide(layer, features, ...) | sum over places of m times the largest product of x with a vector |

`score` is Simonyan's (arXiv 1312.6034), for the layer before the softmax. `guide` is the
notebook's; its vectors are the guides' at every place.
"""

import weakref
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from ..errors import Size, TargetError
from ..pictures.resize import averaged
from .nearest import nearest, nearest_there
from .on_device.brought import OnDevice

Rule = Callable[[np.ndarray, Optional[np.ndarray]], Tuple[float, np.ndarray]]
# the gradient alone, of tensors on a device; methods of PyTorch's
Slope = Callable[[Any, Optional[Any]], Any]


def objective_L2(dst: Any) -> None:
    """Grow every activation: the gradient of half the sum of squares (notebook cell 4)."""
    dst.diff[:] = dst.data


def objective_guide(guide_features: np.ndarray) -> Callable[[Any], None]:
    """Make the features at each place more like the nearest of the guide's.

    The notebook's last dream. guide_features: (C, h, w), any h and w. At each place the gradient is
    the guide's feature vector whose dot product with the picture's own is the largest.
    """
    y = guide_features.reshape(guide_features.shape[0], -1)

    def objective(dst: Any) -> None:
        x = dst.data[0]
        best, _ = nearest(x.reshape(x.shape[0], -1), y)
        dst.diff[0].reshape(x.shape[0], -1)[:] = y[:, best]

    _SLOPES[objective] = _nearest_of(y)
    return objective


# {a function of the notebook's kind: its gradient of tensors}. The gradient is given x, and whether
# it must be NumPy's to the bit; it is None where that cannot be had of tensors
_SLOPES: "weakref.WeakKeyDictionary[Any, Callable[[Any, bool], Optional[Any]]]" = (
    weakref.WeakKeyDictionary()
)
_SLOPES[objective_L2] = lambda x, exact: x.clone()


def slope_of(objective: Any) -> Optional[Callable[[Any, bool], Optional[Any]]]:
    """The gradient, of tensors, of one of this module's functions; None for any other."""
    try:
        return _SLOPES.get(objective)
    except TypeError:  # what cannot be referred to weakly is none of them
        return None


def _nearest_of(y: np.ndarray) -> Callable[[Any, bool], Optional[Any]]:
    """A function that gives the vector of y, (C, Q), that is nearest to each place of a tensor (N,
    C, h, w), like it; its second argument and None are those of nearest_there."""
    vectors = OnDevice(y)

    def nearest_of(x: Any, sure: bool) -> Optional[Any]:
        there = vectors.like(x)
        found = x.new_empty(x.shape)
        for picture, into in zip(x, found):
            best = nearest_there(picture.reshape(len(y), -1), there, sure)
            if best is None:
                return None
            into.view(len(y), -1)[:] = there[:, best]
        return found

    return nearest_of


class Part(NamedTuple):
    """Which of a layer's places are given: from row `top` and column `left` on, of the `whole` (h,
    w) that the picture has."""

    top: int
    left: int
    whole: Size


@dataclass(frozen=True)
class Term:
    """`weight` times an objective of one layer.

    rule(x, m) gives (value, gradient like x). mask: (H, W), 0..1, laid over the picture. of_part:
    the rule where x and m are a Part of all places, such that the parts' values have the whole's as
    their sum; None: there is none, so that tiles cannot be used. slope(x, m) gives the gradient of
    tensors; None: in GPU mode the activations come to the host.
    """

    layer: str
    rule: Rule
    weight: float = 1.0
    mask: Optional[np.ndarray] = None
    name: str = ""
    of_part: Optional[Callable[[Part], Rule]] = None
    slope: Optional[Slope] = None

    def laid(
        self, size: Optional[Size], shift: Tuple[int, int], places: Tuple[int, ...]
    ) -> Optional[np.ndarray]:
        """Its mask at the layer's (h, w) places, as in Objective.value_and_gradients; or None."""
        return None if self.mask is None else _laid_over(self.mask, size, shift, places)


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms. Frozen: every operation makes a new one."""

    terms: Tuple[Term, ...]

    def __add__(self, other: "Objective") -> "Objective":
        if not isinstance(other, Objective):
            return NotImplemented
        return Objective(self.terms + other.terms)

    def __sub__(self, other: "Objective") -> "Objective":
        return self + -1 * other if isinstance(other, Objective) else NotImplemented

    def __mul__(self, factor: float) -> "Objective":
        return Objective(tuple(replace(t, weight=t.weight * float(factor)) for t in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> "Objective":
        return -1 * self

    def within(self, mask: np.ndarray) -> "Objective":
        """Confined to a region: `mask`, (H, W), 0..1, of any size, covers the whole picture."""
        mask = np.clip(np.asarray(mask, np.float32), 0, 1)
        if mask.ndim != 2 or not mask.size:
            raise ValueError(f"a mask has the shape (H, W), not {mask.shape}")

        def overlap(other: Optional[np.ndarray]) -> np.ndarray:
            return mask if other is None else other * averaged(mask, other.shape[:2])

        return Objective(tuple(replace(t, mask=overlap(t.mask)) for t in self.terms))

    @property
    def layers(self) -> List[str]:
        """Names of its layers, each once, in the order of the terms."""
        return list(dict.fromkeys(t.layer for t in self.terms))

    def value_and_gradients(
        self,
        activations: Mapping[str, np.ndarray],
        size: Optional[Size] = None,
        shift: Tuple[int, int] = (0, 0),
    ) -> Tuple[float, Dict[str, np.ndarray]]:
        """(value, {layer: gradient like its activations}), of {layer: activations (N, C, h, w)}.

        size, shift: (height, width) of the picture, and how far it was rolled (down, right); needed
        where there are masks.
        """
        total = 0.0
        gradients: Dict[str, np.ndarray] = {}
        for term in self.terms:
            x, layer = activations[term.layer], term.layer
            value, gradient = term.rule(x, term.laid(size, shift, x.shape[-2:]))
            total += term.weight * value
            gradient = np.float32(term.weight) * gradient
            gradients[layer] = gradients[layer] + gradient if layer in gradients else gradient
        return total, gradients

    def __str__(self) -> str:
        return " + ".join(
            f"{t.weight:g} * {t.name or t.layer}" + (" within a mask" if t.mask is not None else "")
            for t in self.terms
        )


def _laid_over(
    mask: np.ndarray, size: Optional[Size], shift: Tuple[int, int], places: Tuple[int, ...]
) -> np.ndarray:
    """The mask at a layer's (h, w) places, for a picture of this size, rolled by `shift`."""
    over = mask if size is None else np.roll(averaged(mask, size), shift, (0, 1))
    return averaged(over, (places[0], places[1]))


def _times(gradient: np.ndarray, m: Optional[np.ndarray]) -> np.ndarray:
    return gradient if m is None else gradient * m


def _sum(values: np.ndarray) -> float:
    return float(np.sum(values, dtype=np.float64))


def _each_place(layer: str, rule: Rule, name: str, slope: Optional[Slope] = None) -> Term:
    """The term of a rule that looks at each place by itself."""
    return Term(layer, rule, name=name, of_part=lambda part: rule, slope=slope)


def l2(layer: str) -> Objective:
    """Every activation of a layer."""

    def rule(x: np.ndarray, m: Optional[np.ndarray]) -> Tuple[float, np.ndarray]:
        gradient = _times(x, m)
        return 0.5 * _sum(np.float64(gradient) * x), gradient.copy()

    def slope(x: Any, m: Optional[Any]) -> Any:
        return x.clone() if m is None else x * m

    return Objective((_each_place(layer, rule, f'l2("{layer}")', slope),))


def channel(layer: str, *channels: int) -> Objective:
    """The activations of one or more channels of a layer, counted from 0."""

    def rule(x: np.ndarray, m: Optional[np.ndarray]) -> Tuple[float, np.ndarray]:
        gradient = np.zeros_like(x)
        for c in channels:
            gradient[:, _existing(layer, c, x)] = 1 if m is None else m
        return _sum(np.float64(gradient) * x), gradient

    def slope(x: Any, m: Optional[Any]) -> Any:
        gradient = x.new_zeros(x.shape)
        for c in channels:
            gradient[:, _existing(layer, c, x)] = 1 if m is None else m
        return gradient

    name = f'channel("{layer}", {", ".join(map(str, channels))})'
    return Objective((_each_place(layer, rule, name, slope),))


def neuron(layer: str, channel: int, y: Optional[int] = None, x: Optional[int] = None) -> Objective:
    """One activation of a layer, by default the one in the middle."""

    def gradient_of(values: Any, gradient: Any, m: Optional[Any], part: Optional[Part]) -> Any:
        """`gradient`, which is zero, with what the neuron adds; of arrays or tensors."""
        top, left, (height, width) = part or Part(0, 0, tuple(values.shape[-2:]))
        row, column = height // 2 if y is None else y, width // 2 if x is None else x
        if not (0 <= row < height and 0 <= column < width):
            raise TargetError(
                f'"{layer}" has {height}x{width} places (rows x columns), none at {row}, {column}',
                layer=layer,
            )
        number = _existing(layer, channel, values)
        row, column = row - top, column - left
        if 0 <= row < values.shape[-2] and 0 <= column < values.shape[-1]:
            gradient[:, number, row, column] = 1 if m is None else m[row, column]
        return gradient

    def of_part(part: Optional[Part]) -> Rule:
        def rule(values: np.ndarray, m: Optional[np.ndarray]) -> Tuple[float, np.ndarray]:
            gradient = gradient_of(values, np.zeros_like(values), m, part)
            return _sum(np.float64(gradient) * values), gradient

        return rule

    def slope(values: Any, m: Optional[Any]) -> Any:
        return gradient_of(values, values.new_zeros(values.shape), m, None)

    name = f'neuron("{layer}", {channel})'
    return Objective((Term(layer, of_part(None), name=name, of_part=of_part, slope=slope),))


def strongest(layer: str, count: Optional[int] = None) -> Objective:
    """The largest activation at each place, whichever channel it is of: of a map of classes, the
    class that is seen there.

    count: look at so many channels, the first ones; all without it.
    """

    def check(x: Any) -> None:
        if count is not None and not 1 <= count <= x.shape[1]:
            raise TargetError(
                f'"{layer}" has {x.shape[1]} channels; the strongest of {count} of them cannot be '
                f"taken, but of 1 to {x.shape[1]}",
                layer=layer,
            )

    def rule(x: np.ndarray, m: Optional[np.ndarray]) -> Tuple[float, np.ndarray]:
        check(x)
        best = x[:, :count].argmax(1)[:, None]
        gradient = np.zeros_like(x)
        np.put_along_axis(gradient, best, np.float32(1) if m is None else m[None, None], 1)
        return _sum(np.float64(gradient) * x), gradient

    def slope(x: Any, m: Optional[Any]) -> Any:
        check(x)
        best = x[:, :count].argmax(1, keepdim=True)
        ones = x.new_ones(best.shape)
        return x.new_zeros(x.shape).scatter_(1, best, ones if m is None else ones * m)

    name = f'strongest("{layer}"{"" if count is None else f", {count}"})'
    return Objective((_each_place(layer, rule, name, slope),))


def score(layer: str, number: int) -> Objective:
    """A class's score: a channel's mean over its places.

    For the layer before a softmax: after it, the score would also grow as those of other classes
    shrink.
    """

    def of_part(part: Optional[Part]) -> Rule:
        def rule(x: np.ndarray, m: Optional[np.ndarray]) -> Tuple[float, np.ndarray]:
            gradient = np.zeros_like(x)
            places = np.float32(np.prod(part.whole if part else x.shape[2:], dtype=int))
            gradient[:, _existing(layer, number, x)] = 1 / places if m is None else m / places
            return _sum(np.float64(gradient) * x), gradient

        return rule

    def slope(x: Any, m: Optional[Any]) -> Any:
        gradient = x.new_zeros(x.shape)
        places = float(np.prod(x.shape[2:], dtype=int))
        gradient[:, _existing(layer, number, x)] = 1 / places if m is None else m / places
        return gradient

    name = f'score("{layer}", {number})'
    return Objective((Term(layer, of_part(None), name=name, of_part=of_part, slope=slope),))


def guide(layer: str, *features: np.ndarray) -> Objective:
    """The likeness of each place to the guides' most similar vector.

    features: (C, h, w) each, of one or more guides of any size.
    """
    vectors = [f.reshape(f.shape[0], -1) for f in features]
    y = vectors[0] if len(vectors) == 1 else np.concatenate(vectors, 1)

    def rule(x: np.ndarray, m: Optional[np.ndarray]) -> Tuple[float, np.ndarray]:
        gradient = np.empty_like(x)
        total = 0.0
        for picture, into in zip(x, gradient):
            best, largest = nearest(picture.reshape(len(y), -1), y)
            into.reshape(len(y), -1)[:] = y[:, best]
            total += _sum(largest if m is None else largest * m.ravel())
        return total, _times(gradient, m)

    nearest_of = _nearest_of(y)

    def slope(x: Any, m: Optional[Any]) -> Any:
        gradient: Any = nearest_of(x, False)
        return gradient if m is None else gradient * m

    return Objective((_each_place(layer, rule, f'guide("{layer}")', slope),))


def _existing(layer: str, number: int, x: Any) -> int:
    if not 0 <= number < x.shape[1]:
        raise TargetError(
            f'"{layer}" has {x.shape[1]} channels, from 0 to {x.shape[1] - 1}, no {number}',
            layer=layer,
        )
    return number
