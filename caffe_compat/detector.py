"""Detector: classifies windows of pictures, as for R-CNN (Girshick et al., arXiv 1311.2524)."""

import os
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from . import io
from .classifier import transformer_for
from .net import Net
from .net.net import PathLike
from .proto import caffe_pb2


class Detector(Net):
    """A net with a Transformer for its first input, that classifies windows of pictures.

    Windows are (ymin, xmin, ymax, xmax). context_pad: that many pixels of context around each
    window, in the net's input.
    """

    def __init__(
        self,
        model_file: PathLike,
        pretrained_file: PathLike,
        mean: Optional[np.ndarray] = None,
        input_scale: Optional[float] = None,
        raw_scale: Optional[float] = None,
        channel_swap: Optional[Sequence[int]] = None,
        context_pad: Optional[int] = None,
    ) -> None:
        super().__init__(model_file, pretrained_file, caffe_pb2.TEST)
        self.transformer = transformer_for(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(
        self, images_windows: Iterable[Tuple[str, Iterable[Any]]]
    ) -> List[Dict[str, Any]]:
        """Classify the windows of pictures, given as (picture's file name, windows) pairs.

        Returns a list of dicts with window, prediction and filename.
        """
        crops, windows = [], []
        for filename, wanted in images_windows:
            image = io.load_image(filename).astype(np.float32)
            for window in wanted:
                crops.append(self.crop(image, window))
                windows.append((filename, window))
        if not crops:
            return []
        in_ = self.inputs[0]
        batch: Dict[str, Any] = {
            in_: np.stack([self.transformer.preprocess(in_, crop) for crop in crops])
        }
        predictions = self.forward_all(**batch)[self.outputs[0]]
        return [
            {"window": window, "prediction": prediction, "filename": name}
            for (name, window), prediction in zip(windows, predictions)
        ]

    def detect_selective_search(self, image_fnames: Sequence[str]) -> List[Dict[str, Any]]:
        """detect_windows over the windows that selective search proposes.

        Needs the module selective_search_ijcv_with_python (and MATLAB).
        """
        try:
            import selective_search_ijcv_with_python as selective_search
        except ImportError:
            raise ImportError(
                "detect_selective_search needs selective_search_ijcv_with_python on PYTHONPATH; "
                "or give windows to detect_windows"
            ) from None
        names = [os.path.abspath(name) for name in image_fnames]
        windows = selective_search.get_windows(names, cmd="selective_search_rcnn")
        return self.detect_windows(zip(names, windows))

    def crop(self, im: np.ndarray, window: Any) -> np.ndarray:
        """One window of a picture (H, W, K).

        With context_pad it has the net's input size, and the mean where it lies outside the
        picture. Raises ValueError for a window without a pixel of the picture, or one that begins
        outside it where there is no context_pad.
        """
        window = np.asarray(window)
        if self.context_pad:
            return self._crop_with_context(im, window)
        y0, x0, y1, x1 = (int(v) for v in window)
        crop = im[y0:y1, x0:x1]
        if min(y0, x0) < 0 or not crop.size:
            raise _outside(window, im)
        return crop

    def _crop_with_context(self, im: np.ndarray, window: np.ndarray) -> np.ndarray:
        side = self.blobs[self.inputs[0]].width
        scale = side / (side - self.context_pad * 2)
        half = (window[2:] - window[:2] + 1) / 2.0
        centre = window[:2] + half
        box = np.round(np.concatenate([centre - scale * half, centre + scale * half]))
        ratio = side / (box[2:] - box[:2] + 1)  # of the net's input to the picture
        before = np.round(np.maximum(0, -box[:2]) * ratio).astype(int)
        box = np.clip(box, 0, [*im.shape[:2], *im.shape[:2]]).astype(int)
        size = np.round((box[2:] - box[:2] + 1) * ratio).astype(int)
        size = np.minimum(size, side - before)
        crop = im[box[0] : box[2], box[1] : box[3]]
        if min(size) < 1 or not crop.size:
            raise _outside(window, im)
        out = np.ones(self.crop_dims, np.float32) * self.crop_mean
        (y, x), (h, w) = before, size
        out[y : y + h, x : x + w] = io.resize_image(crop, (h, w))
        return out

    def configure_crop(self, context_pad: Optional[int]) -> None:
        """Set the context, and what fills it: the mean in the picture's own form."""
        in_ = self.inputs[0]
        t = self.transformer
        back = np.argsort(t.transpose[in_])
        self.crop_dims = np.array(self.blobs[in_].data.shape[1:])[back]
        self.context_pad: Any = context_pad
        mean = t.mean.get(in_)
        if mean is None:
            self.crop_mean = np.zeros(self.crop_dims, np.float32)
        elif context_pad:
            mean = mean.transpose(back)
            if t.channel_swap.get(in_) is not None:
                mean = mean[:, :, np.argsort(t.channel_swap[in_])]
            self.crop_mean = mean / (t.raw_scale.get(in_) or 1)


def _outside(window: np.ndarray, im: np.ndarray) -> ValueError:
    return ValueError(
        f"the window {tuple(window.tolist())} (ymin, xmin, ymax, xmax) does not lie in the "
        f"picture, which is {im.shape[0]} high and {im.shape[1]} wide"
    )
