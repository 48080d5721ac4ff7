"""Where results go: what can go wrong is asked before the work, and what was made is kept."""

import os
import tempfile
from pathlib import Path
from typing import Any, Iterator, Sequence, Tuple

import numpy as np

from .. import pictures
from ..errors import NotFiniteError, OutputError
from ..pictures.files import check_saving
from ..pictures.output import check_file, check_folder, check_new_folder, check_space
from ..request.job import Job

Size = Tuple[int, int]


def check_result_folder(path: str, names: Sequence[str] = ("0",)) -> None:
    """Ask whether files of these names can be written into this folder, there or not.

    Raises:
        OutputError: they cannot.
    """
    longest = max(names, key=lambda name: len(os.fsencode(name)))
    if os.path.lexists(path):
        check_folder(path)
        check_file(os.path.join(path, longest), ())
    else:
        check_folder(os.path.dirname(os.path.abspath(path)))
        check_new_folder(path, longest)


def check_new_files(
    folder: str, names: Sequence[str], overwrite: bool, inputs: Sequence[Any] = ()
) -> None:
    """Ask whether these files can be written into a folder, there or not.

    inputs: files that are read, which none of them may replace.

    Raises:
        OutputError: one of them cannot, is an input, or is there and `overwrite` is not set.
    """
    check_result_folder(folder, names)
    for name in names:
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            check_file(path, (), overwrite, inputs)


def inputs_of(job: Job) -> Sequence[Any]:
    """The files that a job reads."""
    model = job.opened.model
    return [job.image_path, *job.files.values(), model.weights, model.deploy]


def check_picture(out: Any, size: Size, recipe: str, pictures_in_all: int = 1) -> None:
    """Ask whether pictures of this (height, width), with such a recipe, can be encoded and stored.

    Raises:
        OutputError: they cannot.
    """
    check_saving(out, size, recipe)
    height, width = size
    # noise, which a dream nearly is, takes about three bytes a pixel as PNG and one as JPEG
    bytes_of_one = height * width * (3 if Path(out).suffix.lower() == ".png" else 1)
    what = "the picture" if pictures_in_all == 1 else f"{pictures_in_all} pictures"
    check_space(Path(out).parent, bytes_of_one * pictures_in_all, what)


def save(out: Any, picture: np.ndarray, recipe: str, overwrite: bool) -> None:
    """Write a finished picture; where that fails after all, write it elsewhere and say so.

    Raises:
        OutputError: it was not written to `out`; with where it is now.
    """
    try:
        pictures.save(out, picture, recipe, overwrite)
    except OutputError as e:
        kept = _kept(Path(out), picture, recipe)
        raise OutputError(f"{e}; {kept}") from None


def _kept(out: Path, picture: np.ndarray, recipe: str = "") -> str:
    """Save a picture beside `out`, or wherever else it can be; returns what to say of it."""
    for path in _free_names(out):
        try:
            pictures.save(path, picture, recipe, replace=False)
        except OutputError:
            continue
        return f"the picture is {path}"
    return "nor could it be kept elsewhere"


def _free_names(out: Path) -> Iterator[Path]:
    """Names beside `out`, in the working folder and in the system's folder for temporary files."""
    suffix = out.suffix if out.suffix.lower() in pictures.FORMATS else ".png"
    stem = out.stem[:100]
    for folder in (out.parent, Path.cwd(), Path(tempfile.gettempdir())):
        names = (f"{stem}-{number}{suffix}" for number in range(2, 1000))
        free = (folder / name for name in names if not os.path.lexists(str(folder / name)))
        yield from (path for path, _ in zip(free, range(3)))


def keep_last_good(out: Any, error: NotFiniteError) -> None:
    """Write the picture that an error carries beside `out`, and say so in the error."""
    if error.picture is None:
        return
    path = Path(out).with_name(f"{Path(out).stem}-last-good{Path(out).suffix}")
    try:
        pictures.save(path, error.picture, replace=False)
        said = f"the last good picture is {path}"
    except OutputError:
        said = _kept(path, error.picture).replace("the picture", "the last good picture", 1)
    error.args = (f"{error}; {said}",)
