"""Softmax along one axis with its gradient, and the sigmoid."""

from typing import Optional

import numpy as np


def softmax(x: np.ndarray, axis: int, out: Optional[np.ndarray] = None) -> np.ndarray:
    """exp(x - max x) / sum of exp(x - max x)."""
    out = np.subtract(x, x.max(axis, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis, keepdims=True)
    return out


def softmax_backward(y: np.ndarray, dy: np.ndarray, axis: int, out: np.ndarray) -> None:
    """out = the gradient of softmax's input from y, its output, and dy, the output's gradient."""
    np.multiply(dy - (dy * y).sum(axis, keepdims=True), y, out=out)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), by tanh, which overflows nowhere, as in Caffe."""
    return np.float32(0.5) * np.tanh(np.float32(0.5) * x) + np.float32(0.5)
