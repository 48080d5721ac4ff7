"""Softmax along one axis with its gradient, and the sigmoid."""

import numpy as np


def softmax(x, axis, out=None):
    """exp(x - max x) / sum of exp(x - max x)."""
    out = np.subtract(x, x.max(axis, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis, keepdims=True)
    return out


def softmax_backward(y, dy, axis, out):
    np.multiply(dy - (dy * y).sum(axis, keepdims=True), y, out=out)


def sigmoid(x):
    """1 / (1 + exp(-x)), by tanh, which overflows nowhere, as in Caffe."""
    return np.float32(0.5) * np.tanh(np.float32(0.5) * x) + np.float32(0.5)
