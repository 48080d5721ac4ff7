"""The pictures that a page has sent or made, in a private folder, under names of our own."""

import hashlib
import re
import secrets
import threading
from collections import Counter, OrderedDict
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Iterable, List, NamedTuple

from ..errors import ImageError, OutputError, Size
from ..pictures import read
from ..pictures.files import size_of
from ..pictures.thumbnail import jpeg
from ..request.fields import showable
from ..settings import WEB, Web

_LONGEST = 80  # characters of a picture's name
SHOWN, THUMB = 1600, 240  # the longest side of a picture on the page, and of a small one


class Kept(NamedTuple):
    """A picture. id: what the page calls it. name: for people and recipes; no two have one.

    path: its file. size: (height, width). bytes: of the file.
    """

    id: str
    name: str
    path: Path
    size: Size
    bytes: int


def clean_name(name: str, otherwise: str = "picture.png") -> str:
    """A name from anywhere as one that is safe to show and to give to a file in an archive."""
    last = PurePosixPath(name.replace("\\", "/")).name[-300:]
    text = re.sub(r"[^\w.() -]", "_", showable(last)).strip(". ")
    stem, dot, suffix = text.rpartition(".")
    if dot and len(suffix) <= 5:
        text = f"{stem[: _LONGEST - 6]}.{suffix}"
    return text[:_LONGEST] or otherwise


class Pictures:
    """All pictures of one server, safe for several threads.

    Args:
        folder: where their files go.
        limits: how large and how many they may be.
    """

    def __init__(self, folder: Path, limits: Web = WEB) -> None:
        self._folder, self._limits = folder, limits
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._held: Counter[str] = Counter()  # how many dreams and results need each
        self._shown: Dict[str, Dict[int, bytes]] = {}
        self.lock = threading.RLock()  # of the results too, which hold pictures
        self.make_room: Callable[[], bool] = lambda: False  # lets go of something, if it can

    def add(self, content: bytes, name: str) -> Kept:
        """Keep a picture that came from outside, once it is known to be one.

        Raises:
            ImageError: it is none, or too large.
            OutputError: there is no room for it.
        """
        key = hashlib.sha256(content).hexdigest()[:20]
        with self.lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        # reading takes long, and nobody else waits for it
        partial, called = self._folder / f"{key}-{secrets.token_hex(4)}", clean_name(name)
        try:
            partial.write_bytes(content)
            size = self._checked(partial, called)
            shown = self._drawn(partial, called)
            with self.lock:
                return self._registered(Kept(key, called, partial, size, len(content)), shown)
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()

    def _registered(self, one: Kept, shown: Dict[int, bytes]) -> Kept:
        """The picture with a place and a name of its own."""
        if one.id not in self._kept:
            self._free(one.bytes)
            path = self._folder / one.id
            one.path.rename(path)
            self._kept[one.id] = one._replace(path=path, name=self._unused(one.name))
            self._shown[one.id] = shown
        return self._kept[one.id]

    def _checked(self, path: Path, name: str) -> Size:
        """The picture's size, told by its first bytes, before anything is unfolded."""
        try:
            height, width = size_of(path)
        except ImageError as e:
            raise ImageError(self._public(e, path, name)) from None
        most = self._limits.upload_pixels
        if height * width > most:
            raise ImageError(
                f"{name}: has {width}x{height} pixels, over the {most / 1e6:.0f} million that this "
                "page takes; make it smaller first"
            )
        return height, width

    def _drawn(self, path: Path, name: str) -> Dict[int, bytes]:
        try:
            pixels = read(path).pixels
        except ImageError as e:
            raise ImageError(self._public(e, path, name)) from None
        return {side: jpeg(pixels, side) for side in (SHOWN, THUMB)}

    @staticmethod
    def _public(error: Exception, path: Path, name: str) -> str:
        return str(error).replace(str(path), name)

    def get(self, key: str) -> Kept:
        """The picture that the page calls this. Raises ImageError where it is not here."""
        with self.lock:
            if key not in self._kept:
                raise ImageError("this picture is not on the server any more; choose it again")
            return self._kept[key]

    def shown(self, key: str, longest: int) -> bytes:
        """The picture as a JPEG for the page, SHOWN or THUMB. Raises ImageError."""
        with self.lock:
            self.get(key)
            return self._shown[key][longest]

    def hold(self, pictures: Iterable[Kept]) -> None:
        """Let none of these go until they are released as often."""
        with self.lock:
            self._held.update(one.id for one in pictures)

    def release(self, pictures: Iterable[Kept]) -> None:
        with self.lock:
            self._held.subtract([one.id for one in pictures])

    def public(self, text: str) -> str:
        """A text with the pictures' names in place of their files', which are nobody's business."""
        with self.lock:
            for one in self._kept.values():
                text = text.replace(str(one.path), one.name)
        return text.replace(f"{self._folder}/", "")

    def _free(self, more: int) -> None:
        """Make room for so many bytes. Raises OutputError."""
        while self._is_full(more):
            loose = [one for one in self._kept.values() if self._held[one.id] <= 0]
            if loose:
                self._drop(loose[0])
            elif not self.make_room():
                raise OutputError("there is no room for more pictures; wait for a dream to end")

    def _is_full(self, more: int) -> bool:
        total = sum(one.bytes for one in self._kept.values())
        return len(self._kept) >= self._limits.pictures or total + more > self._limits.kept_bytes

    def _drop(self, one: Kept) -> None:
        del self._kept[one.id], self._shown[one.id]
        one.path.unlink()

    def _unused(self, name: str) -> str:
        taken: List[str] = [one.name.lower() for one in self._kept.values()]
        stem, dot, suffix = name.rpartition(".")
        stem, end = (stem, dot + suffix) if dot else (name, "")
        number, found = 1, name
        while found.lower() in taken:
            number += 1
            found = f"{stem}-{number}{end}"
        return found
