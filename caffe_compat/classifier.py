"""caffe.Classifier: a net with its preprocessing."""

import numpy as np

from . import io
from .net import Net
from .proto import caffe_pb2


class Classifier(Net):
    """A net that takes pictures.

    mean: array for Transformer.set_mean; channel_swap: (2, 1, 0) for RGB pictures and BGR nets; raw_scale: 255 for
    pictures in 0..1; image_dims: (height, width) that pictures are scaled to before cropping.
    """

    def __init__(self, model_file, pretrained_file, image_dims=None, mean=None, input_scale=None, raw_scale=None, channel_swap=None):
        super().__init__(model_file, caffe_pb2.TEST, weights=pretrained_file)
        in_ = self.inputs[0]
        self.transformer = io.Transformer({in_: self.blobs[in_].data.shape})
        self.transformer.set_transpose(in_, (2, 0, 1))
        if mean is not None:
            self.transformer.set_mean(in_, mean)
        if input_scale is not None:
            self.transformer.set_input_scale(in_, input_scale)
        if raw_scale is not None:
            self.transformer.set_raw_scale(in_, raw_scale)
        if channel_swap is not None:
            self.transformer.set_channel_swap(in_, channel_swap)
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
        self.blobs[in_].reshape(*data.shape)
        predictions = self.forward(**{in_: data})[self.outputs[0]].copy()
        return predictions.reshape(-1, 10, *predictions.shape[1:]).mean(1) if oversample else predictions
