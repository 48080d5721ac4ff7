"""caffe.Classifier: a net with its preprocessing."""

import numpy as np

from . import io
from .net import Net
from .proto import caffe_pb2


def transformer_for(net, mean=None, input_scale=None, raw_scale=None, channel_swap=None):
    """A Transformer for the net's first input that takes pictures (H, W, K); what is None is left out."""
    in_ = net.inputs[0]
    transformer = io.Transformer({in_: net.blobs[in_].data.shape})
    transformer.set_transpose(in_, (2, 0, 1))
    for value, setter in (
        (mean, transformer.set_mean), (input_scale, transformer.set_input_scale),
        (raw_scale, transformer.set_raw_scale), (channel_swap, transformer.set_channel_swap),
    ):  # fmt: skip
        if value is not None:
            setter(in_, value)
    return transformer


class Classifier(Net):
    """A net that takes pictures.

    mean: array for Transformer.set_mean; channel_swap: (2, 1, 0) for RGB pictures and BGR nets; raw_scale: 255 for
    pictures in 0..1; image_dims: (height, width) that pictures are scaled to before cropping.
    """

    def __init__(
        self,
        model_file,
        pretrained_file,
        image_dims=None,
        mean=None,
        input_scale=None,
        raw_scale=None,
        channel_swap=None,
    ):
        super().__init__(model_file, caffe_pb2.TEST, weights=pretrained_file)
        in_ = self.inputs[0]
        self.transformer = transformer_for(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[in_].data.shape[2:])
        self.image_dims = image_dims if image_dims else self.crop_dims

    def predict(self, inputs, oversample=True):
        """Class probabilities (N, classes) of pictures [(H, W, K), ...]; the mean over ten crops with `oversample`."""
        scaled = np.array([io.resize_image(image, self.image_dims) for image in inputs], np.float32)
        if oversample:
            crops = io.oversample(scaled, self.crop_dims)
        else:
            y, x = ((np.array(self.image_dims) - self.crop_dims) // 2).astype(int)
            crops = scaled[:, y : y + self.crop_dims[0], x : x + self.crop_dims[1]]
        in_ = self.inputs[0]
        data = np.array([self.transformer.preprocess(in_, crop) for crop in crops], np.float32)
        predictions = self.forward_all(**{in_: data})[self.outputs[0]]
        return (
            predictions.reshape(-1, 10, *predictions.shape[1:]).mean(1)
            if oversample
            else predictions
        )
