"""The shared finite-difference checker for layers, and the layers that tests are made of."""

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
from google.protobuf import text_format

from caffe_compat.blob import Blob
from caffe_compat.layer_types import create
from caffe_compat.layer_types.registry import Layer
from caffe_compat.proto import caffe_pb2

from . import gpu


def build(
    text: str,
    *bottoms: Any,
    tops: int = 1,
    phase: int = caffe_pb2.TEST,
    in_place: bool = False,
) -> Tuple[Layer, List[Blob], List[Blob]]:
    """(layer, bottom blobs, top blobs), set up and shaped.

    Args:
        text: of a LayerParameter.
        bottoms: arrays for its bottoms.
        tops: how many the layer has.
        in_place: let the top be the bottom.
    """
    param = text_format.Parse(text, caffe_pb2.LayerParameter(name="layer"))
    layer = create(param, phase)
    bottom = []
    for array in bottoms:
        array = np.asarray(array, np.float32)
        blob = Blob(*array.shape)
        blob.data[...] = array
        bottom.append(blob)
    top = bottom[:1] if in_place else [Blob(0) for _ in range(tops)]
    layer.check_counts(bottom, top)
    layer.setup(bottom, top)
    layer.reshape(bottom, top)
    if gpu.wanted():
        gpu.on_device(layer)
    return layer, bottom, top


def run(text: str, *bottoms: Any, **kwargs: Any) -> Any:
    """The tops' data after one forward pass; a single array if there is one top."""
    layer, bottom, top = build(text, *bottoms, **kwargs)
    layer.forward(bottom, top)
    out = [t.data.copy() for t in top]
    return out[0] if len(out) == 1 else out


def check_gradient(
    layer: Layer,
    bottom: List[Blob],
    top: List[Blob],
    step: float = 1e-2,
    tolerance: float = 1e-2,
    params: bool = True,
    bottoms: Optional[Sequence[int]] = None,
    frozen: bool = False,
) -> None:
    """Compare backward with central differences of sum(weights * top).

    At every value of every bottom and parameter. The layer runs in float32, so a step of 1e-2 and a
    tolerance of 1e-2 (of the largest gradient value) separate a right gradient from a wrong one;
    inputs must keep away from kinks.

    Args:
        params: check the parameters too.
        bottoms: numbers of those to check, all by default.
        frozen: tops after the first of a recurrent layer pass no gradient, and so count nothing.
    """
    rng = np.random.RandomState(3)
    layer.reshape(bottom, top)
    layer.forward(bottom, top)
    weights = [rng.uniform(-1, 1, t.shape).astype(np.float32) for t in top]
    if frozen and layer.type in ("LSTM", "RNN"):
        weights[1:] = [np.zeros_like(w) for w in weights[1:]]
    differ = list(bottom) if bottoms is None else [bottom[i] for i in bottoms]
    checked = differ + (list(layer.blobs) if params else [])
    for blob in checked:
        blob.diff[...] = 0
    for t, w in zip(top, weights):
        t.diff[...] = w
    layer.backward(top, [b in differ for b in bottom], bottom)
    analytic = [blob.diff.copy() for blob in checked]

    def value():
        layer.reshape(bottom, top)
        layer.forward(bottom, top)
        return sum(float((w.astype(np.float64) * t.data).sum()) for w, t in zip(weights, top))

    for number, (blob, gradient) in enumerate(zip(checked, analytic)):
        wanted = np.empty(blob.count)
        for i in range(blob.count):
            # read anew each time, or in GPU mode it stays on the host
            kept = blob.data.reshape(-1)[i]
            blob.data.reshape(-1)[i] = kept + step
            above = value()
            blob.data.reshape(-1)[i] = kept - step
            below = value()
            blob.data.reshape(-1)[i] = kept
            wanted[i] = (above - below) / (2 * step)
        error = np.abs(gradient.reshape(-1) - wanted).max() / max(np.abs(wanted).max(), 1e-3)
        assert error < tolerance, (
            f"{layer.type}: blob {number}: gradient off by {error:.3g} of its largest value"
        )
