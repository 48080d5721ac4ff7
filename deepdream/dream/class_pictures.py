"""What a class looks like to a net: pictures from noise or nothing that its score likes.

Three ways, each by ascent on the class's score in front of the softmax, the mean size of a step given in grey levels:
simonyan    from the mean colour, with an L2 norm (arXiv 1312.6034, equation 1)
yosinski-*  from noise, with what that paper does between steps (arXiv 1506.06579, section 3), in its four settings
octaves     from noise, at growing sizes, a window of the net's size at a time, with a blur that fades (as DeepDraw of 2015 does)
"""

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from ..errors import NotFiniteError
from .passes import backward
from .preprocess import deprocess, preprocess
from .priors import YOSINSKI, Prior, Yosinski, l2_norm


@dataclass(frozen=True)
class Octave:
    """`scale` times the net's size; the steps fade from the first to the last of each pair: step size, and blur in pixels."""

    scale: float
    steps: int
    step_size: Tuple[float, float]
    blur: Tuple[float, float]


@dataclass(frozen=True)
class Method:
    """How a class's pictures are made. noise: standard deviation of the start, in grey levels about the mean colour."""

    octaves: Tuple[Octave, ...]
    noise: float = 0.0
    jitter: int = 0
    prior: Optional[Prior] = None
    between: Optional[Yosinski] = None


METHODS = {
    "octaves": Method(
        (Octave(1.0, 120, (9.0, 4.0), (1.6, 0.8)), Octave(1.25, 60, (6.0, 3.0), (1.1, 0.7)), Octave(1.6, 60, (4.0, 2.0), (0.9, 0.5))),
        noise=20, jitter=6,
    ),
    "simonyan": Method((Octave(1.0, 150, (4.0, 2.0), (0, 0)),), prior=1e-5 * l2_norm()),
    **{name: Method((Octave(1.0, 150, (8.0, 4.0), (0, 0)),), noise=20, between=between) for name, between in YOSINSKI.items()},
}  # fmt: skip


def visualise(net, layer, number, size, seeds, method, report=None):
    """Pictures that the score of class `number` likes: RGB float32 (len(seeds), H, W, 3), all of them in one batch.

    layer: the one in front of the softmax. size: the net's (height, width). report: called with (step, steps) after every step.
    Raises NotFiniteError where the gradient is not a number.
    """
    rngs = [np.random.RandomState(seed) for seed in seeds]
    mean = np.float32(net.transformer.mean["data"])
    x = np.stack([rng.normal(0, method.noise or 1e-3, (3, *size)) for rng in rngs]).astype(
        np.float32
    )
    net.blobs["data"].reshape(len(seeds), 3, *size)
    total, done = sum(o.steps for o in method.octaves), 0
    for octave in method.octaves:
        x = _enlarged(x, [round(n * octave.scale) for n in size])
        for i in range(octave.steps):
            share = i / max(octave.steps - 1, 1)
            step_size, blur = (
                first + (last - first) * share for first, last in (octave.step_size, octave.blur)
            )
            g = _step(net, layer, number, x, size, step_size, method, rngs, done + 1)
            if blur:
                _blur(x, blur)
            if method.between:
                method.between(x, g, done + 1)
            np.clip(x, -mean, 255 - mean, out=x)
            done += 1
            if report:
                report(done, total)
    return np.stack([deprocess(net, picture) for picture in x])


def _step(net, layer, number, x, size, step_size, method, rngs, count):
    """Add one step to x, in a random window of the net's size of each picture; returns the whole gradient, zero outside."""
    src = net.blobs["data"]
    places = [
        [rng.randint(0, extent - n + 1) for extent, n in zip(x.shape[2:], size)] for rng in rngs
    ]
    shifts = [rng.randint(-method.jitter, method.jitter + 1, 2) for rng in rngs]
    windows = [
        (slice(None), slice(top, top + size[0]), slice(left, left + size[1]))
        for top, left in places
    ]
    for i, (window, shift) in enumerate(zip(windows, shifts)):
        src.data[i] = np.roll(x[i][window], shift, (1, 2))
    net.forward(end=layer)
    diff = np.zeros_like(net.blobs[layer].data)
    diff[:, number] = 1
    gradient = backward(net, {layer: diff}, layer)
    out = np.zeros_like(x)
    for i, (window, shift) in enumerate(zip(windows, shifts)):
        g = np.roll(gradient[i], -shift, (1, 2))
        if method.prior:
            g = g - np.float32(method.prior.value_and_gradient(x[i][window][None])[1][0])
        mean = np.abs(g).mean()
        if not np.isfinite(mean):
            raise NotFiniteError(
                f'"{layer}", class {number}, step {count}: the gradient is not a number; are the weights broken?'
            )
        x[i][window] += np.float32(step_size / (mean or 1)) * g
        out[i][window] = g
    return out


def _enlarged(x, size):
    from scipy import ndimage

    if x.shape[2:] == tuple(size):
        return x
    return np.float32(ndimage.zoom(x, (1, 1, size[0] / x.shape[2], size[1] / x.shape[3]), order=1))


def _blur(x, deviation):
    from scipy.ndimage import gaussian_filter

    x[...] = gaussian_filter(x, (0, 0, deviation, deviation))


def probabilities(net, pictures, number, size, blob="prob"):
    """The class's probability for each picture, RGB (N, H, W, 3), at the net's own size."""
    net.blobs["data"].reshape(len(pictures), 3, *size)
    for i, picture in enumerate(pictures):
        net.blobs["data"].data[i] = _enlarged(preprocess(net, picture)[None], size)[0]
    net.forward(end=blob)
    return net.blobs[blob].data.reshape(len(pictures), -1)[:, number].copy()
