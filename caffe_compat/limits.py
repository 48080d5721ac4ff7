"""How large things may be: absurd sizes in a file are rejected before anything is allocated."""

import os
from functools import lru_cache

from netfile import memory

from .errors import ShapeError

_LOOPS = 450_000_000  # bytes of address space that compiling takes, measured; loading, 350 MB
MOST_VALUES = 2**31 - 1  # of a blob: Caffe counts them in int32


def most_bytes() -> int:
    """The environment variable CAFFE_COMPAT_MOST_BYTES, else this machine's memory."""
    return _most_bytes(os.environ.get("CAFFE_COMPAT_MOST_BYTES", ""))


@lru_cache(maxsize=None)
def _most_bytes(wanted: str) -> int:
    if wanted.isdecimal() and len(wanted) < 20 and int(wanted) > 0:
        return int(wanted)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return 1 << 40


def check(values: int, what: str) -> None:
    """Raise ShapeError if so many float32 values are more than this machine can hold."""
    if 4 * values > most_bytes():
        raise ShapeError(
            f"{what} takes {4 * values / 1e9:,.1f} GB, but this machine has "
            f"{most_bytes() / 1e9:,.1f} GB (CAFFE_COMPAT_MOST_BYTES sets another limit)"
        )


@lru_cache(maxsize=None)
def check_loops() -> None:
    """Raise MemoryError before the compiled loops are loaded, if there is too little memory.

    LLVM ends the process where it gets none.
    """
    left = memory.free()
    if left and left.bytes < _LOOPS:
        raise MemoryError(
            f"the engine takes {_LOOPS / 1e9:.2f} GB of memory to start, and "
            f"{left.bytes / 1e9:.2f} GB are {left.bound}; raise that limit, or close other programs"
        )
