"""What tests of downloads look at, and what they serve."""

import io
import tarfile
from typing import Any, Iterable, List, Tuple


def left(want: Any) -> List[str]:
    """Names of what lies in the folder of a Wanted file."""
    folder = want.path.parent
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def archive(files: Iterable[Tuple[str, bytes]]) -> bytes:
    """A .tar.gz with these files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()
