"""Fillers: how parameters start when no weights are loaded.

Caffe's distributions, NumPy's random numbers.
"""

import math
from typing import Any, Sequence, Union

import numpy as np

from .blob import Blob
from .errors import PrototxtError

_rng = np.random.default_rng()


Shape = Sequence[int]
Size = Union[int, Shape]


def set_random_seed(seed: int) -> None:
    """Seed everything random in this engine: fillers and training-phase dropout."""
    global _rng
    _rng = np.random.default_rng(seed)


def rng() -> np.random.Generator:
    """The generator of everything random in this engine."""
    return _rng


def _fan(param: Any, shape: Shape) -> float:
    count = math.prod(shape)
    fan_in, fan_out = count // shape[0], count // (shape[1] if len(shape) > 1 else 1)
    return {param.FAN_IN: fan_in, param.FAN_OUT: fan_out, param.AVERAGE: (fan_in + fan_out) / 2}[
        param.variance_norm
    ]


# each gives values for a blob of a shape, as many as `size` says: a number, or a shape


def _constant(param: Any, shape: Shape, size: Size) -> np.ndarray:
    return np.full(size, param.value)


def _uniform(param: Any, shape: Shape, size: Size) -> np.ndarray:
    return _rng.uniform(param.min, param.max, size)


def _gaussian(param: Any, shape: Shape, size: Size) -> np.ndarray:
    values = _rng.normal(param.mean, param.std, size)
    if param.sparse >= 0:
        values *= _rng.random(size) < param.sparse / shape[0]
    return values


def _xavier(param: Any, shape: Shape, size: Size) -> np.ndarray:
    bound = math.sqrt(3 / _fan(param, shape))
    return _rng.uniform(-bound, bound, size)


def _msra(param: Any, shape: Shape, size: Size) -> np.ndarray:
    return _rng.normal(0, math.sqrt(2 / _fan(param, shape)), size)


def _positive_unitball(param: Any, shape: Shape, size: Size) -> np.ndarray:
    values = _rng.random((shape[0], math.prod(shape[1:])))
    return (values / values.sum(1, keepdims=True)).reshape(shape)


def _bilinear(param: Any, shape: Shape, size: Size) -> np.ndarray:
    if len(shape) != 4 or shape[2] != shape[3]:
        raise PrototxtError(f"the bilinear filler needs a square 4-axis blob, not {shape}")
    factor = math.ceil(shape[3] / 2)
    centre = (2 * factor - 1 - factor % 2) / (2.0 * factor)
    ramp = 1 - np.abs(np.arange(shape[3]) / factor - centre)
    return np.broadcast_to(ramp[:, None] * ramp, shape)


_FILLERS = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "xavier": _xavier,
    "msra": _msra,
    "positive_unitball": _positive_unitball,
    "bilinear": _bilinear,
}


_BY_PARTS = {"constant", "uniform", "gaussian", "xavier", "msra"}  # each value for itself
_PART = 1 << 20


def fill(blob: Blob, param: Any) -> None:
    """Fill `blob.data` as the FillerParameter says.

    A new blob's zeros stay untouched, and so take no memory, until somebody writes.
    """
    filler = _FILLERS.get(param.type)
    if filler is None:
        raise PrototxtError(f'unknown filler "{param.type}"; known: {", ".join(sorted(_FILLERS))}')
    if not blob.count or (param.type == "constant" and param.value == 0):
        return
    if param.type in _BY_PARTS and param.sparse < 0:
        flat = blob.data.reshape(-1)
        for start in range(0, blob.count, _PART):
            part = flat[start : start + _PART]
            part[...] = filler(param, blob.shape, part.size)
    else:
        blob.data[...] = filler(param, blob.shape, blob.shape)
