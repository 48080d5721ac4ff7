"""Softmax along one axis, and its gradient."""

import numpy as np


def softmax(x, axis, out=None):
    """exp(x - max x) / sum of exp(x - max x)."""
    out = np.subtract(x, x.max(axis, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis, keepdims=True)
    return out


def softmax_backward(y, dy, axis, out):
    np.multiply(dy - (dy * y).sum(axis, keepdims=True), y, out=out)
