"""How large things may be: absurd sizes in a file are rejected before anything is allocated."""

import os
from functools import lru_cache

from netfile.system import memory

from .errors import ShapeError

# bytes that LLVM and the compiled loops take to load, and the loops alone, measured: of addresses
START, LOOPS = 600_000_000, 350_000_000
_MEMORY = 1 / 3  # of addresses, what is really used
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


def check_start(addresses: int) -> None:
    """Raise MemoryError if there is too little memory for START or LOOPS.

    Python's import and LLVM end the process where they get none, and OpenBLAS, which NumPy loads,
    tries for ever to get more.
    """
    left = memory.free()
    needed = addresses if left and left.bound == memory.ADDRESS_SPACE else addresses * _MEMORY
    if left and left.bytes < needed:
        raise MemoryError(
            f"the engine takes {needed / 1e9:.2f} GB of memory to start, and "
            f"{left.bytes / 1e9:.2f} GB are {left.bound}; raise that limit, or close other programs"
        )
