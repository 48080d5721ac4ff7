"""Animations: pictures of one size, one after the other, as a GIF, a WebP or an MP4."""

from fractions import Fraction
from pathlib import Path
from typing import Any, List, Sequence

import numpy as np
from PIL import Image

from netfile.system import places

from ..errors import MissingExtraError, OutputError, Size
from ..settings import ANIMATION
from .files import as_image, to_bytes
from .output import whole

FORMATS = (".gif", ".webp", ".mp4")
# of memory, for each pixel of each frame: the frame, and what the encoder keeps of it
BYTES_PER_PIXEL = 7
# of a file, at most about, where every frame is noise
FILE_BYTES_PER_PIXEL = {".gif": 1.0, ".webp": 0.5, ".mp4": 0.5}
_TURN = 10  # ms; the unit of a GIF's times
_SAMPLES = 8  # frames that a GIF's colours are chosen from
# Pillow's numbers, because the names moved between its releases
_MEDIAN_CUT, _FLOYD_STEINBERG, _LANCZOS = 0, 3, 1  # type: int, Any, int


def fitted_size(size: Size, side: int) -> Size:
    """The (height, width) of frames for pictures of this size: no side is over `side`, or odd,
    which most videos cannot have."""
    share = min(1.0, side / max(size))
    height, width = (max(2, round(n * share) // 2 * 2) for n in size)
    return height, width


def frame(picture: np.ndarray, size: Size) -> np.ndarray:
    """A picture, RGB (H, W, 3), as a frame of this (height, width): uint8.

    It is made smaller, or loses a last row or column that is too much.
    """
    image, (height, width) = as_image(picture), size
    if image.size[1] - height < 2 and image.size[0] - width < 2:
        return np.array(image)[:height, :width]
    return np.asarray(image.resize((width, height), _LANCZOS))


def times(count: int, hold: int = ANIMATION.hold) -> List[int]:
    """How long each of `count` frames is shown, in milliseconds: all of them together about
    ANIMATION.seconds, none of them a flicker, and the last one longer by `hold`."""
    each = round(1000 * ANIMATION.seconds / count / _TURN) * _TURN
    each = min(max(each, ANIMATION.shortest), ANIMATION.longest)
    return [each] * (count - 1) + [each + hold]


def looped(frames: Sequence[np.ndarray], fade: int) -> List[np.ndarray]:
    """Frames, uint8 (H, W, 3), that lead into their beginning: the first `fade` of them are not
    shown by themselves, since the last ones fade into them.

    Raises:
        OutputError: they are too few.
    """
    if len(frames) < 2 * fade:
        raise OutputError(f"{len(frames)} frames cannot fade for {fade}, only for half of them")
    out = list(frames[fade:])
    for number in range(fade):
        share = (number + 1) / (fade + 1)
        last = len(out) - fade + number
        mixed = out[last] * (1 - share) + frames[number] * share
        out[last] = to_bytes(mixed)
    return out


def save_animation(
    path: Any, frames: Sequence[np.ndarray], replace: bool = True, hold: int = ANIMATION.hold
) -> None:
    """Write frames, uint8 RGB (H, W, 3) of one size, as an animation; whole or not at all.

    A GIF and a WebP begin again at their end.

    Args:
        replace: whether it may replace a file.
        hold: milliseconds that the last one is shown longer.

    Raises:
        OutputError: the file cannot be written, or Pillow cannot write its format.
        MissingExtraError: it is a video, and there is no PyAV.
    """
    suffix = Path(path).suffix.lower()
    writers = {".gif": _write_gif, ".webp": _write_webp, ".mp4": _write_mp4}
    if suffix not in writers:
        raise OutputError(f'{path}: unknown format "{suffix}"; choose {", ".join(FORMATS)}')
    with whole(path, replace) as partial:
        writers[suffix](partial, frames, times(len(frames), hold))


def check_animation(path: Any, folder: Any) -> None:
    """Ask whether `save_animation` could encode such a file, by encoding a tiny one in `folder`.

    Raises as save_animation.
    """
    trial = Path(folder) / f"trial{Path(path).suffix.lower()}"
    save_animation(trial, [np.full((16, 16, 3), level, np.uint8) for level in (0, 255)])


def _write_gif(path: Path, frames: Sequence[np.ndarray], milliseconds: List[int]) -> None:
    """All frames have the colours of one palette, or plain parts of them would flicker."""
    numbers = np.unique(np.linspace(0, len(frames) - 1, _SAMPLES).astype(int))
    sample = Image.fromarray(np.concatenate([frames[i] for i in numbers]))
    palette = sample.quantize(256, _MEDIAN_CUT, kmeans=1)
    images = [Image.fromarray(f).quantize(palette=palette, dither=_FLOYD_STEINBERG) for f in frames]
    _save(path, images, "GIF", duration=milliseconds, loop=0, optimize=False)


def _write_webp(path: Path, frames: Sequence[np.ndarray], milliseconds: List[int]) -> None:
    images = [Image.fromarray(f) for f in frames]
    _save(path, images, "WEBP", duration=milliseconds, loop=0, quality=85, method=4)


def _save(path: Path, images: List[Any], kind: str, **settings: Any) -> None:
    try:
        images[0].save(path, kind, save_all=True, append_images=images[1:], **settings)
    except (KeyError, ValueError) as e:
        raise OutputError(
            f"{path.name}: this Pillow cannot write an animated {kind} ({e}); choose another format"
        ) from None


def _write_mp4(path: Path, frames: Sequence[np.ndarray], milliseconds: List[int]) -> None:
    """As H.264 at a constant rate, which every player shows; the last frame comes several times."""
    try:
        import av
    except (ImportError, OSError) as e:
        raise MissingExtraError(
            f"videos need PyAV ({e}); install it with: {places.install('video')}", extra="video"
        ) from None
    turn = milliseconds[0] if len(frames) > 1 else ANIMATION.longest
    height, width = frames[0].shape[:2]
    try:
        with av.open(str(path), "w", format="mp4") as video:
            stream = video.add_stream("libx264", rate=Fraction(1000, turn))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"crf": "18"}
            for picture, shown in zip(frames, milliseconds):
                for _ in range(round(shown / turn)):
                    video.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            video.mux(stream.encode())
    except av.error.FFmpegError as e:
        if getattr(e, "errno", None) and isinstance(e, OSError):
            raise OSError(e.errno, e.strerror) from None
        raise OutputError(f"{path.name}: PyAV cannot write it: {e}") from None
