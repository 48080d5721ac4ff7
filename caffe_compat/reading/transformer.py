"""transform_param: what data layers do to a picture (Caffe's DataTransformer)."""

from typing import Any, Optional, Tuple

import numpy as np

from netfile.blobs import four_axes, read_blob

from ..errors import PrototxtError, ShapeError
from ..fillers import rng
from ..generator import Generator
from ..proto import caffe_pb2
from . import pictures

Shape = Tuple[int, int, int]  # (channels, height, width)


class Transformer:
    """Crops, mirrors, subtracts a mean and scales, as a TransformationParameter says.

    Args:
        param: the message.
        phase: crops and mirrors are drawn in phase TRAIN; a mirror is drawn in any, as in Caffe.
        layer: the layer's name, for errors.
    """

    def __init__(self, param: Any, phase: int, layer: str) -> None:
        self.param, self.layer = param, layer
        self.training = phase == caffe_pb2.TRAIN
        if param.HasField("mean_file") and param.mean_value:
            raise self._error("both mean_file and mean_value are given; keep one")
        self._mean: Optional[np.ndarray] = None
        if param.HasField("mean_file"):
            mean = read_blob(param.mean_file, caffe_pb2)
            self._mean = mean.reshape(four_axes(mean.shape)[-3:])
        elif param.mean_value:
            self._mean = np.array(param.mean_value, np.float32)[:, None, None]
        self._drawn: Optional[Generator] = None
        self.seed()

    def seed(self) -> None:
        """Draw a seed for crops and mirrors, if there are any (InitRand)."""
        if self.param.mirror or (self.training and self.param.crop_size):
            self._drawn = Generator(rng().word())

    def shape(self, size: Shape) -> Shape:
        """The shape of what a picture of this shape becomes. Raises ShapeError for a small one."""
        crop = self.param.crop_size
        if crop and min(size[1:]) < crop:
            raise ShapeError(
                f'layer "{self.layer}": a picture of {size[1]}x{size[2]} (height x width) is '
                f"smaller than crop_size {crop}"
            )
        return (size[0], crop, crop) if crop else size

    def into(self, picture: np.ndarray, target: np.ndarray) -> None:
        """Write a picture (channels, height, width), transformed, into `target`, float32.

        Raises ShapeError where the shapes, or the mean's, do not agree.
        """
        size: Any = picture.shape
        wanted = self.shape(size)
        if target.shape != wanted:
            raise ShapeError(
                f'layer "{self.layer}": a picture becomes {wanted}, but the first one of its '
                f"batch is {target.shape}; give crop_size, or pictures of one size"
            )
        mirrored = self.param.mirror and self._below(2)
        top, left = self._corner(size)
        _, height, width = wanted
        window = np.s_[:, top : top + height, left : left + width]
        values = picture[window].astype(np.float32)
        if self._mean is not None:
            values -= self._mean_of(size)[window]
        if self.param.scale != 1:
            values *= np.float32(self.param.scale)
        target[...] = values[:, :, ::-1] if mirrored else values

    def _corner(self, size: Shape) -> Tuple[int, int]:
        """(top, left) of the crop: drawn in training, in the middle otherwise."""
        crop = self.param.crop_size
        if not crop:
            return 0, 0
        spare = size[1] - crop, size[2] - crop
        if self.training:
            return self._below(spare[0] + 1), self._below(spare[1] + 1)
        return spare[0] // 2, spare[1] // 2

    def _below(self, limit: int) -> int:
        assert self._drawn is not None
        return self._drawn.below(limit)

    def _mean_of(self, size: Shape) -> np.ndarray:
        """The mean for a picture of this shape."""
        mean: Any = self._mean
        if self.param.mean_value:
            if len(mean) not in (1, size[0]):
                raise self._error(
                    f"{len(mean)} values of mean_value for {size[0]} channels; "
                    "give one, or one for each"
                )
            return np.asarray(np.broadcast_to(mean, size))
        if mean.shape != size:
            raise ShapeError(
                f'layer "{self.layer}": the mean in {self.param.mean_file} has shape '
                f"{mean.shape}, and a picture {size}"
            )
        return np.asarray(mean)

    def _error(self, what: str) -> PrototxtError:
        return PrototxtError(f'layer "{self.layer}": {what}')

    def values(self, datum: Any, name: str) -> np.ndarray:
        """The picture (channels, height, width) in a Datum, uint8 or float32, decoded if it is
        encoded. name: what errors call it."""
        if datum.encoded:
            p = self.param
            if p.force_color and p.force_gray:
                raise self._error("both force_color and force_gray are set; keep one")
            color = p.force_color if p.force_color or p.force_gray else None
            return pictures.decode(datum.data, color, name).transpose(2, 0, 1)
        size = datum.channels, datum.height, datum.width
        found = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data)
        if min(size) < 1 or found.size != size[0] * size[1] * size[2]:
            raise ShapeError(
                f'layer "{self.layer}": {name} says (channels, height, width) {size} and holds '
                f"{found.size} values"
            )
        return found.reshape(size)
