"""How much memory a net may ask for: a file with absurd sizes is refused before anything is allocated."""

import os
from functools import lru_cache

from .errors import ShapeError


def most_bytes():
    """The environment variable CAFFE_COMPAT_MOST_BYTES, else this machine's memory."""
    return _most_bytes(os.environ.get("CAFFE_COMPAT_MOST_BYTES", ""))


@lru_cache(maxsize=None)
def _most_bytes(wanted):
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return 1 << 40


def check(values, what):
    """Raise ShapeError if so many float32 values are more than this machine can hold."""
    if 4 * values > most_bytes():
        raise ShapeError(
            f"{what} takes {4 * values / 1e9:,.1f} GB, but this machine has {most_bytes() / 1e9:,.1f} GB (CAFFE_COMPAT_MOST_BYTES sets another limit)"
        )
