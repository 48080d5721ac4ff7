"""Where results go: folders that are there or can be made, and the last good picture of a dream
that broke."""

import os
from pathlib import Path

from .. import pictures
from ..errors import NotFiniteError
from ..pictures.output import check_folder


def check_result_folder(path: str) -> None:
    """Ask whether results can be written into this folder, or into a new one of this name.

    Raises:
        OutputError: they cannot.
    """
    check_folder(path if os.path.exists(path) else os.path.dirname(os.path.abspath(path)))


def keep_last_good(out: str, error: NotFiniteError) -> None:
    """Write the picture that an error carries beside `out`, and say so in the error."""
    if error.picture is not None:
        path = Path(out).with_name(f"{Path(out).stem}-last-good{Path(out).suffix}")
        pictures.save(path, error.picture)
        error.args = (f"{error}; the last good picture is {path}",)
