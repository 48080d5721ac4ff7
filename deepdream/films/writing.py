"""Films written: H.264 at the times of the film that they were made from, with its sound."""

from pathlib import Path
from typing import Any, Iterable, Iterator, Optional, Tuple

import numpy as np

from ..errors import OutputError
from ..pictures.output import whole
from ..settings import VIDEO
from .reading import Film, load_av

FORMATS = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov"}
_BT709 = 1  # in ITU-T H.273


def padded(picture: np.ndarray) -> np.ndarray:
    """A picture, (H, W, 3), with its last row or column twice where there is an odd number of them,
    which H.264 cannot have."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return picture


def save_film(
    path: Any, frames: Iterable[np.ndarray], like: Film, replace: bool = True, comment: str = ""
) -> None:
    """Write frames, uint8 RGB (H, W, 3), as the film `like` was; whole or not at all.

    Each frame is shown when that of the same number is there. The sound is copied as it is where
    the format can hold it, or else encoded again. comment: what the film says of itself.

    Raises:
        OutputError: the file cannot be written.
        FilmError: the film cannot be read any more.
    """
    av = load_av()
    kind = FORMATS[Path(path).suffix.lower()]
    with whole(path, replace, lasting=True) as partial:
        try:
            with av.open(str(partial), "w", format=kind) as container:
                container.metadata["comment"] = comment
                _write(container, frames, like)
        except av.error.FFmpegError as e:
            if getattr(e, "errno", None) and isinstance(e, OSError):
                raise OSError(e.errno, e.strerror) from None
            raise OutputError(f"{path}: PyAV cannot write it: {e}") from None


def _write(container: Any, frames: Iterable[np.ndarray], like: Film) -> None:
    av = load_av()
    with _Sound(container, like) as sound:
        stream: Any = None
        shift = int(round(getattr(like, "start", 0.0) / like.time_base))
        for picture, time in zip(map(padded, frames), like.times):
            if stream is None:
                stream = _stream(container, picture, like)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
            frame.pts, frame.time_base = time - shift, like.time_base
            sound.until(float((time - shift) * like.time_base))
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())
        sound.until(float("inf"))


def _stream(container: Any, picture: np.ndarray, like: Film) -> Any:
    stream = container.add_stream("libx264", rate=like.rate)
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.options = {"crf": str(VIDEO.crf)}
    context = stream.codec_context
    context.time_base = like.time_base
    context.colorspace = _BT709
    aspect = getattr(like, "aspect", None)
    if aspect:
        context.sample_aspect_ratio = aspect
    return stream


class _Sound:
    """The sound of one film on its way into another, up to wherever the pictures are."""

    def __init__(self, container: Any, like: Film) -> None:
        self._out, self._like = container, like
        self._packets: Optional[Iterator[Tuple[float, Any]]] = None
        self._next: Optional[Tuple[float, Any]] = None
        self._open: Any = None

    def __enter__(self) -> "_Sound":
        if getattr(self._like, "has_sound", False):
            self._open = self._like.container()  # type: ignore[attr-defined]
            source, _ = self._open.__enter__()
            self._packets = self._coded(source)
            self._next = next(self._packets, None)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)  # what is written may be at fault

    def until(self, seconds: float) -> None:
        """Write what is heard until then."""
        while self._packets is not None and self._next and self._next[0] <= seconds:
            if self._next[1] is not None:
                self._out.mux(self._next[1])
            self._next = next(self._packets, None)

    def _coded(self, source: Any) -> Iterator[Tuple[float, Any]]:
        """(second, packet) of what is to be written; its first item makes the stream."""
        stream = source.streams.audio[0]
        start = getattr(self._like, "start", 0.0)
        if stream.codec_context.name in self._out.supported_codecs:
            yield from self._copied(source, stream, start)
        else:
            yield from self._encoded(source, stream, start)

    def _copied(self, source: Any, stream: Any, start: float) -> Iterator[Tuple[float, Any]]:
        from_template = getattr(self._out, "add_stream_from_template", None)
        if from_template:
            out = from_template(stream)
        else:  # PyAV before 14
            out = self._out.add_stream(template=stream)
        shift = int(round(start / stream.time_base))
        yield -1.0, None  # the stream is made before the first packet is written
        for packet in source.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = out
            yield float(packet.dts * packet.time_base), packet

    def _encoded(self, source: Any, stream: Any, start: float) -> Iterator[Tuple[float, Any]]:
        out = self._out.add_stream(self._out.default_audio_codec, rate=stream.rate)
        yield -1.0, None
        for frame in source.decode(stream):
            if frame.pts is not None:
                frame.pts -= int(round(start / frame.time_base))
            for packet in out.encode(frame):
                yield float((packet.dts or 0) * packet.time_base), packet
        for packet in out.encode():
            yield float((packet.dts or 0) * packet.time_base), packet
