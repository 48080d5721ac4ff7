"""What a file is, whatever its name says: so that an error can say what was given in its place."""

import os
import re
import stat
from typing import Any, Optional, Set, Tuple

from .. import wire
from ..errors import printable

_HEAD = 4096  # bytes that are looked at, besides the fields of a message
_MOST_FIELDS = 5000
_UNKNOWN = "binary data"
_DOWNLOAD = "download the file itself"
_UNPACK = "unpack it first"
_UTF_8 = "save it as UTF-8"
_TEXTS = {"a prototxt", "a solver's prototxt", "a CSV", "a readme"}  # what may be any text
_CONVERT = "convert it to Caffe's form first"
_IMPORT = "python -m net_surgery import makes a Caffe model of many such files"
# what files begin with: (bytes, what the file is, what to do)
_BEGINNINGS: Tuple[Tuple[bytes, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"GIF8", "a GIF picture", ""),
    (b"II*\x00", "a TIFF picture", ""),
    (b"MM\x00*", "a TIFF picture", ""),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _IMPORT),
    (b"\x93NUMPY", "a NumPy array", ""),
    (b"PK\x03\x04", "a zip archive (PyTorch's .pth, NumPy's .npz and Keras's .keras are some)",
     _IMPORT),
    (b"PK\x05\x06", "an empty zip archive", ""),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"%PDF-", "a PDF", ""),
    (b"\x7fELF", "a program or library (ELF)", ""),
    (b"MATLAB 5.0", "a MATLAB file", _CONVERT),
    (b"version https://git-lfs.github.com/", "a Git LFS pointer",
     "get the file that it stands for with: git lfs pull"),
    (b"\x00\x00\xfe\xff", "text in UTF-32", _UTF_8),
    (b"\xff\xfe\x00\x00", "text in UTF-32", _UTF_8),
    (b"\xfe\xff", "text in UTF-16", _UTF_8),
    (b"\xff\xfe", "text in UTF-16", _UTF_8),
)  # fmt: skip
_INSIDE: Tuple[Tuple[int, bytes, str, str], ...] = (  # the same, with the place of the bytes
    (257, b"ustar", "a tar archive", _UNPACK),
    (4, b"TFL3", "a TensorFlow Lite model", _CONVERT),
    (8, b"WEBP", "a WebP picture", ""),
    (4, b"ftypavif", "an AVIF picture", ""),
    (4, b"ftyphei", "a HEIC picture", ""),
    (4, b"ftyp", "a video", ""),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05][}\](c\x8a\x95X]")
_SAFETENSORS = re.compile(rb'.{5}\x00{3}\{"', re.S)
_BITMAP = re.compile(rb"BM.{4}\x00{4}", re.S)
_NET = re.compile(
    r"(?:\s|#[^\n]*)*(?:name|layers?|input|input_dim|input_shape|state|force_backward)\s*[:{<]"
)


class Kind:
    """What a file is, as a noun with its article, and what to do with it, or ""."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what, self.remedy = what, remedy


def misplaced(path: Any, wanted: str) -> str:
    """The error that says what a file is, where it cannot be what is wanted; "" where it may be.

    Args:
        path: a file, a folder or anything else.
        wanted: what belongs there, with its article: "a prototxt".
    """
    kind = kind_of(path)
    if kind is None or kind.what.startswith(wanted):
        return ""
    if wanted == "a picture" and kind.what.endswith(wanted[1:]):
        return ""
    # what its reader has more to say of
    is_text = wanted in _TEXTS
    if kind.what.startswith(("the text", "a text") if is_text else _UNKNOWN):
        return ""
    remedy = "" if kind.remedy == _UTF_8 and not is_text else kind.remedy
    if {wanted, kind.what} == {"a prototxt", "a caffemodel"}:
        remedy = "are the two files the wrong way round?"
    return f"{path}: {kind.what}, given where {wanted} goes" + (f"; {remedy}" if remedy else "")


def unreadable(path: Any, wanted: str, error: OSError) -> str:
    """The text of the error for a file that the system does not open."""
    if os.path.exists(path) and not os.path.isfile(path):
        return misplaced(path, wanted)
    return f"{path}: cannot be read: {error.strerror or error}"


def kind_of(path: Any) -> Optional[Kind]:
    """What a file is; None where it cannot be told, or not be read."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return Kind("a folder", "name a file in it")
        if not stat.S_ISREG(mode):
            return Kind("a pipe or a device", "save it as a file first")
        with wire.File(path) as file:
            if not len(file):
                return Kind("an empty file", "get it again")
            head = file[:_HEAD]
            kind = _binary(head) or _text(head) or _message(file)
            return kind or (Kind(_UNKNOWN) if b"\x00" in head else None)
    except (OSError, ValueError):
        return None


