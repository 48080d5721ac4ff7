"""How much memory a program can still have."""

import os
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Optional

from .control_groups import groups

ADDRESS_SPACE = "left by ulimit -v"

# of a control group, by its version: the files of its limit and its use, and a line of memory.stat
_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    2: ("memory.max", "memory.current"),
}
_SPARE = {
    1: ("total_inactive_file", "total_active_file"),
    2: ("inactive_file", "active_file"),
}
_PAGE = 4096  # where the system does not say how large its pages are


class Free(NamedTuple):
    """Bytes that can still be had, and what sets this bound."""

    bytes: int
    bound: str


def free(root: str = "/") -> Optional[Free]:
    """The memory that this process can still have; None where the system does not say.

    It is the least of what the machine has available, what the control groups of the process
    (version 1 and 2, each with its parents) leave it, and what its own limits (`ulimit`) leave it.

    Args:
        root: where the system's `proc` and `sys` are.
    """
    found = [*_machine(Path(root)), *_control_groups(Path(root)), *_own_limits(Path(root))]
    return min(found, default=None)


def resident(root: str = "/") -> int:
    """Bytes of memory that this process has now; 0 where the system does not say."""
    pages = _text(Path(root) / "proc/self/statm").split()[1:2]
    return int(pages[0]) * _page_size() if pages and pages[0].isdigit() else 0


def _machine(root: Path) -> Iterator[Free]:
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable" and value.split()[:1] and value.split()[0].isdigit():
            yield Free(int(value.split()[0]) * 1024, "available in this machine")


def _control_groups(root: Path) -> Iterator[Free]:
    for version, folder in groups("memory", str(root)):
        limit, usage = (_number(folder / name) for name in _FILES[version])
        if limit is None or usage is None:
            continue
        # pages of files, which the kernel gives up before it ends a process; MemAvailable counts
        # them too
        found = _statistics(folder / "memory.stat")
        spare = sum(found.get(name, 0) for name in _SPARE[version])
        yield Free(max(0, limit - max(0, usage - spare)), "left by the control group's limit")


def _own_limits(root: Path) -> Iterator[Free]:
    try:
        import resource
    except ImportError:  # Windows
        return
    pages = _text(root / "proc/self/statm").split()
    if len(pages) < 6 or not all(page.isdigit() for page in pages):
        return
    size = _page_size()
    limits = (
        (resource.RLIMIT_AS, 0, ADDRESS_SPACE),
        (resource.RLIMIT_DATA, 5, "left by ulimit -d"),
    )
    for limit, place, bound in limits:
        most = resource.getrlimit(limit)[0]
        if most != resource.RLIM_INFINITY:
            yield Free(max(0, most - int(pages[place]) * size), bound)


def _page_size() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _PAGE


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _number(path: Path) -> Optional[int]:
    """The number in a file; None for "max", and where there is no such file."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _statistics(path: Path) -> Dict[str, int]:
    pairs = (line.split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
