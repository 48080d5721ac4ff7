"""Small films, with what real ones have: sound, odd sizes, uneven times, a cut, damage."""

from fractions import Fraction
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

UNIT = Fraction(1, 24000)  # seconds, in which the films' times are


def panning(count: int, size: Tuple[int, int] = (48, 64), step: int = 2) -> List[np.ndarray]:
    """Frames, uint8 RGB of this (height, width), of a camera that moves to the right: smooth noise
    that goes to the left by `step` pixels a frame."""
    from scipy import ndimage

    height, width = size
    noise = np.random.RandomState(7).rand(height, width + step * count, 3)
    scene = ndimage.gaussian_filter(noise, (3, 3, 0))
    scene = np.asarray(255 * (scene - scene.min()) / np.ptp(scene), np.uint8)
    return [np.ascontiguousarray(scene[:, step * n : step * n + width]) for n in range(count)]


def write(
    path: Any,
    frames: List[np.ndarray],
    *,
    times: Optional[List[int]] = None,
    sound: str = "",
    pixels: str = "yuv420p",
    transfer: int = 0,
    options: Optional[Dict[str, str]] = None,
    turn: int = 0,
) -> None:
    """Write a film of 24 frames a second.

    times: of the frames, in UNITs. sound: its codec, or "". transfer: as ITU-T H.273 counts them.
    turn: degrees by which a player is to turn it.
    """
    import av

    with av.open(str(path), "w", options=options or {}) as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(24))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = pixels, {"crf": "6"}
        stream.codec_context.time_base = UNIT
        if turn:
            stream.set_display_rotation(turn)
        if transfer:
            stream.codec_context.color_trc = transfer
        if sound:
            _add_sound(container, sound, len(frames) / 24)
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
            frame.pts = times[number] if times else number * 1000
            frame.time_base = UNIT
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _add_sound(container: Any, codec: str, seconds: float) -> None:
    import av

    stream = container.add_stream(codec, rate=16000, layout="mono")
    time = np.arange(int(16000 * seconds)) / 16000
    wave = np.asarray(0.3 * np.sin(2 * np.pi * 440 * time), np.float32)[None]
    for start in range(0, wave.shape[1], 1024):
        part = np.ascontiguousarray(wave[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.rate, frame.pts = 16000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def seen(path: Any) -> Tuple[List[np.ndarray], List[float]]:
    """The frames of a film's file, uint8 RGB, and the second at which each is shown."""
    import av

    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [f.to_ndarray(format="rgb24") for f in frames], [float(f.time) for f in frames]


def heard(path: Any) -> Tuple[str, np.ndarray]:
    """The codec of a film's sound, and its samples."""
    import av

    with av.open(str(path)) as container:
        (stream,) = container.streams.audio
        codec = stream.codec_context.name
        return codec, np.concatenate([f.to_ndarray() for f in container.decode(stream)], -1)
