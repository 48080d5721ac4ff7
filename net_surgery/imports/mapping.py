"""A source's arrays onto the layers of a deploy net, as a table says."""

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from netfile.errors import WeightsError
from netfile.shapes import INPUTS, weight_shapes

from .tables.table import Input, Table

Arrays = Mapping[str, np.ndarray]
_TOLD = 4  # names in an error


class Mapped(NamedTuple):
    """The parameters of each layer, float32, and the source's arrays that no layer took."""

    parameters: Dict[str, List[np.ndarray]]
    left_over: List[str]


def mapped(table: Table, arrays: Arrays, net: Any) -> Mapped:
    """The parameters of every layer of a deploy net.

    Args:
        table: says which arrays they are.
        arrays: the source's, by name.
        net: the deploy net, a NetParameter in V2.

    Raises:
        WeightsError: arrays are missing, or one has another shape than its layer.
    """
    source = _Source(table, arrays)
    shapes = weight_shapes(net)
    missing = [name for name in source.wanted(net, shapes) if name not in arrays]
    if missing:
        raise WeightsError(f"lacks {some(missing)}, which {table.model} needs")
    first = _first_layers(net)
    parameters = {
        layer.name: source.parameters(layer, shapes[layer.name], layer.name in first)
        for layer in net.layer
        if layer.name in shapes
    }
    unused = re.compile(table.unused or r"(?!)")
    left = [n for n in arrays if n not in source.taken and not unused.fullmatch(n)]
    return Mapped(parameters, left)


