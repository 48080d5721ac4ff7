"""The pictures that a command line names: files, folders, patterns, the standard input."""

import glob
import os
import re
import sys
from typing import Any, Dict, Iterator, List, Sequence

from ...errors import DreamError, ImageError
from ...pictures import read_recipe
from ...pictures.files import SUFFIXES

STANDARD = "-"  # the standard input, or the standard output
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|data:", re.ASCII)  # C:\ is a drive
_MOST = 1 << 30  # bytes of a picture from the standard input


class Found:
    """What was found: `paths`, each once, in the order of the words, and `notes` on what was left
    out."""

    def __init__(self, words: Sequence[str]) -> None:
        """Raises ImageError for a word that can stand for no picture."""
        self.notes: List[str] = []
        every = [path for word in words for path in self._of(word)]
        if every.count(STANDARD) > 1:
            raise ImageError("the standard input is given twice, and holds one picture")
        # the same file by the same name, as of a folder and a pattern
        known: Dict[str, str] = {}
        for path in every:
            known.setdefault(path if path == STANDARD else os.path.abspath(path), path)
        self.paths = list(known.values())

    def _of(self, word: str) -> List[str]:
        if word == STANDARD:
            return [word]
        if is_url(word):
            raise ImageError(f"{word}: is an address; {how_to_get(word)}")
        if os.path.isdir(word):
            return self._in_folder(word)
        if os.path.lexists(word) or not glob.has_magic(word):
            return [word]
        try:
            matches = sorted(glob.glob(word, recursive=True))
        except (OSError, ValueError, re.error) as e:
            raise ImageError(f"{word}: is no pattern of names ({e})") from None
        if not matches:
            raise ImageError(f"{word}: no picture has such a name")
        return [path for match in matches for path in self._named(match)]

    def _named(self, path: str) -> List[str]:
        return self._in_folder(path) if os.path.isdir(path) else [path]

    def _in_folder(self, folder: str) -> List[str]:
        """A folder's own pictures, without dreams: a second run would dream on those of the
        first."""
        try:
            names = sorted(os.listdir(folder))
        except OSError as e:
            raise ImageError(f"{folder}: cannot be read: {e.strerror or e}") from None
        paths = [os.path.join(folder, name) for name in names if _is_picture(name)]
        paths = [path for path in paths if not os.path.isdir(path)]
        if not paths:
            raise ImageError(
                f"{folder}: has no pictures, files that end in {', '.join(sorted(SUFFIXES))}"
            )
        photos = [path for path in paths if not _is_dream(path)]
        dreams = len(paths) - len(photos)
        if not photos:
            raise ImageError(
                f"{folder}: has only pictures that deepdream made; name the files to dream on them"
            )
        if dreams:
            were = "1 picture that deepdream made is" if dreams == 1 else (
                f"{dreams} pictures that deepdream made are"
            )  # fmt: skip
            self.notes.append(f"note: {folder}: {were} left out; name a file to dream on it")
        return photos


def is_url(word: str) -> bool:
    return bool(_URL.match(word))


def how_to_get(address: str) -> str:
    """What to do about an address in place of a picture."""
    scheme = address.partition(":")[0].lower()
    if scheme == "file":
        return "give the path of the file"
    if scheme in ("http", "https", "ftp"):
        return f"download it first: curl -L -o photo.jpg {_quoted(address)}"
    return "save the picture to a file first"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "%27") + "'"


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def _is_dream(path: str) -> bool:
    """Whether a picture carries a recipe of ours; a broken one does not."""
    try:
        text = read_recipe(path)
    except (DreamError, MemoryError):
        return False
    return text.lstrip().startswith("{") and '"deepdream' in text


def spooled(folder: str) -> str:
    """The path of a new file in a folder that holds what the standard input gives.

    Raises:
        ImageError: it is a terminal, or gives nothing, or more than a picture has.
    """
    stream = sys.stdin
    if stream is None or not hasattr(stream, "buffer"):
        raise ImageError("the standard input is closed; pipe a picture in, or name a file")
    if stream.isatty():
        raise ImageError(
            "the standard input is a terminal; pipe a picture in, or name a file: ./- for one that "
            "is called -"
        )
    path = os.path.join(folder, "stdin")
    try:
        with open(path, "xb") as f:
            for block in _blocks(stream.buffer):
                f.write(block)
    except OSError as e:
        raise ImageError(f"the standard input cannot be read: {e.strerror or e}") from None
    if not os.path.getsize(path):
        raise ImageError("the standard input gave nothing; pipe a picture in")
    return path


def _blocks(stream: Any) -> Iterator[bytes]:
    """What a stream gives. Raises ImageError beyond _MOST bytes."""
    given = 0
    for block in iter(lambda: stream.read(1 << 20), b""):
        given += len(block)
        if given > _MOST:
            raise ImageError(
                f"the standard input gives over {_MOST} bytes, more than a picture has"
            )
        yield block