def is_foreign_weights(path: Any) -> bool:
    """Whether a file is of a format that net_surgery.imports reads, as far as its beginning
    tells."""
    kind = kind_of(path)
    return kind is not None and kind.remedy == _IMPORT


def _binary(head: bytes) -> Optional[Kind]:
    for start, what, remedy in _BEGINNINGS:
        if head.startswith(start):
            return Kind(what, remedy)
    for at, inside, what, remedy in _INSIDE:
        if head.startswith(inside, at):
            return Kind(what, remedy)
    if not head.strip(b"\x00"):
        return Kind("nothing but zero bytes", "get it again")
    if _PICKLE.match(head):
        return Kind("a Python pickle (PyTorch's older .pth files are some)", _IMPORT)
    if _SAFETENSORS.match(head):
        return Kind("a safetensors file", _IMPORT)
    if _BITMAP.match(head):
        return Kind("a BMP picture")
    if any(_is_ascii_in_utf16(head[:64], first) for first in (0, 1)):
        return Kind("text in UTF-16", _UTF_8)
    return None


def _is_ascii_in_utf16(head: bytes, first: int) -> bool:
    """Whether every other byte is zero, from the `first` on, and the others are ASCII."""
    zeros, letters = head[first::2], head[1 - first :: 2]
    return len(zeros) > 3 and not any(zeros) and not re.search(rb"[^\t\n\r -~]", letters)


def _text(head: bytes) -> Optional[Kind]:
    """What a text is; None for what is not text."""
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head):
        return None
    text = head.decode("utf-8-sig", "replace")
    if not text.strip() or text.count("\ufffd") > len(text) // 10:
        return None
    start = text.lstrip()[:1000].lower()
    if start.startswith("<svg") or (start.startswith("<?xml") and "<svg" in start):
        return Kind("an SVG drawing")
    if start.startswith(("<!doctype html", "<html", "<head", "<body")) or (
        start.startswith(("<!--", "<?xml")) and "<html" in start
    ):
        return Kind("a web page (HTML)", _DOWNLOAD)
    if start.startswith(("<?xml", "<error")):
        return Kind("an XML file, such as a server's error", _DOWNLOAD)
    if re.match(r"[45][0-9]{2}(?::| [a-z])", start):
        return Kind(f'a server\'s error, "{printable(text.strip()[:60])}"', _DOWNLOAD)
    if start.startswith("{"):
        return Kind("a JSON file")
    if _NET.match(text):
        return Kind("a prototxt")
    if re.search(r"^(?:base_lr|lr_policy|max_iter|train_net)\s*:", text, re.M):
        return Kind("a solver's prototxt", "the net is in the file that its `net` names")
    if len(head) < 200 and text.count("\n") < 3:
        return Kind(f'the text "{printable(text.strip())}"')
    return Kind("a text file")


def _message(file: wire.File) -> Optional[Kind]:
    """Which of the messages that are known a file holds; a cut-off one is told by its beginning."""
    seen: Set[Tuple[int, int]] = set()
    names = 0
    try:
        for number, field in enumerate(wire.fields(file, 0, len(file))):
            seen.add((field.number, field.kind))
            names += field.number == 1
            if number > _MOST_FIELDS:
                break
        whole = True
    except wire.WireError:
        whole = False
    length, varint = wire.LENGTH, wire.VARINT
    numbers = {number for number, _ in seen}
    if (1, varint) in seen:
        if {(7, length), (8, length)} <= seen:
            return Kind("an ONNX model", _IMPORT)
        if {(2, varint), (3, varint), (4, varint)} <= seen and numbers <= set(range(1, 10)):
            return Kind("a binaryproto, such as a mean file")
        if (3, length) in seen and numbers <= {1, 2, 3, 4}:
            return Kind("a solverstate", "the weights are in the caffemodel beside it")
    elif (7, length) in seen and numbers <= {5, 6, 7, 8, 9}:
        return Kind("a binaryproto, such as a mean file")
    elif whole and names > 1 and numbers <= {1, 2, 3, 4}:
        return Kind("a TensorFlow graph", _IMPORT)
    elif seen & {(2, length), (100, length)} and numbers <= {1, 2, 3, 4, 5, 6, 7, 8, 100}:
        return Kind("a caffemodel")
    return None
