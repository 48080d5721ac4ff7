"""caffe.io: pictures in and out of a net's layout."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from netfile.blobs import blob_shape, blob_values, set_values

from .proto import caffe_pb2


def blobproto_to_array(blob: Any, return_diff: bool = False) -> np.ndarray:
    """Values (or gradients) of a BlobProto as a float32 array.

    Raises ValueError where they do not make its shape.
    """
    values = blob_values(blob, return_diff)
    old = any(blob.HasField(f) for f in ("num", "channels", "height", "width"))
    return np.array(values).reshape(blob_shape(blob) if old or blob.HasField("shape") else ())


def array_to_blobproto(arr: Any, diff: Any = None) -> Any:
    """A BlobProto with this array's values and, if given, gradients."""
    blob = caffe_pb2.BlobProto()
    set_values(blob, arr)
    if diff is not None:
        blob.diff.extend(np.asarray(diff, float).ravel().tolist())
    return blob


def arraylist_to_blobprotovector_str(arraylist: Sequence[Any]) -> bytes:
    """Several arrays as the bytes of one BlobProtoVector."""
    return caffe_pb2.BlobProtoVector(
        blobs=[array_to_blobproto(arr) for arr in arraylist]
    ).SerializeToString()


def blobprotovector_str_to_arraylist(str: bytes) -> List[np.ndarray]:
    """The arrays in the bytes of a BlobProtoVector."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(str).blobs]


def array_to_datum(arr: np.ndarray, label: Optional[int] = None) -> Any:
    """A Datum of an array (channels, height, width): bytes if it is uint8, else floats.

    Raises ValueError for other shapes.
    """
    if arr.ndim != 3:
        raise ValueError(
            f"Incorrect array shape {arr.shape}: a Datum holds (channels, height, width)."
        )
    datum = caffe_pb2.Datum(channels=arr.shape[0], height=arr.shape[1], width=arr.shape[2])
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(arr.astype(float).ravel().tolist())
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: Any) -> np.ndarray:
    """The array (channels, height, width) in a Datum, uint8 or float; its label is left out."""
    shape = datum.channels, datum.height, datum.width
    if len(datum.data):
        return np.frombuffer(datum.data, np.uint8).reshape(shape)
    return np.array(datum.float_data, float).reshape(shape)


def load_image(filename: str, color: bool = True) -> np.ndarray:
    """A picture as float32 in 0..1: (H, W, 3) RGB, or (H, W, 1) with color=False; without alpha."""
    from PIL import Image

    with Image.open(filename) as image:
        if image.mode.startswith("I;16"):
            grey = np.asarray(image, np.float32) / 65535
            return np.repeat(grey[..., None], 3 if color else 1, 2)
        pixels = np.asarray(image.convert("RGB" if color else "L"), np.float32)
        return pixels.reshape(image.height, image.width, -1) / 255


def resize_image(im: np.ndarray, new_dims: Any, interp_order: int = 1) -> np.ndarray:
    """`im` (H, W, K) at (height, width) `new_dims`, float32, by splines of this order."""
    from scipy import ndimage

    factors = (new_dims[0] / im.shape[0], new_dims[1] / im.shape[1], 1)
    return ndimage.zoom(
        np.asarray(im, np.float32), factors, order=interp_order, mode="reflect", grid_mode=True
    )


def oversample(images: Any, crop_dims: Any) -> np.ndarray:
    """Corners and centre of each image and their mirrors: (10 * N, crop_h, crop_w, K) float32."""
    images = np.asarray(images)
    size, crop = np.array(images[0].shape[:2]), np.array(crop_dims)
    middle = ((size - crop) / 2.0).astype(int)
    corners = [(y, x) for y in (0, size[0] - crop[0]) for x in (0, size[1] - crop[1])]
    starts = [*corners, tuple(middle)]
    crops = [[image[y : y + crop[0], x : x + crop[1]] for y, x in starts] for image in images]
    return np.array([c for five in crops for c in [*five, *(v[:, ::-1] for v in five)]], np.float32)


class Transformer:
    """Turns pictures (H, W, K) into a net's input (K, H, W) and back, by settings for each input.

    inputs: dict of input blob name to its shape.
    """

    def __init__(self, inputs: Dict[str, Sequence[int]]) -> None:
        self.inputs = inputs
        self.transpose: Dict[str, Sequence[int]] = {}
        self.channel_swap: Dict[str, Sequence[int]] = {}
        self.raw_scale: Dict[str, float] = {}
        self.mean: Dict[str, np.ndarray] = {}
        self.input_scale: Dict[str, float] = {}

    def _check(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise ValueError(f"{in_} is not one of the net inputs: {list(self.inputs)}")

    def preprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """Resize, transpose, swap channels, scale, subtract the mean and scale again.

        What was not set is left out.
        """
        self._check(in_)
        x = data.astype(np.float32, copy=False)
        if tuple(self.inputs[in_][2:]) != x.shape[:2]:
            x = resize_image(x, self.inputs[in_][2:])
        if self.transpose.get(in_) is not None:
            x = x.transpose(self.transpose[in_])
        if self.channel_swap.get(in_) is not None:
            x = x[list(self.channel_swap[in_]), :, :]
        if self.raw_scale.get(in_) is not None:
            x = x * np.float32(self.raw_scale[in_])
        if self.mean.get(in_) is not None:
            x = x - self.mean[in_]
        if self.input_scale.get(in_) is not None:
            x = x * np.float32(self.input_scale[in_])
        return x

    def deprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """The inverse of `preprocess`, but for the resizing."""
        self._check(in_)
        x = data.copy().squeeze()
        if self.input_scale.get(in_) is not None:
            x = x / np.float32(self.input_scale[in_])
        if self.mean.get(in_) is not None:
            x = x + self.mean[in_]
        if self.raw_scale.get(in_) is not None:
            x = x / np.float32(self.raw_scale[in_])
        if self.channel_swap.get(in_) is not None:
            x = x[np.argsort(self.channel_swap[in_]), :, :]
        if self.transpose.get(in_) is not None:
            x = x.transpose(np.argsort(self.transpose[in_]))
        return x

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of the axes, (2, 0, 1) for pictures (H, W, K)."""
        self._check(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ValueError(
                "Transpose order needs to have the same number of dimensions as the input."
            )
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of the channels, (2, 1, 0) for RGB pictures and BGR nets."""
        self._check(in_)
        if len(order) != self.inputs[in_][1]:
            raise ValueError(
                "Channel swap needs to have the same number of dimensions as the input channels."
            )
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Set the factor of the picture's values, before the mean is subtracted."""
        self._check(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: np.ndarray) -> None:
        """Set the mean: one value per channel (K,), or an array (K, H, W) of the input's size."""
        self._check(in_)
        mean = np.asarray(mean)
        shape = tuple(self.inputs[in_])
        if mean.ndim == 1:
            if mean.shape[0] != shape[1]:
                raise ValueError(
                    f"Mean channels incompatible with input: {mean.shape[0]} values for "
                    f"{shape[1]} channels."
                )
            mean = mean[:, None, None]
        elif (1,) * (4 - mean.ndim) + mean.shape != (1, *shape[1:]):
            raise ValueError(f"Mean shape {mean.shape} incompatible with input shape {shape}.")
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Set the factor of the input's values, after the mean is subtracted."""
        self._check(in_)
        self.input_scale[in_] = scale
