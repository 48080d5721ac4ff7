"""What caffe.io, Classifier and Detector give: `python io_values.py FOLDER OUT.npz`.

FOLDER holds pictures, and net.prototxt with net.caffemodel. Each answer is an array, or a list of
the names of an exception's classes. Needs nothing but NumPy and the engine as `caffe`.
"""

import functools
import itertools
import sys
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Tuple

import caffe
import numpy as np

Answers = Iterator[Tuple[str, Callable[[], Any]]]


def as_in_caffes_time() -> None:
    """Make scikit-image 0.18 resize and read as 0.14 did, which Caffe's Python was written for."""
    try:
        import skimage.io
        from skimage.transform import resize
    except ImportError:
        return
    read = skimage.io.imread
    caffe.io.resize = functools.partial(resize, mode="constant", anti_aliasing=False)
    skimage.io.imread = lambda f, as_grey=False: read(f, as_gray=as_grey, plugin="pil")


def pixels(*shape: int) -> np.ndarray:
    return np.random.RandomState(sum(shape)).uniform(0, 1, shape)


def loaded(folder: Path) -> Answers:
    for path, color in itertools.product(sorted(folder.glob("*.*g")), (True, False)):
        yield f"load {path.name} {color}", functools.partial(caffe.io.load_image, str(path), color)


def resized() -> Answers:
    # odd sizes, where no nearest pixel is a tie, which scikit-image decides by its rounding errors
    for shape, size in (
        ((9, 11, 3), (4, 5)), ((9, 11, 1), (21, 26)), ((9, 11, 3), (1, 5)), ((9, 11, 1), (1, 1)),
        ((1, 7, 3), (4, 4)), ((9, 11, 2), (4, 5)), ((9, 11, 7), (21, 13)), ((49, 61, 3), (26, 34)),
        ((9, 11), (4, 5)), ((9, 11, 3), (0, 5)),
    ):  # fmt: skip
        for order, scale in itertools.product((0, 1, 2, 3), (1, 200)):
            im = pixels(*shape) * scale
            im = im.astype(np.uint8) if scale > 1 else im
            yield (
                f"resize_image {shape} {size} {order} {im.dtype}",
                functools.partial(caffe.io.resize_image, im, size, order),
            )
    yield "constant", lambda: caffe.io.resize_image(np.full((3, 3, 3), 7, np.uint8), (5, 5))
    yield (
        "large float32",
        lambda: caffe.io.resize_image(pixels(60, 70, 3).astype(np.float32), (227, 227)),
    )
    for size in ((5, 6, 3), (5, 6), [20, 30], (3, 4, 5)):
        yield f"resize {size}", functools.partial(caffe.io.resize, pixels(9, 11, 3), size)


def oversampled() -> Answers:
    for crop in ((4, 4), (5, 3), (9, 11), (10, 4)):
        yield (
            f"oversample {crop}",
            functools.partial(caffe.io.oversample, [pixels(9, 11, 3), pixels(9, 11, 1)], crop),
        )


def transformed() -> Answers:
    def transformer(shape: Any = (1, 3, 4, 5), **settings: Any) -> Any:
        t = caffe.io.Transformer({"data": shape})
        for name, value in settings.items():
            getattr(t, "set_" + name)("data", value)
        return t

    chw: Dict[str, Any] = {"transpose": (2, 0, 1)}
    means = {
        "values": np.array([1.0, 2, 3]), "whole": pixels(3, 4, 5), "larger": pixels(3, 9, 10),
        "pixel": np.array([1.0, 2, 3]).reshape(3, 1, 1), "one channel": pixels(1, 4, 5),
        "bytes": (pixels(3, 9, 10) * 255).astype(np.uint8), "batch": pixels(1, 3, 4, 5),
        "plane": pixels(4, 5), "two": np.zeros(2), "four": pixels(4, 9, 10),
    }  # fmt: skip
    for name, mean in means.items():
        yield f"mean {name}", lambda mean=mean: transformer(mean=mean).mean["data"]
        yield (
            f"minus {name}",
            lambda mean=mean: transformer(
                **chw, channel_swap=(2, 1, 0), raw_scale=255, input_scale=0.5, mean=mean
            ).preprocess("data", pixels(9, 7, 3)),
        )
        yield (
            f"plus {name}",
            lambda mean=mean: transformer(
                **chw, channel_swap=(2, 1, 0), raw_scale=255, input_scale=0.5, mean=mean
            ).deprocess("data", pixels(1, 3, 4, 5)),
        )
    one = (1, 1, 4, 5)
    yield "grey", lambda: transformer(one, **chw).preprocess("data", pixels(4, 5, 1))
    yield "grey back", lambda: transformer(one, **chw).deprocess("data", pixels(1, 1, 4, 5))
    yield "bytes", lambda: transformer(**chw).preprocess("data", np.ones((4, 5, 3), np.uint8))
    yield "no name", lambda: transformer().preprocess("x", pixels(4, 5, 3))
    yield "transpose", lambda: transformer(transpose=(0, 1))
    yield "swap", lambda: transformer(channel_swap=(0, 1))


