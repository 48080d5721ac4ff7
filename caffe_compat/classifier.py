"""caffe.Classifier: a net with its preprocessing."""

from typing import Any, Dict, Optional, Sequence

import numpy as np

from . import io
from .net import Net
from .net.net import PathLike
from .proto import caffe_pb2


def transformer_for(
    net: Net,
    mean: Optional[np.ndarray] = None,
    input_scale: Optional[float] = None,
    raw_scale: Optional[float] = None,
    channel_swap: Optional[Sequence[int]] = None,
) -> io.Transformer:
    """A Transformer of pictures (H, W, K) for the net's first input; what is None is left out."""
    in_ = net.inputs[0]
    transformer = io.Transformer({in_: net.blobs[in_].data.shape})
    transformer.set_transpose(in_, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(in_, mean)
    if input_scale is not None:
        transformer.set_input_scale(in_, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(in_, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(in_, channel_swap)
    return transformer


class Classifier(Net):
    """A net that takes pictures.

    Args:
        image_dims: (height, width) that pictures are scaled to before cropping.
        mean: array for Transformer.set_mean.
        raw_scale: 255 for pictures in 0..1.
        channel_swap: (2, 1, 0) for RGB pictures and BGR nets.
    """

    def __init__(
        self,
        model_file: PathLike,
        pretrained_file: PathLike,
        image_dims: Optional[Sequence[int]] = None,
        mean: Optional[np.ndarray] = None,
        input_scale: Optional[float] = None,
        raw_scale: Optional[float] = None,
        channel_swap: Optional[Sequence[int]] = None,
    ) -> None:
        super().__init__(model_file, caffe_pb2.TEST, weights=pretrained_file)
        in_ = self.inputs[0]
        self.transformer = transformer_for(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[in_].data.shape[2:])
        given = image_dims is not None and len(image_dims) > 0
        self.image_dims: Any = image_dims if given else self.crop_dims

    def predict(self, inputs: Sequence[np.ndarray], oversample: bool = True) -> np.ndarray:
        """Class probabilities of pictures [(H, W, K), ...].

        With `oversample` (N, classes), the mean over ten crops of each; or else what the net's
        first output holds, which is (N, classes, 1, 1) for a net that ends in global pooling.

        Raises ValueError where `image_dims` is smaller than the net's input.
        """
        size = tuple(self.image_dims)[:2]
        scaled = np.zeros((len(inputs), *size, inputs[0].shape[-1]), np.float32)
        for one, image in zip(scaled, inputs):
            one[...] = io.resize_image(image, self.image_dims)
        if oversample:
            crops = io.oversample(scaled, self.crop_dims)
        else:
            y, x = io.centre(self.image_dims, self.crop_dims)
            crops = scaled[:, y : y + self.crop_dims[0], x : x + self.crop_dims[1]]
        in_ = self.inputs[0]
        data = np.array([self.transformer.preprocess(in_, crop) for crop in crops], np.float32)
        batch: Dict[str, Any] = {in_: data}
        predictions = self.forward_all(**batch)[self.outputs[0]]
        if not oversample:
            return predictions
        # flat, as in pycaffe, also where a net ends in global pooling: (N, classes, 1, 1)
        return predictions.reshape(len(predictions) // 10, 10, -1).mean(1)
