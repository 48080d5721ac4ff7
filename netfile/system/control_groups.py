"""The control groups of this process: what Linux limits memory and processor time by.

https://docs.kernel.org/admin-guide/cgroup-v2.html, and cgroup-v1 beside it
"""

import re
from pathlib import Path, PurePosixPath
from typing import Dict, Iterator, NamedTuple


class Group(NamedTuple):
    """The version of a control group, 1 or 2, and the folder that its limits are in."""

    version: int
    folder: Path


class _Mount(NamedTuple):
    kind: str
    options: str
    within: str  # the part of the file system that is mounted
    folder: Path


def groups(controller: str, root: str = "/") -> Iterator[Group]:
    """Each group that can limit this process, and every group above it.

    Args:
        controller: what is limited, "memory" or "cpu". In version 2 any group may limit it.
        root: where the system's `proc` and `sys` are.
    """
    try:
        joined = _joined(Path(root))
        mounts = list(_mounts(Path(root)))
    except (OSError, ValueError):
        return  # not a Linux, or one that does not tell
    for mount in mounts:
        if mount.kind == "cgroup2" and "" in joined:
            yield from (Group(2, folder) for folder in _upward(mount, joined[""]))
        elif mount.kind == "cgroup" and controller in {*mount.options.split(",")} & {*joined}:
            yield from (Group(1, folder) for folder in _upward(mount, joined[controller]))


def _joined(root: Path) -> Dict[str, str]:
    """{controller: the name of this process's group}; version 2's has the controller ""."""
    joined = {}
    for line in (root / "proc/self/cgroup").read_text(errors="replace").splitlines():
        _, controllers, name = line.split(":", 2)
        joined.update(dict.fromkeys(controllers.split(","), name))
    return joined


def _mounts(root: Path) -> Iterator[_Mount]:
    for line in (root / "proc/self/mountinfo").read_text(errors="replace").splitlines():
        mount, _, system = line.partition(" - ")
        within, at = (
            re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), name)
            for name in mount.split()[3:5]
        )
        kind, _, options = system.split(None, 2)
        yield _Mount(kind, options, within, root / at.lstrip("/"))


def _upward(mount: _Mount, name: str) -> Iterator[Path]:
    """The folder of a group, and of each group above it.

    A container sees its own part of the tree, or a name that means nothing there: then the top
    alone counts.
    """
    try:
        inside = PurePosixPath(name).relative_to(mount.within)
    except ValueError:
        inside = PurePosixPath()
    if ".." in inside.parts:
        inside = PurePosixPath()
    for part in (inside, *inside.parents):
        yield mount.folder / str(part)