def some(names: Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more


def _first_layers(net: Any) -> List[str]:
    """The layers that read the net's input."""
    inputs = {
        *net.input,
        *(top for layer in net.layer if layer.type in INPUTS for top in layer.top),
    }
    return [layer.name for layer in net.layer if inputs & set(layer.bottom)]


class _Source:
    """A source's arrays, as a table reads them; `taken` has the names of those that were."""

    def __init__(self, table: Table, arrays: Arrays) -> None:
        self.table, self.arrays = table, arrays
        self.taken: Dict[str, bool] = {}

    def wanted(self, net: Any, shapes: Mapping[str, Any]) -> List[str]:
        """The names of all arrays that the layers need."""
        return [
            name
            for layer in net.layer
            if layer.name in shapes and not self._is_constant(layer)
            for name in self._names(layer, len(shapes[layer.name]))
        ]

    def parameters(self, layer: Any, shapes: Sequence[Any], is_first: bool) -> List[np.ndarray]:
        """One layer's parameters, in their shapes."""
        if self._is_constant(layer):
            made = [_bilinear(shapes[0])]
        elif layer.type == "BatchNorm":
            mean, variance = (self._take(name) for name in self._names(layer, 3))
            made = [mean, variance, np.ones(1)]
        elif layer.type == "Scale":
            made = [self._take(name) for name in self._names(layer, len(shapes))]
        else:
            made = self._weights(layer, len(shapes), is_first)
        return [self._fitted(layer, i, made[i], shape) for i, shape in enumerate(shapes)]

    def _is_constant(self, layer: Any) -> bool:
        return bool(re.fullmatch(self.table.constant or r"(?!)", layer.name))

    def _names(self, layer: Any, count: int) -> List[str]:
        """The names of the arrays that a layer needs, its weights first."""
        table, norms = self.table, self.table.norm_names
        name = table.source_name(layer.name)
        if layer.type == "BatchNorm":
            return [norms.mean.format(name), norms.variance.format(name)]
        if layer.type == "Scale":
            return [norms.gain.format(name), norms.offset.format(name)][:count]
        names = [table.names.weight.format(name)]
        norm = table.norm(layer.name)
        if norm:
            return names + [part.format(norm) for part in norms]
        return names + [table.names.bias.format(name)][: count - 1]

    def _take(self, name: str) -> np.ndarray:
        self.taken[name] = True
        values = self.arrays[name]
        if values.dtype != np.float32:
            raise WeightsError(f"{name} holds {values.dtype}, not weights")
        return values

    def _weights(self, layer: Any, count: int, is_first: bool) -> List[np.ndarray]:
        """The weights and biases of a convolution or InnerProduct."""
        table, names = self.table, self._names(layer, count)
        weight = self._axes(layer, names[0])
        biases = [self._take(name) for name in names[1:]]
        if table.norm(layer.name):
            weight, biases = self._folded(layer, weight, names[1:], biases)
        if is_first and table.takes:
            weight = _for_bgr(layer, weight, table.takes)
        if re.fullmatch(table.grown or r"(?!)", layer.name):
            weight = np.pad(weight, ((0, 0), (0, 0), (1, 0), (1, 0)), "constant")
        return [weight, *biases]

    def _axes(self, layer: Any, name: str) -> np.ndarray:
        """A layer's weights, with Caffe's order of axes."""
        weight = self._take(name)
        names = self.table.names
        there, wanted = (
            (names.dense, "OI") if layer.type == "InnerProduct" else (names.convolution, "OIHW")
        )
        if weight.ndim != len(there):
            return weight  # its shape is refused, or ones are left out
        turned = weight.transpose([there.index(axis) for axis in wanted])
        sizes = dict(self.table.flattened).get(layer.name)
        if sizes is None or turned.shape[1] != sizes[0] * sizes[1] * sizes[2]:
            return turned
        channels, height, width = sizes
        maps = turned.reshape(len(turned), height, width, channels)
        return maps.transpose(0, 3, 1, 2).reshape(len(turned), -1)

    def _folded(
        self, layer: Any, weight: np.ndarray, names: Sequence[str], norm: Sequence[np.ndarray]
    ) -> Tuple[np.ndarray, List[np.ndarray]]:
        """Weights and bias of a layer with the normalisation behind it folded in."""
        for name, values in zip(names, norm):
            if values.shape != weight.shape[:1]:
                raise WeightsError(
                    f"{name} has the shape {values.shape}; layer {layer.name} has "
                    f"{len(weight) if weight.ndim else 0} channels"
                )
        gain, offset, mean, variance = (np.float64(values) for values in norm)
        if (variance + self.table.eps <= 0).any():
            raise WeightsError(f"{names[3]} has a variance below 0")
        factor = gain / np.sqrt(variance + self.table.eps)
        scaled = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
        return scaled, [offset - mean * factor]

    def _fitted(self, layer: Any, number: int, values: np.ndarray, shape: Any) -> np.ndarray:
        """A parameter in its shape: axes of 1 may come or go, and nothing else."""
        if _without_ones(values.shape) != _without_ones(shape):
            what = "weights" if number == 0 else f"parameter {number}"
            raise WeightsError(
                f"the {what} of layer {layer.name} are {tuple(shape)} in {self.table.model}, but "
                f"{values.shape} in this file; it holds another net"
            )
        with np.errstate(over="ignore"):
            made = np.ascontiguousarray(values.reshape(shape), np.float32)
        if not np.isfinite(made).all():
            raise WeightsError(f"layer {layer.name} would get values that are not finite numbers")
        return made


def _without_ones(shape: Sequence[int]) -> List[int]:
    return [n for n in shape if n != 1]


def _for_bgr(layer: Any, weight: np.ndarray, takes: Input) -> np.ndarray:
    """The first convolution's weights for BGR minus the mean."""
    if weight.ndim != 4 or weight.shape[1] != len(takes.scale):
        raise WeightsError(
            f"the weights of layer {layer.name} are {weight.shape} in this file, which takes no "
            "colours"
        )
    return (np.float64(weight) * np.reshape(takes.scale, (1, 3, 1, 1)))[:, ::-1]


def _bilinear(shape: Sequence[int]) -> np.ndarray:
    """The weights of a Deconvolution that interpolates, as Caffe's bilinear filler makes them."""
    size = shape[-1]
    half = (size + 1) // 2
    centre = (2 * half - 1 - half % 2) / (2.0 * half)
    line = 1 - np.abs(np.arange(size) / half - centre)
    return np.broadcast_to(np.outer(line, line), tuple(shape))


def share(table: Table, arrays: Arrays, net: Any) -> float:
    """The share of the arrays that a table wants for its net that the source has, by name."""
    wanted = _Source(table, arrays).wanted(net, weight_shapes(net))
    return sum(name in arrays for name in wanted) / len(wanted)


def best(tables: Sequence[Table], arrays: Arrays, net: Any) -> Optional[Table]:
    """Of one net's tables, that of whose arrays the source has most; None if it has none of any."""
    shares = [share(table, arrays, net) for table in tables]
    return tables[shares.index(max(shares))] if any(shares) else None
