"""How many threads this process may compute on."""

import math
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

from netfile.system.control_groups import groups

MOST = 1024  # threads, whatever somebody asks for
# asked for hundreds of times a pass: bytes need no decoding, where the system has them
_ENVIRONMENT: Any = os.environb if os.supports_bytes_environ else os.environ
_NAME: Any = b"CAFFE_COMPAT_THREADS" if os.supports_bytes_environ else "CAFFE_COMPAT_THREADS"


def count() -> int:
    """The number of threads to compute on.

    The environment variable CAFFE_COMPAT_THREADS where it is a number above 0, else the cores that
    this process may use at present, or as many as its quota of processor time comes to.
    """
    wanted = _ENVIRONMENT.get(_NAME)
    if wanted:
        asked = _number(os.fsdecode(wanted))
        if asked:
            return asked
    return max(1, min(_cores(), _quota_here() or MOST, MOST))


@lru_cache(maxsize=8)
def _number(text: str) -> Optional[int]:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or not text.strip("0"):
        return None
    return min(MOST, int(text.lstrip("0")[:9]))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@lru_cache(maxsize=None)
def _quota_here() -> Optional[int]:
    return quota()


def quota(root: str = "/") -> Optional[int]:
    """The cores that this process's time comes to, rounded up; None where it has no limit.

    root: the folder that /proc and /sys are in.
    """
    least = min((_cores_of(group.folder) for group in groups("cpu", root)), default=math.inf)
    return None if least == math.inf else max(1, math.ceil(least))


def _cores_of(group: Path) -> float:
    """The cores that one group's time comes to."""
    try:
        if (group / "cpu.max").is_file():
            time, period = (group / "cpu.max").read_text().split()
        else:
            time = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        allowed = math.inf if time.strip() in ("max", "-1") else float(time) / float(period)
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf  # the topmost group has no such file
    return allowed if allowed > 0 else math.inf


@lru_cache(maxsize=None)
def level_2(root: str = "/") -> int:
    """Bytes of one core's level-2 cache, as far as they are known."""
    folder = Path(root, "sys/devices/system/cpu/cpu0/cache/index2")
    try:
        level, size = ((folder / name).read_text().strip() for name in ("level", "size"))
        if level == "2" and size[-1:] == "K":
            return min(max(int(size[:-1]), 256), 4096) << 10
    except (OSError, ValueError):
        pass  # no Linux
    return 512 << 10


if hasattr(os, "register_at_fork"):
    # a forked process can be put into a group of its own
    os.register_at_fork(after_in_child=_quota_here.cache_clear)