def messages() -> Answers:
    io, whole = caffe.io, np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    yield "datum bytes", lambda: io.datum_to_array(io.array_to_datum(whole))
    yield "datum floats", lambda: io.datum_to_array(io.array_to_datum(whole / 7))
    yield "datum label", lambda: np.array(io.array_to_datum(whole, np.int64(7)).label)
    yield "datum of two axes", lambda: io.array_to_datum(whole[0])
    blob = io.array_to_blobproto(whole / 7, whole / 3)
    yield "blob data", lambda: io.blobproto_to_array(blob)
    yield "blob diff", lambda: io.blobproto_to_array(blob, True)
    old = io.caffe_pb2.BlobProto(data=[3, 4], num=1, channels=2, height=1, width=1)
    yield "blob of four axes", lambda: io.blobproto_to_array(old)
    yield "blob without shape", lambda: io.blobproto_to_array(io.caffe_pb2.BlobProto(data=[3, 4]))
    text = io.arraylist_to_blobprotovector_str([whole, whole[0]])
    yield "vector", lambda: np.frombuffer(text, np.uint8)
    yield "vector back", lambda: io.blobprotovector_str_to_arraylist(text)[1]


def predicted(folder: Path) -> Answers:
    net, weights = str(folder / "net.prototxt"), str(folder / "net.caffemodel")
    settings = {"mean": pixels(3, 20, 20) * 100, "channel_swap": (2, 1, 0), "raw_scale": 255}
    for dims, ten in itertools.product((None, (20, 21), (12, 16)), (True, False)):
        yield (
            f"predict {dims} {ten}",
            lambda dims=dims, ten=ten: caffe.Classifier(
                net, weights, image_dims=dims, **settings
            ).predict([pixels(30, 25, 3), pixels(17, 40, 3)], ten),
        )
    picture, boxes = str(folder / "rgb.png"), np.array([[1, 2, 20, 25], [0, 0, 24, 30]])
    detector = caffe.Detector(net, weights, mean=np.array([1.0, 2, 3]), raw_scale=255)
    yield (
        "detect",
        lambda: np.array([d["prediction"] for d in detector.detect_windows([(picture, boxes)])]),
    )
    context = caffe.Detector(net, weights, **{**settings, "mean": np.ones(3)}, context_pad=3)
    yield "mean around a window", lambda: context.crop_mean
    for window in (
        [1, 2, 20, 25],
        [-5, -3, 12, 40],
        [30, 30, 55, 70],
        [9, 9, 9, 9],
        [90, 0, 99, 9],
    ):
        yield (
            f"detect in context {window}",
            lambda window=window: context.crop(
                pixels(41, 53, 3).view(ByWholeNumbers), np.array(window)
            ),
        )
    yield "detect nothing", lambda: detector.detect_windows([(picture, [[9, 9, 9, 20]])])


class ByWholeNumbers(np.ndarray):
    """An array whose slices may begin and end at floats: pycaffe's Detector makes such slices."""

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            key = tuple(
                slice(int(k.start), int(k.stop)) if isinstance(k, slice) and k.stop else k
                for k in key
            )
        return np.asarray(self)[key]


def main(folder: Path, out: str) -> None:
    as_in_caffes_time()
    warnings.simplefilter("ignore")
    answers: Dict[str, np.ndarray] = {}
    for part in (
        loaded(folder), resized(), oversampled(), transformed(), messages(), predicted(folder)
    ):  # fmt: skip
        for name, ask in part:
            try:
                answers[name] = np.asarray(ask())
            except Exception as e:
                answers[name] = np.array([kind.__name__ for kind in type(e).__mro__])
    np.savez(out, **answers)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
