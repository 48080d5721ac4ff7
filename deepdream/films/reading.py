"""Films read: a file through PyAV, or a folder of frames; frames are uint8 RGB (H, W, 3)."""

import hashlib
import os
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from netfile.faults.kinds import misplaced
from netfile.system import places
from netfile.system.files import file_sha1

from ..errors import FilmError, MissingExtraError, Size
from ..pictures import FORMATS, load
from ..pictures.files import size_of, to_bytes
from ..settings import VIDEO

MOST_FRAMES = 1_000_000
_LARGEST = 8192  # pixels of a side, as of 8K
_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics of ITU-T H.273
# FFmpeg's name of each format that is read; others, such as playlists, would open further files
_KINDS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "asf", "ogg", "gif", "mxf",
    "nut", "h264", "hevc", "dv", "apng", "rm", "ivf",
)  # fmt: skip
_SAFE = {"format_whitelist": ",".join(_KINDS), "protocol_whitelist": "file"}
_REMEDY = "use a whole copy, or keep what is there by ffmpeg -i IN OUT"
_UNEVEN = 0.05  # of a frame's time, by which a constant rate's may differ


class Film:
    """A film that was looked through from its beginning to its end.

    path: its file or folder. size: (height, width). times: when each frame is shown, in units of
    `time_base` seconds. rate: frames a second, on average. notes: what a person should know, one
    line each.
    """

    path: str
    size: Size
    times: Sequence[int]
    time_base: Fraction
    rate: Fraction
    notes: Tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """The number of its frames."""
        return len(self.times)

    def frames(self, done: int = 0) -> Iterator[np.ndarray]:
        """Its frames after the first `done` ones. Raises FilmError where one cannot be read."""
        raise NotImplementedError

    def sha1(self) -> str:
        """The SHA1 of its file, or of its frames' names and hashes."""
        raise NotImplementedError

    @property
    def inputs(self) -> List[str]:
        """The files that it reads."""
        raise NotImplementedError


def load_av() -> Any:
    """PyAV. Raises MissingExtraError, with the command that installs it."""
    try:
        import av
    except (ImportError, OSError) as e:
        raise MissingExtraError(
            f"videos need PyAV ({e}); install it with: {places.install('video')}", extra="video"
        ) from None
    return av


def opened(path: str, rate: Optional[Fraction] = None) -> Film:
    """A film, looked through.

    Args:
        path: a file, or a folder of pictures that are its frames, in the order of their names.
        rate: frames a second of a folder; None for VIDEO.rate.

    Raises:
        FilmError: it is none, or is broken, cut off, without frames, or of a high dynamic range.
        MissingExtraError: it is a file, and there is no PyAV.
    """
    if os.path.isdir(path):
        return _Folder(path, Fraction(VIDEO.rate) if rate is None else rate)
    if rate is not None:
        raise FilmError(f"{path}: has a frame rate of its own; only a folder of frames takes one")
    return _File(path)


def comment(path: str) -> str:
    """What a film's file says of itself. Raises FilmError and MissingExtraError."""
    with _container(path) as container:
        return str(container.metadata.get("comment", container.metadata.get("COMMENT", "")))


@contextmanager
def _container(path: str) -> Iterator[Any]:
    """Context manager: PyAV's container of a file. Raises FilmError where it is none, or broken."""
    av = load_av()
    try:
        with av.open(path, metadata_errors="replace", options=_SAFE) as container:
            yield container
    except av.error.FFmpegError as e:
        why = getattr(e, "strerror", "") or e
        raise FilmError(
            f"{path}: cannot be read as a film ({why}); it may be cut off, or not a film"
        ) from None


class _Folder(Film):
    """A folder of pictures of one size."""

    def __init__(self, path: str, rate: Fraction) -> None:
        try:
            names = sorted(os.listdir(path))
        except OSError as e:
            raise FilmError(f"{path}: cannot be read: {e.strerror or e}") from None
        pictures = [n for n in names if Path(n).suffix.lower() in FORMATS and n[0] != "."]
        if not pictures:
            raise FilmError(
                f"{path}: has no frames; a film's are pictures ({', '.join(sorted(FORMATS))}) in "
                "the order of their names"
            )
        _check_count(path, len(pictures))
        self.path, self.rate, self.time_base = path, rate, 1 / rate
        self._files = [os.path.join(path, name) for name in pictures]
        self.times = range(len(pictures))
        self.size = size_of(self._files[0])
        for name in self._files:
            _check_same(name, size_of(name), self._files[0], self.size)

    def frames(self, done: int = 0) -> Iterator[np.ndarray]:
        for name in self._files[done:]:
            frame = to_bytes(load(name))
            _check_same(name, frame.shape[:2], self._files[0], self.size)
            yield frame

    def sha1(self) -> str:
        digest = hashlib.sha1()
        for name in self._files:
            digest.update(
                f"{os.path.basename(name)} {file_sha1(name)}\n".encode("utf-8", "replace")
            )
        return digest.hexdigest()

    @property
    def inputs(self) -> List[str]:
        return self._files


def _check_same(name: str, size: Size, first: str, expected: Size) -> None:
    if tuple(size) != tuple(expected):
        (h, w), (height, width) = size, expected
        raise FilmError(
            f"{name}: is {w}x{h}, and {os.path.basename(first)} {width}x{height}; a film's frames "
            "have one size"
        )


def _check_count(path: str, count: int) -> None:
    if count > MOST_FRAMES:
        raise FilmError(f"{path}: has {count} frames, over {MOST_FRAMES}; cut it into parts")


