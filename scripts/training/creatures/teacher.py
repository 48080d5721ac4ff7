"""A net that knows ImageNet, as a teacher: what it sees in a picture, as shares of 1000 classes.

It is EfficientNet-Lite0, by its deploy net and caffemodel (`deepdream models get
efficientnet_lite0`). A student that is shown the same pictures learns from it what is alike (Beyer
et al., arXiv 2106.05237), even where they are few and of other things (Asano and Saeed, arXiv
2112.00725).
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from caffe_compat.proto import caffe_pb2
from deepdream.nets import find
from netfile.caffemodel import opened
from netfile.prototxt import read_prototxt

NAME, CLASSES = "efficientnet_lite0", 1000


class Teacher:
    """Gives the teacher's shares for batches of the student's pictures."""

    def __init__(self, mean: tuple[float, ...], side: int) -> None:
        """mean: what was taken off the student's pictures, BGR. side: what they are brought to."""
        model = find(NAME)
        if not model.weights.is_file():
            raise SystemExit(f"no teacher: get it with `deepdream models get {NAME}`")
        self.side = side
        self.layers = read_prototxt(model.deploy, caffe_pb2).layer
        self.weights = _weights(model.weights)
        taken = torch.tensor(mean) - torch.tensor(model.mean)
        self.shift = taken.view(1, 3, 1, 1)

    @torch.no_grad()
    def shares(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, 1000) of pictures (N, 3, H, W), BGR in 0..255 less the student's mean."""
        size = (self.side, self.side)
        x = F.interpolate(pictures + self.shift, size, mode="bilinear", align_corners=False)
        blobs = {self.layers[0].top[0]: x.contiguous(memory_format=torch.channels_last)}
        for layer in self.layers[1:]:
            inputs = [blobs[name] for name in layer.bottom]
            blobs[layer.top[0]] = self._made(layer, inputs)
        return blobs[self.layers[-1].top[0]]

    def _made(self, layer: Any, inputs: list[torch.Tensor]) -> torch.Tensor:
        """What one layer makes; of the types that this net has."""
        x = inputs[0]
        if layer.type == "Convolution":
            p = layer.convolution_param
            stride, pad = (list(p.stride) or [1])[0], (list(p.pad) or [0])[0]
            return F.conv2d(x, *self.weights[layer.name], stride, pad, groups=p.group)
        if layer.type == "Clip":
            return x.clamp(layer.clip_param.min, layer.clip_param.max)
        if layer.type == "Eltwise":
            return inputs[0] + inputs[1]
        if layer.type == "Pooling":
            return x.mean((2, 3))
        if layer.type == "InnerProduct":
            return F.linear(x, *self.weights[layer.name])
        if layer.type == "Dropout":
            return x
        if layer.type == "Softmax":
            return x.softmax(1)
        raise SystemExit(f"{layer.name}: the teacher has a layer of type {layer.type}")


def _weights(path: Path) -> dict[str, list[torch.Tensor]]:
    """Each layer's parameters: the weights, then the bias."""
    found = {}
    with opened(path, caffe_pb2) as layers:
        for layer in layers:
            arrays = []
            for blob in layer.blobs:
                flat = np.empty(blob.count, np.float32)
                blob.read_into(flat)
                arrays.append(torch.from_numpy(flat.reshape(blob.shape)))
            found[layer.name] = arrays
    return found
