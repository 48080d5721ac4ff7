"""Which file it is."""

import hashlib
import os
from typing import Union


def file_sha1(path: Union[str, "os.PathLike[str]"]) -> str:
    """SHA1 of a file, as 40 hex digits."""
    digest = hashlib.sha1()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
