"""How many threads this process may compute on."""

import math
import os
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Dict, Iterator, Optional, Tuple

MOST = 1024  # threads, whatever somebody asks for


def count() -> int:
    """The number of threads to compute on.

    The environment variable CAFFE_COMPAT_THREADS where it is a number above 0, else the cores that
    this process may use at present, or as many as its quota of processor time comes to.
    """
    wanted = os.environ.get("CAFFE_COMPAT_THREADS")
    if wanted:
        asked = _number(wanted)
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

    Linux limits groups of processes (cgroups, of both versions), each within the group above it.
    root: the folder that /proc and /sys are in.
    """
    least = math.inf
    try:
        for group in _groups(Path(root)):
            least = min(least, _cores_of(group))
    except (OSError, ValueError):
        pass  # not a Linux, or one that does not tell
    return None if least == math.inf else max(1, math.ceil(least))


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's groups that can have a limit, and of the groups above them."""
    joined: Dict[str, str] = {}
    for line in (root / "proc/self/cgroup").read_text().splitlines():
        _, controllers, name = line.split(":", 2)
        joined[controllers] = name
    for kind, options, within, mounted in _mounts(root):
        if kind == "cgroup2":
            names = [joined[""]] if "" in joined else []
        elif kind == "cgroup" and "cpu" in options.split(","):
            names = [name for of, name in joined.items() if "cpu" in of.split(",")]
        else:
            continue
        if not names:
            continue
        top = root / mounted.lstrip("/")
        # a container sees its own part of the tree, or a name that means nothing there
        inside = PurePosixPath(names[0])
        try:
            inside = inside.relative_to(within)
        except ValueError:
            inside = PurePosixPath(".")
        group = top / str(inside) if ".." not in inside.parts else top
        yield group
        while group != top:
            group = group.parent
            yield group


def _mounts(root: Path) -> Iterator[Tuple[str, str, str, str]]:
    """(file system, options, the part of it that is mounted, where) of each mount."""
    for line in (root / "proc/self/mountinfo").read_text().splitlines():
        mount, _, system = line.partition(" - ")
        within, mounted = (
            re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), name)
            for name in mount.split()[3:5]
        )
        kind, _, options = system.split(None, 2)
        yield kind, options, within, mounted


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


if hasattr(os, "register_at_fork"):
    # a forked process can be put into a group of its own
    os.register_at_fork(after_in_child=_quota_here.cache_clear)
