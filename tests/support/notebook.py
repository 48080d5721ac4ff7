"""The algorithm of the 2015 notebook, transcribed literally.

The package is compared with it bit for bit.
"""

import tempfile
from pathlib import Path
from typing import Any, Callable, List, Union

import numpy as np
import scipy.ndimage as nd
from google.protobuf import text_format

Objective = Callable[[Any], None]
BGR_MEAN = (104.0, 116.0, 122.0)


def open_net(
    caffe: Any,
    deploy: Union[str, Path],
    weights: Union[str, Path],
    mean: Any = BGR_MEAN,
) -> Any:
    """The net as the notebook loads it: force_backward in a copy of its prototxt, a Classifier."""
    description = caffe.io.caffe_pb2.NetParameter()
    with open(deploy) as f:
        text_format.Merge(f.read(), description)
    description.force_backward = True
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as f:
        f.write(str(description))
        f.flush()
        return caffe.Classifier(f.name, str(weights), mean=np.float32(mean), channel_swap=(2, 1, 0))


def to_net(net: Any, rgb: np.ndarray) -> np.ndarray:
    """RGB (H, W, 3) as the net sees it: float32 BGR (3, H, W), less the mean."""
    return np.float32(np.rollaxis(rgb, 2)[::-1]) - net.transformer.mean["data"]


def to_rgb(net: Any, x: np.ndarray) -> np.ndarray:
    """The reverse of to_net, not clipped."""
    return np.dstack((x + net.transformer.mean["data"])[::-1])


def l2(dst: Any) -> None:
    dst.diff[:] = dst.data


def step(
    net: Any,
    size: float = 1.5,
    end: str = "inception_4c/output",
    jitter: int = 32,
    clip: bool = True,
    objective: Objective = l2,
) -> None:
    """The notebook's make_step."""
    data, target = net.blobs["data"], net.blobs[end]
    shift_x, shift_y = np.random.randint(-jitter, jitter + 1, 2)
    data.data[0] = np.roll(np.roll(data.data[0], shift_x, -1), shift_y, -2)
    net.forward(end=end)
    objective(target)
    net.backward(start=end)
    g = data.diff[0]
    data.data[:] += size / np.abs(g).mean() * g
    data.data[0] = np.roll(np.roll(data.data[0], -shift_x, -1), -shift_y, -2)
    if clip:
        mean = net.transformer.mean["data"]
        data.data[:] = np.clip(data.data, -mean, 255 - mean)


def dream(
    net: Any,
    rgb: np.ndarray,
    iterations: int = 10,
    octaves: int = 4,
    ratio: float = 1.4,
    end: str = "inception_4c/output",
    clip: bool = True,
    **step_params: Any,
) -> np.ndarray:
    """The notebook's deepdream."""
    pyramid = [to_net(net, rgb)]
    for _ in range(octaves - 1):
        pyramid.append(nd.zoom(pyramid[-1], (1, 1.0 / ratio, 1.0 / ratio), order=1))
    data = net.blobs["data"]
    detail = np.zeros_like(pyramid[-1])
    for number, base in enumerate(reversed(pyramid)):
        h, w = base.shape[-2:]
        if number:
            old_h, old_w = detail.shape[-2:]
            detail = nd.zoom(detail, (1, 1.0 * h / old_h, 1.0 * w / old_w), order=1)
        data.reshape(1, 3, h, w)
        data.data[0] = base + detail
        for _ in range(iterations):
            step(net, end=end, clip=clip, **step_params)
        detail = data.data[0] - base
    return to_rgb(net, data.data[0])


def zoom_loop(net: Any, rgb: np.ndarray, frames: int, s: float = 0.05, **params: Any) -> List[Any]:
    """The frames, uint8, of the notebook's loop that dreams on its own enlarged output."""
    out: List[Any] = []
    frame = rgb
    h, w = rgb.shape[:2]
    for _ in range(frames):
        frame = dream(net, frame, **params)
        out.append(np.uint8(frame))
        frame = nd.affine_transform(frame, [1 - s, 1 - s, 1], [h * s / 2, w * s / 2, 0], order=1)
    return out


def guide_objective(net: Any, guide_rgb: np.ndarray, end: str) -> Objective:
    """The notebook's objective_guide, on the features of this guide."""
    h, w = guide_rgb.shape[:2]
    data, target = net.blobs["data"], net.blobs[end]
    data.reshape(1, 3, h, w)
    data.data[0] = to_net(net, guide_rgb)
    net.forward(end=end)
    features = target.data[0].copy()

    def objective(dst: Any) -> None:
        channels = dst.data.shape[1]
        x = dst.data[0].copy().reshape(channels, -1)
        y = features.reshape(channels, -1)
        dst.diff[0].reshape(channels, -1)[:] = y[:, x.T.dot(y).argmax(1)]

    return objective