class _File(Film):
    """A film's file, whose first video stream is taken."""

    def __init__(self, path: str) -> None:
        self.path = path
        if not os.path.isfile(path):
            wrong = misplaced(path, "a film") or f"{path}: is no file that can be read as a film"
            raise FilmError(wrong if os.path.lexists(path) else f"{path}: no such film")
        with self.container() as (container, stream):
            context = stream.codec_context
            self.size = context.height, context.width
            self._check(context)
            self.time_base = Fraction(stream.time_base)
            times, ends = self._times(container, stream)
            said = [float(stream.duration * stream.time_base)] if stream.duration else []
            if container.duration:
                said.append(container.duration / 1e6)
            start = (container.start_time or 0) / 1e6
            # others count what is only to be shown again
            counted = stream.frames if "mp4" in container.format.name else 0
            self.has_sound = bool(container.streams.audio)
            self.start = start
            average = stream.average_rate
        if not times:
            raise FilmError(f"{path}: has no frames that can be decoded; it may be cut off")
        self._check_whole(len(times), max(said, default=0.0), ends, counted)
        self.rate = Fraction(average or VIDEO.rate)
        known = sorted({time for time in times if time is not None})
        self.times = known
        if len(known) < len(times):  # the file tells no times, or one of two frames
            self.times, self.time_base, self.start = range(len(times)), 1 / self.rate, 0.0
        self.notes = self._notes(context)

    @contextmanager
    def container(self) -> Iterator[Tuple[Any, Any]]:
        """Context manager: PyAV's container and its video stream, at the beginning.

        Raises:
            FilmError: the file is no film, or is broken.
        """
        with _container(self.path) as container:
            if not container.streams.video:
                raise FilmError(f"{self.path}: has no pictures, only sound or nothing at all")
            yield container, container.streams.video[0]

    def _check(self, context: Any) -> None:
        if context.color_trc in _HDR:
            raise FilmError(
                f"{self.path}: is HDR ({_HDR[context.color_trc]}), whose light a net never saw; "
                "convert it to SDR first, such as by ffmpeg's zscale and tonemap"
            )
        height, width = self.size
        if not 0 < min(self.size) <= max(self.size) <= _LARGEST:
            raise FilmError(
                f"{self.path}: is {width}x{height}; films have sides of 1 to {_LARGEST} pixels"
            )

    def _times(self, container: Any, stream: Any) -> Tuple[List[Optional[int]], float]:
        """When each frame is shown, where the file tells, and the second in which all streams have
        ended."""
        times: List[Optional[int]] = []
        ends = 0.0
        size = None
        for packet in container.demux():
            if packet.pts is not None and packet.time_base:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                ends = max(ends, float(end))
            if packet.stream is not stream:
                continue
            for frame in self._decoded(packet, len(times)):
                times.append(frame.pts)
                _check_count(self.path, len(times))
                if size is None:
                    size = self.size = _size_of(frame)
                    aspect = stream.codec_context.sample_aspect_ratio
                    self.aspect = 1 / aspect if aspect and _turns(frame) % 2 else aspect
        return times, ends

    def _decoded(self, packet: Any, count: int) -> Any:
        """The frames of a packet. count: those that came before it. Raises FilmError."""
        try:
            return packet.decode()
        except load_av().error.FFmpegError as e:
            raise FilmError(
                f"{self.path}: is cut off or damaged: after {count} frames, what follows cannot be "
                f"decoded ({getattr(e, 'strerror', '') or e}); {_REMEDY}"
            ) from None

    def _check_whole(self, count: int, said: float, seconds: float, counted: int) -> None:
        """Raise FilmError where the file has much less than it says."""
        if counted and count < 0.98 * counted - 2:
            raise FilmError(
                f"{self.path}: is cut off: it says that it has {counted} frames, and {count} can "
                f"be decoded; {_REMEDY}"
            )
        if said and seconds < 0.95 * said - 0.5:
            raise FilmError(
                f"{self.path}: is cut off: it says that it takes {said:.1f} s, and ends after "
                f"{seconds:.1f}; {_REMEDY}"
            )

    def _notes(self, context: Any) -> Tuple[str, ...]:
        notes = []
        steps = np.diff(np.asarray(self.times))
        if len(steps) and np.ptp(steps) > max(1, _UNEVEN * np.median(steps)):
            notes.append("its frame rate varies; every frame keeps its own time")
        depth = max((part.bits for part in context.format.components), default=8)
        if depth > 8:
            notes.append(f"it has {depth} bits for each colour; the dream has 8")
        return tuple(notes)

    def frames(self, done: int = 0) -> Iterator[np.ndarray]:
        number = 0
        with self.container() as (container, stream):
            for frame in container.decode(stream):
                number += 1
                if number > done:
                    yield _pixels(frame, self.size)
        if number < self.count:
            raise FilmError(
                f"{self.path}: has {number} frames that can be decoded, not the {self.count} of "
                "before; it was changed meanwhile"
            )

    def sha1(self) -> str:
        return file_sha1(self.path)

    @property
    def inputs(self) -> List[str]:
        return [self.path]


def _turns(frame: Any) -> int:
    """How many quarters a frame has to be turned by, counter-clockwise, to be shown."""
    return int(round(getattr(frame, "rotation", 0) / 90)) % 4


def _size_of(frame: Any) -> Size:
    height, width = frame.height, frame.width
    return (width, height) if _turns(frame) % 2 else (height, width)


def _pixels(frame: Any, size: Size) -> np.ndarray:
    """A decoded frame as it is shown, uint8 RGB (H, W, 3) of `size`."""
    turns = _turns(frame)
    height, width = size[::-1] if turns % 2 else size
    picture = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    return np.ascontiguousarray(np.rot90(picture, turns))
