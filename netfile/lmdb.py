"""LMDB databases, read value by value: what Caffe's Data layers read.

A reader of the file format (version 1, 64-bit, little-endian) that trusts nothing in it: no native
library maps the file, so a damaged one is an error and never ends the process.
"""

import os
import struct
from typing import Any, BinaryIO, Iterator, List, NamedTuple, Tuple

from .errors import FormatError

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_HEADER = 16  # bytes of a page's header
_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4  # flags of pages
_BIG, _SUBDATABASE, _DUPLICATES = 1, 2, 4  # flags of nodes
_NO_ROOT = 2**64 - 1
_DEEPEST = 32
_META = struct.Struct("<IIQQ48s48sQQ")
_TREE = struct.Struct("<IHHQQQQQ")


class _Meta(NamedTuple):
    page_size: int
    last_page: int
    transaction: int
    entries: int
    depth: int
    root: int


class Database:
    """An LMDB database, open for reading.

    path: the folder that has data.mdb, or that file. Raises FormatError, as does reading, where it
    is no such database, or a damaged one; OSError where the system does not open it.
    """

    def __init__(self, path: Any) -> None:
        self.path = os.fspath(path)
        name = os.path.join(self.path, "data.mdb") if os.path.isdir(self.path) else self.path
        self._file: BinaryIO = open(name, "rb")
        try:
            self._meta = self._newest_meta()
        except FormatError:
            self._file.close()
            raise

    def __len__(self) -> int:
        return self._meta.entries

    def values(self) -> Iterator[bytes]:
        """The values in the order of their keys."""
        if self._meta.root == _NO_ROOT:
            return
        # the pages on the way to the present leaf, and the nodes that are left in each
        stack = [self._nodes(self._meta.root)]
        pages = 1
        while stack:
            page, flags, left = stack[-1]
            if not left:
                stack.pop()
            elif flags & _LEAF:
                yield self._value(page, left.pop())
            elif len(stack) >= min(self._meta.depth, _DEEPEST) or pages > self._meta.last_page:
                raise self._damaged("its pages lie deeper, or are more, than it says")
            else:
                pages += 1
                stack.append(self._nodes(self._child(page, left.pop())))

    def _nodes(self, number: int) -> Tuple[bytes, int, List[int]]:
        """(a page, its flags, where its nodes begin, the last one first)."""
        page = self._page(number)
        flags, lower = struct.unpack_from("<HH", page, 10)
        if not flags & (_BRANCH | _LEAF) or not _HEADER <= lower <= len(page) or lower % 2:
            raise self._damaged(f"page {number} is none of keys")
        places = struct.unpack_from(f"<{(lower - _HEADER) // 2}H", page, _HEADER)
        return page, flags, list(reversed(places))

    def _child(self, page: bytes, at: int) -> int:
        low, high, top = self._unpack("<HHH", page, at)
        return int(low | high << 16 | top << 32)

    def _value(self, page: bytes, at: int) -> bytes:
        low, high, flags, key = self._unpack("<HHHH", page, at)
        size, start = low | high << 16, at + 8 + key
        if flags & (_SUBDATABASE | _DUPLICATES):
            raise self._damaged("it holds databases in a database, or several values of a key")
        if not flags & _BIG:
            if start + size > len(page):
                raise self._damaged("a value goes beyond its page")
            return page[start : start + size]
        (first,) = self._unpack("<Q", page, start)
        header = self._page(first)
        (pages,) = struct.unpack_from("<I", header, 12)
        kind = struct.unpack_from("<H", header, 10)[0]
        if not kind & _OVERFLOW or size > pages * self._meta.page_size - _HEADER:
            raise self._damaged(f"page {first} is none of a large value")
        return self._read(first * self._meta.page_size + _HEADER, size)

    def _unpack(self, form: str, page: bytes, at: int) -> Tuple[int, ...]:
        if at < _HEADER or at + struct.calcsize(form) > len(page):
            raise self._damaged("a node goes beyond its page")
        return struct.unpack_from(form, page, at)

    def _page(self, number: int) -> bytes:
        if number > self._meta.last_page:
            raise self._damaged(f"it has no page {number}")
        return self._read(number * self._meta.page_size, self._meta.page_size)

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        found = self._file.read(size)
        if len(found) < size:
            raise self._damaged("it was cut off")
        return found

    def _newest_meta(self) -> _Meta:
        """The newer one of the two pages that say where everything is."""
        first = self._meta_at(0)
        second = self._meta_at(first.page_size)
        return max(first, second, key=lambda meta: meta.transaction)

    def _meta_at(self, at: int) -> _Meta:
        self._file.seek(at + _HEADER)
        raw = self._file.read(_META.size)
        if len(raw) < _META.size:
            raise FormatError(f"{self.path}: not an LMDB database, or one that was cut off")
        magic, version, _, _, free, main, last, transaction = _META.unpack(raw)
        if (magic, version) != (_MAGIC, _VERSION):
            raise FormatError(f"{self.path}: not an LMDB database of version {_VERSION}")
        page_size = _TREE.unpack(free)[0]
        _, _, depth, _, _, _, entries, root = _TREE.unpack(main)
        if not 256 <= page_size <= 65536 or page_size & (page_size - 1):
            raise self._damaged(f"it says pages of {page_size} bytes")
        return _Meta(page_size, last, transaction, entries, depth, root)

    def _damaged(self, why: str) -> FormatError:
        return FormatError(f"{self.path}: a damaged LMDB database: {why}")

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()
