"""Fillers: how parameters start when no weights are loaded. Caffe's distributions and numbers."""

import math
import operator
from typing import Any, Sequence

import numpy as np

from .blob import Blob
from .errors import PrototxtError
from .generator import Generator

_rng = Generator()


Shape = Sequence[int]


def set_random_seed(seed: int) -> None:
    """Seed everything random in this engine: fillers, dropout in training, crops and orders."""
    global _rng
    _rng = Generator(operator.index(seed))


def rng() -> Generator:
    """The generator of everything random in this engine."""
    return _rng


def _fan(param: Any, shape: Shape) -> np.float32:
    count = math.prod(shape)
    fan_in, fan_out = count // shape[0], count // (shape[1] if len(shape) > 1 else 1)
    return np.float32(
        {param.FAN_IN: fan_in, param.FAN_OUT: fan_out, param.AVERAGE: (fan_in + fan_out) / 2}[
            param.variance_norm
        ]
    )


# each gives `count` values for a blob of a shape, float32


def _constant(param: Any, shape: Shape, count: int) -> np.ndarray:
    return np.full(count, param.value, np.float32)


def _uniform(param: Any, shape: Shape, count: int) -> np.ndarray:
    return _rng.uniform(param.min, param.max, count)


def _gaussian(param: Any, shape: Shape, count: int) -> np.ndarray:
    return _rng.normal(param.mean, param.std, count)


def _xavier(param: Any, shape: Shape, count: int) -> np.ndarray:
    bound = float(np.sqrt(np.float32(3) / _fan(param, shape)))
    return _rng.uniform(-bound, bound, count)


def _msra(param: Any, shape: Shape, count: int) -> np.ndarray:
    return _rng.normal(0, float(np.sqrt(np.float32(2) / _fan(param, shape))), count)


def _positive_unitball(param: Any, shape: Shape, count: int) -> np.ndarray:
    values = _rng.uniform(0, 1, count).reshape(shape[0], -1)
    values /= np.add.accumulate(values, 1)[:, -1:]  # Caffe adds one after the other
    return values.reshape(-1)


def _bilinear(param: Any, shape: Shape, count: int) -> np.ndarray:
    if len(shape) != 4 or shape[2] != shape[3]:
        raise PrototxtError(f"the bilinear filler needs a square 4-axis blob, not {shape}")
    factor = math.ceil(shape[3] / 2)
    centre = np.float32((shape[3] - 1) / (2 * factor))
    ramp = 1 - np.abs(np.arange(shape[3], dtype=np.float32) / np.float32(factor) - centre)
    return np.asarray(np.broadcast_to(ramp[:, None] * ramp, shape), np.float32).reshape(-1)


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

    A new blob's zeros stay untouched, and so take no memory, until somebody writes. Raises
    PrototxtError for a filler that is unknown, or whose settings make no numbers.
    """
    filler = _FILLERS.get(param.type)
    if filler is None:
        raise PrototxtError(f'unknown filler "{param.type}"; known: {", ".join(sorted(_FILLERS))}')
    if not blob.count or (param.type == "constant" and param.value == 0):
        return
    flat = blob.data.reshape(-1)
    step = _PART if param.type in _BY_PARTS else blob.count
    try:
        for start in range(0, blob.count, step):
            part = flat[start : start + step]
            part[...] = filler(param, blob.shape, part.size)
        if param.type == "gaussian" and param.sparse >= 0:
            _thin(flat, param.sparse / blob.shape[0])
    except PrototxtError:
        raise
    except ValueError as e:
        raise PrototxtError(f"the {param.type} filler makes {e}") from None


def _thin(flat: np.ndarray, chance: float) -> None:
    """Keep each value with this probability, and set the others to zero."""
    for start in range(0, len(flat), _PART):
        part = flat[start : start + _PART]
        part *= _rng.bernoulli(chance, part.size, np.float32)
