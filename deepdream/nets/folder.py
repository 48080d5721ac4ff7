"""What a model's readme may name: files of its own folder, because readmes come from anywhere."""

import os
from pathlib import Path

from ..errors import ModelError


def own_file(folder: Path, name: str, readme: Path, key: str) -> Path:
    """The file of a model's folder that its readme names.

    Raises:
        ModelError: the name leads elsewhere.
    """
    if name != os.path.basename(name) or name in ("", ".", "..") or set(name) & set("\\\0"):
        raise ModelError(
            f"{readme}: {key} is {name!r}; a model's files lie in its folder, so write a file name "
            "without a folder"
        )
    if name.lower() == readme.name or name.lower().endswith(".prototxt"):
        raise ModelError(f"{readme}: {key} is {name!r}, which is another of the model's files")
    return folder / name
