"""`--preview`: small pictures of a dream in the terminal while it grows, where that shows some.

The protocols are kitty's graphics protocol, iTerm2's inline images, and DEC's sixels.
"""

import base64
import io
import os
import sys
import time
from typing import Any, Callable, Iterator, Mapping, Tuple

import numpy as np
from PIL import Image

from ..dream.octaves import Progress
from ..pictures import to_bytes
from ..pictures.resize import at_most
from . import events

KITTY, ITERM, SIXEL = "kitty", "iterm2", "sixel"
_SIDE = 320  # pixels of a preview's longest side
_EVERY = 2.0  # seconds from one to the next
_COLOURS = 64  # of a sixel picture
_CHUNK = 4096  # bytes of base64 that kitty takes at once
_BY_PROGRAM = {"iTerm.app": ITERM, "WezTerm": ITERM, "ghostty": KITTY, "mintty": ITERM}
_BY_TERM = {"xterm-kitty": KITTY, "xterm-ghostty": KITTY, "foot": SIXEL, "mlterm": SIXEL}


def protocol(environment: Mapping[str, str]) -> str:
    """How the terminal of these variables shows pictures: KITTY, ITERM, SIXEL or "".

    Multiplexers (tmux, screen) say nothing of the terminal around them, and get "".
    """
    term = environment.get("TERM", "")
    if "TMUX" in environment or term.startswith(("screen", "tmux")):
        return ""
    if "KITTY_WINDOW_ID" in environment:
        return KITTY
    if environment.get("LC_TERMINAL") == "iTerm2":
        return ITERM
    program = _BY_PROGRAM.get(environment.get("TERM_PROGRAM", ""), "")
    return program or (SIXEL if "sixel" in term else _BY_TERM.get(term, ""))


def shown(how: str, picture: np.ndarray) -> str:
    """What makes a terminal show a picture, RGB uint8 (H, W, 3), by this protocol."""
    if how == SIXEL:
        return sixels(picture)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    if how == ITERM:
        return f"\x1b]1337;File=inline=1;size={len(file.getvalue())}:{text}\a"
    parts = [text[i : i + _CHUNK] for i in range(0, len(text), _CHUNK)]
    first = "a=T,f=100,q=2,"
    return "".join(
        f"\x1b_G{first if i == 0 else ''}m={int(i < len(parts) - 1)};{part}\x1b\\"
        for i, part in enumerate(parts)
    )


def sixels(picture: np.ndarray) -> str:
    """A picture, RGB uint8 (H, W, 3), as DEC's sixels (VT340 manual, chapter 14), in _COLOURS."""
    image = Image.fromarray(picture).quantize(_COLOURS)
    indices = np.asarray(image)
    height, width = indices.shape
    palette = np.array((image.getpalette() or [])[: 3 * _COLOURS]).reshape(-1, 3)
    used = np.unique(indices)
    colours = "".join(
        "#{};2;{};{};{}".format(i, *(round(int(v) * 100 / 255) for v in palette[i])) for i in used
    )
    bands = (indices[top : top + 6] for top in range(0, height, 6))
    body = "-".join("$".join(_band(band)) for band in bands)
    return f'\x1bPq"1;1;{width};{height}{colours}{body}\x1b\\'


def _band(band: np.ndarray) -> Iterator[str]:
    """Up to six rows of colours' numbers, a text for each colour: a character a column."""
    bits = 1 << np.arange(len(band))
    for colour in np.unique(band):
        columns = 63 + ((band == colour) * bits[:, None]).sum(0)
        yield f"#{colour}" + "".join(_repeated(columns))


def _repeated(columns: np.ndarray) -> Iterator[str]:
    """Characters, with ! and their number where several are alike."""
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(columns)]):
        count, character = int(stop - start), chr(int(columns[start]))
        yield f"!{count}{character}" if count > 3 else character * count


class Preview:
    """Shows a dream's steps now and then: called with a Progress after every step.

    stream: of bytes, which leads to a terminal.
    """

    def __init__(self, how: str, stream: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._how, self._stream, self._clock = how, stream, clock
        self._last = -_EVERY

    def __call__(self, p: Progress) -> None:
        now = self._clock()
        if now - self._last < _EVERY:
            return
        self._last = now
        picture = to_bytes(at_most(np.asarray(p.full_picture), _SIDE))
        # the bar's line gives way, and comes again after the picture
        self._stream.write(f"\r\x1b[K{shown(self._how, picture)}\n".encode("ascii"))
        self._stream.flush()


def preview(wanted: bool) -> Tuple[Callable[[Progress], None], ...]:
    """The Preview that is wanted and can be shown, if any."""
    how = protocol(os.environ) if wanted and events.manner() == events.WORDS else ""
    # not as text, in which the command line makes signs for terminals visible
    stream = getattr(sys.stderr, "buffer", None) if how and sys.stderr.isatty() else None
    return (Preview(how, stream),) if stream else ()
