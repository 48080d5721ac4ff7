"""caffe.io: pictures in and out of a net's layout.

Also `resize` and `skimage`, scikit-image's, which programs use through this module.
"""

import importlib
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from netfile.blobs import blob_values, set_values

from .proto import caffe_pb2
from .skimage.color import rgb2gray
from .skimage.io import imread
from .skimage.transform import resize
from .skimage.util import img_as_float32


def __getattr__(name: str) -> Any:
    # loaded when first asked for, since each takes its time
    if name == "skimage":
        globals()[name] = _scikit_image()
    elif name == "zoom":
        from scipy.ndimage import zoom

        globals()[name] = zoom
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals()[name]


def _scikit_image() -> Any:
    """The installed scikit-image, whose own defaults hold, or the part of it that is here."""
    try:
        import skimage.io
        import skimage.transform
    except ImportError:
        return importlib.import_module(".skimage", __package__)
    return skimage


def __dir__() -> List[str]:
    return sorted({*globals(), "skimage", "zoom"})


def blobproto_to_array(blob: Any, return_diff: bool = False) -> np.ndarray:
    """Values (or gradients) of a BlobProto as a float64 array.

    Raises ValueError where they do not make its shape.
    """
    values = blob_values(blob, return_diff).astype(np.float64)
    old = any(blob.HasField(field) for field in ("num", "channels", "height", "width"))
    if old:  # as in pycaffe they count for more than a shape
        return values.reshape(blob.num, blob.channels, blob.height, blob.width)
    return values.reshape(tuple(blob.shape.dim))


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
        return np.frombuffer(datum.data, np.uint8).reshape(shape).copy()
    return np.array(datum.float_data, float).reshape(shape)


def load_image(filename: Any, color: bool = True) -> np.ndarray:
    """A picture as float32 in 0..1: (H, W, 3) RGB, or (H, W, 1) with color=False; without alpha.

    filename: a path, or a file opened for reading bytes. Raises OSError where it is no picture.
    """
    pixels = imread(filename)
    if pixels.ndim == 3 and not color:
        pixels = rgb2gray(pixels)
    image = img_as_float32(pixels)
    if image.ndim == 2:
        return np.repeat(image[..., None], 3 if color else 1, 2)
    return image[..., :3]


def resize_image(im: np.ndarray, new_dims: Any, interp_order: int = 1) -> np.ndarray:
    """A picture (H, W, K) at (height, width) `new_dims`, float32.

    With one or three channels as scikit-image resized in Caffe's time: what lies beyond the picture
    counts as its smallest value, so borders fade to it where a picture is made larger, and nothing
    is smoothed where it is made smaller. With others by SciPy's zoom.

    Raises ValueError for arrays of other axes, and sizes without a pixel.
    """
    im = np.asarray(im)
    if im.ndim != 3:
        raise ValueError(f"a picture is (height, width, channels), not of shape {im.shape}")
    if im.shape[-1] not in (1, 3):
        from scipy.ndimage import zoom

        factors = (new_dims[0] / im.shape[0], new_dims[1] / im.shape[1], 1)
        return zoom(im, factors, order=interp_order).astype(np.float32)
    low, high = float(im.min()), float(im.max())
    if not high > low:  # constant, or not a number
        return np.full((new_dims[0], new_dims[1], im.shape[-1]), low, np.float32)
    scaled = resize((im - low) / (high - low), new_dims, interp_order)
    return (scaled * (high - low) + low).astype(np.float32)


def oversample(images: Any, crop_dims: Any) -> np.ndarray:
    """Corners and centre of each image and their mirrors: (10 * N, crop_h, crop_w, K) float32.

    Raises ValueError for a crop that is larger than the images.
    """
    size, crop = np.array(images[0].shape[:2]), np.array(crop_dims)
    middle = centre(size, crop)
    corners = [(y, x) for y in (0, size[0] - crop[0]) for x in (0, size[1] - crop[1])]
    crops = np.empty((10 * len(images), *crop, images[0].shape[-1]), np.float32)
    for ten, image in zip(crops.reshape(len(images), 10, *crops.shape[1:]), images):
        for one, (y, x) in zip(ten, [*corners, middle]):
            one[...] = image[y : y + crop[0], x : x + crop[1]]
        ten[5:] = ten[:5, :, ::-1]
    return crops


def centre(size: Any, crop: Any) -> Tuple[int, int]:
    """(y, x) where a crop in the middle begins. Raises ValueError if the crop is larger."""
    if crop[0] > size[0] or crop[1] > size[1]:
        raise ValueError(
            f"images of {size[0]} x {size[1]} (height x width) cannot be cropped to "
            f"{crop[0]} x {crop[1]}, the larger size: scale them to that or more (image_dims)"
        )
    return int((size[0] - crop[0]) / 2), int((size[1] - crop[1]) / 2)


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
        x = data.astype(np.float32)
        if tuple(self.inputs[in_][2:]) != x.shape[:2]:
            x = resize_image(x, self.inputs[in_][2:])
        if self.transpose.get(in_) is not None:
            x = x.transpose(self.transpose[in_])
        if self.channel_swap.get(in_) is not None:
            x = x[list(self.channel_swap[in_]), :, :]
        if self.raw_scale.get(in_) is not None:
            x *= self.raw_scale[in_]
        if self.mean.get(in_) is not None:
            x -= self.mean[in_]
        if self.input_scale.get(in_) is not None:
            x *= self.input_scale[in_]
        return x

    def deprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """The inverse of `preprocess`, but for the resizing."""
        self._check(in_)
        x = data.copy().squeeze()
        if self.input_scale.get(in_) is not None:
            x /= self.input_scale[in_]
        if self.mean.get(in_) is not None:
            x += self.mean[in_]
        if self.raw_scale.get(in_) is not None:
            x /= self.raw_scale[in_]
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
        """Set the mean: a value for each channel (K,), or an array (K, H, W).

        An array of another size than the input's is resized as a picture, one of (K, 1, 1) too:
        that is no value for each channel, since borders fade (`resize_image`).

        Raises ValueError for other shapes.
        """
        self._check(in_)
        mean = np.asarray(mean)
        shape = tuple(self.inputs[in_])[1:]
        if mean.ndim == 1:
            if mean.shape != shape[:1]:
                raise ValueError(
                    f"Mean channels incompatible with input: {mean.shape[0]} values for "
                    f"{shape[0]} channels."
                )
            mean = mean[:, None, None]
        elif (1,) * (3 - mean.ndim) + mean.shape != shape:
            if mean.ndim != 3:
                raise ValueError(
                    f"Mean shape invalid: {mean.shape}; it is ({shape[0]},), or an array of the "
                    "three axes (channels, height, width)."
                )
            mean = _resized_mean(mean, shape[1:])
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Set the factor of the input's values, after the mean is subtracted."""
        self._check(in_)
        self.input_scale[in_] = scale


def _resized_mean(mean: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """A mean (K, H, W) at (height, width) `size`, float32."""
    low, high = mean.min(), mean.max()
    if low == high:
        return np.full((len(mean), *size), low, np.float32)
    scaled = resize_image((mean.transpose(1, 2, 0) - low) / (high - low), size)
    return scaled.transpose(2, 0, 1) * np.float32(high - low) + np.float32(low)
