"""Where results go: what can go wrong is asked before the work, and what was made is kept."""

import os
import tempfile
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

import numpy as np

from .. import pictures
from ..errors import OutputError, UnfinishedError
from ..pictures.files import LOSSY, check_saving, kind_of
from ..pictures.output import check_file, check_folder, check_new_folder, check_space
from ..request.job import Job
from ..studies import page

Size = Tuple[int, int]


def scratch_of(out: str) -> str:
    """The folder for what a picture keeps in files while it is made: TMPDIR's, if it is set, or the
    one where its result `out` goes."""
    folder = os.environ.get("TMPDIR", "")
    if not os.path.isdir(folder):
        folder = os.path.abspath(out)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


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
    return [job.image_path, *(source.path for source in job.sources), model.weights, model.deploy]


def check_picture(
    out: Any,
    size: Size,
    recipe: str,
    pictures_in_all: int = 1,
    tags: Optional[Dict[int, Any]] = None,
) -> None:
    """Ask whether pictures of this (height, width), with such a recipe and such EXIF tags, can be
    encoded and stored.

    Raises:
        OutputError: they cannot.
    """
    check_saving(out, size, recipe, tags)
    height, width = size
    # noise, which a dream nearly is, takes about three bytes a pixel as PNG and one as JPEG
    bytes_of_one = height * width * (1 if kind_of(out) in LOSSY else 3)
    what = "the picture" if pictures_in_all == 1 else f"{pictures_in_all} pictures"
    check_space(Path(out).parent, bytes_of_one * pictures_in_all, what)


def save(
    out: Any,
    picture: np.ndarray,
    recipe: str,
    overwrite: bool,
    tags: Optional[Dict[int, Any]] = None,
) -> None:
    """Write a finished picture; where that fails after all, write it elsewhere and say so.

    tags: of its photograph, to be kept.

    Raises:
        OutputError: it was not written to `out`; with where it is now.
    """

    def write(path: Any, replace: bool) -> None:
        pictures.save(path, picture, recipe, replace, tags)

    _write_somewhere(out, write, overwrite, "the picture")


def send(
    stream: Any, out: Any, picture: np.ndarray, recipe: str, tags: Optional[Dict[int, Any]] = None
) -> None:
    """Write a finished picture to a stream of bytes; where that fails, write it to a file of the
    name `out`, or another one if that is taken, and say so.

    Raises:
        OutputError: the stream cannot be written; with where the picture is now.
        BrokenPipeError: whoever read it has stopped, and wants no more.
    """
    try:
        stream.write(pictures.encoded(out, picture, recipe, tags))
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as e:

        def write(path: Any, replace: bool) -> None:
            pictures.save(path, picture, recipe, replace, tags)

        why = f"the standard output cannot be written: {e.strerror or e}"
        raise OutputError(f"{why}; {_kept(Path(out), write, 'the picture')}") from None


def save_page(out: str, text: str, overwrite: bool) -> None:
    """Write a finished page, likewise."""

    def write(path: Any, replace: bool) -> None:
        page.write(path, text, replace)

    _write_somewhere(out, write, overwrite, "the page")


def _write_somewhere(
    out: Any, write: Callable[[Any, bool], None], overwrite: bool, what: str
) -> None:
    try:
        write(out, overwrite)
    except OutputError as e:
        raise OutputError(f"{e}; {_kept(Path(out), write, what)}") from None


def _kept(out: Path, write: Callable[[Any, bool], None], what: str) -> str:
    """Write something beside `out`, or wherever else it can be; returns what to say of it."""
    for path in _free_names(out):
        try:
            write(path, False)
        except OutputError:
            continue
        return f"{what} is {path}"
    return f"{what} could not be kept elsewhere"


def _free_names(out: Path) -> Iterator[Path]:
    """Names beside `out`, in the working folder and in the system's folder for temporary files."""
    yield from _free_in(out.parent, out)
    yield from _free_in(Path("."), out)
    with suppress(OSError):  # where no folder for temporary files can be written to
        yield from _free_in(Path(tempfile.gettempdir()), out)


def _free_in(folder: Path, out: Path) -> Iterator[Path]:
    stem = os.fsdecode(os.fsencode(out.stem)[:200])  # of the 255 bytes that a name can have
    names = (f"{stem}-{number}{out.suffix}" for number in range(2, 1000))
    free = (folder / name for name in names if not os.path.lexists(str(folder / name)))
    yield from islice(free, 3)


def keep_last_good(out: Any, error: UnfinishedError) -> None:
    """Write the picture that an error carries beside `out`, and say so in the error."""
    if error.picture is None:
        return
    picture, named = error.picture, Path(out)
    path = named.with_name(f"{named.stem}-last-good{named.suffix}")

    def write(path: Any, replace: bool) -> None:
        pictures.save(path, picture, "", replace)

    try:
        _write_somewhere(path, write, False, "the last good picture")
        error.args = (f"{error}; the last good picture is {path}",)
    except OutputError as e:
        error.args = (f"{error}; {e}",)
