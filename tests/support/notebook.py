"""The 2015 notebook's algorithm, transcribed literally: the reference that the package is compared with, bit for bit."""

import tempfile

import numpy as np
import scipy.ndimage as nd
from google.protobuf import text_format


def open_net(caffe, deploy, weights, mean=(104.0, 116.0, 122.0)):
    description = caffe.io.caffe_pb2.NetParameter()
    with open(deploy) as f:
        text_format.Merge(f.read(), description)
    description.force_backward = True
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as f:
        f.write(str(description))
        f.flush()
        return caffe.Classifier(f.name, str(weights), mean=np.float32(mean), channel_swap=(2, 1, 0))


def to_net(net, rgb):
    return np.float32(np.rollaxis(rgb, 2)[::-1]) - net.transformer.mean["data"]


def to_rgb(net, x):
    return np.dstack((x + net.transformer.mean["data"])[::-1])


def l2(dst):
    dst.diff[:] = dst.data


def step(net, size=1.5, end="inception_4c/output", jitter=32, clip=True, objective=l2):
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
    net,
    rgb,
    iterations=10,
    octaves=4,
    ratio=1.4,
    end="inception_4c/output",
    clip=True,
    **step_params,
):
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


def zoom_loop(net, rgb, frames, s=0.05, **params):
    out, frame = [], rgb
    h, w = rgb.shape[:2]
    for _ in range(frames):
        frame = dream(net, frame, **params)
        out.append(np.uint8(frame))
        frame = nd.affine_transform(frame, [1 - s, 1 - s, 1], [h * s / 2, w * s / 2, 0], order=1)
    return out


def guide_objective(net, guide_rgb, end):
    h, w = guide_rgb.shape[:2]
    data, target = net.blobs["data"], net.blobs[end]
    data.reshape(1, 3, h, w)
    data.data[0] = to_net(net, guide_rgb)
    net.forward(end=end)
    features = target.data[0].copy()

    def objective(dst):
        channels = dst.data.shape[1]
        x = dst.data[0].copy().reshape(channels, -1)
        y = features.reshape(channels, -1)
        dst.diff[0].reshape(channels, -1)[:] = y[:, x.T.dot(y).argmax(1)]

    return objective
