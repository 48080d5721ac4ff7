"""Where a weights file came from, in a file of its own beside it: NAME.caffemodel.origin.json.

A converted caffemodel has no published hash. Its own hash is kept here, so that a later look can
tell whether it is still the file that was made.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from netfile.system.files import whole_file

_LONGEST = 100_000  # bytes


@dataclass(frozen=True)
class Origin:
    """What is kept of a weights file.

    source: the place. format: what was there, for people. source_sha256: of the file there; ""
    where it was not looked at. sha1, bytes: of the weights file. converter: what made it, with its
    version; "" where it is as it came. date: the day, YYYY-MM-DD.
    """

    source: str
    format: str
    source_sha256: str
    sha1: str
    bytes: int
    converter: str
    date: str


def place(weights: Any) -> Path:
    """The file for a weights file's origin."""
    return Path(f"{weights}.origin.json")


def read(weights: Any) -> Optional[Origin]:
    """The origin of a weights file, or None where it is not known, or its file is none of ours."""
    path = place(weights)
    try:
        if not path.is_file() or path.is_symlink():
            return None
        with open(path, encoding="utf-8") as f:
            found = Origin(**json.loads(f.read(_LONGEST)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = (found.source, found.format, found.source_sha256, found.converter)
    good = (
        all(isinstance(text, str) for text in texts)
        and type(found.bytes) is int
        and re.fullmatch("[0-9a-f]{40}", str(found.sha1))
        and re.fullmatch(r"\d{4}-\d\d-\d\d", str(found.date))
    )
    return found if good else None


def write(weights: Any, origin: Origin) -> None:
    """Keep the origin of a weights file. Raises OSError where the system refuses."""
    with whole_file(place(weights)) as file:
        file.write_text(json.dumps(asdict(origin), indent=1) + "\n", encoding="utf-8")


def forget(weights: Any) -> None:
    """Remove what is kept of a file that is no more."""
    path = place(weights)
    if path.is_file() or path.is_symlink():
        path.unlink()
