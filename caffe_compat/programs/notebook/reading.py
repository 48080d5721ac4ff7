"""Notebooks from files, formats 3 and 4, as format 4."""

import ast
import warnings
from pathlib import Path
from typing import Any, List, Optional

from netfile.errors import NetError
from netfile.system import places

from ..python2 import syntax


class NotebookError(NetError):
    """A notebook cannot be read, or is not one of Python's."""


class Lacking(NotebookError):
    """A package that notebooks need is not installed."""

    def __init__(self, error: ImportError) -> None:
        super().__init__(
            f"notebooks need IPython and nbformat ({error}); install them with: "
            f"{places.install('notebook')}"
        )


def read(path: Path) -> Any:
    """A notebook as nbformat's format 4.

    Raises:
        NotebookError: it is no notebook, or its kernel is not Python's.
        Lacking: nbformat is not installed.
    """
    try:
        import nbformat
    except ImportError as e:
        raise Lacking(e) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without an id, which `write` gives them
            book = nbformat.read(str(path), as_version=4)
            book.nbformat_minor = max(book.nbformat_minor, 5)
            _, book = nbformat.validator.normalize(book)
    except OSError as e:
        raise NotebookError(f"{path}: {e.strerror or e}") from None
    except Exception as e:  # nbformat fails on other people's JSON in every way
        said = (str(e).splitlines() or [type(e).__name__])[0]
        raise NotebookError(f"{path} is not a notebook of Jupyter or IPython: {said}") from None
    _check_kernel(book, path)
    return book


def _check_kernel(book: Any, path: Path) -> None:
    spec = book.metadata.get("kernelspec") or {}
    info = book.metadata.get("language_info") or {}
    languages = [info.get("name"), spec.get("language")]
    languages += [cell.metadata.get("language") for cell in book.cells]
    language = next((str(name) for name in languages if name), "python")
    if "python" not in language.lower():
        kernel = spec.get("display_name") or spec.get("name") or language
        raise NotebookError(
            f"{path} is for the kernel {kernel} ({language}), and only Python's notebooks run here"
        )


def _declared(book: Any) -> Optional[int]:
    """Python's major version, where the notebook says it."""
    version = str((book.metadata.get("language_info") or {}).get("version") or "")
    name = str((book.metadata.get("kernelspec") or {}).get("name") or "")
    for text in (version[:1], name[len("python") :][:1] if name.startswith("python") else ""):
        if text in ("2", "3"):
            return int(text)
    return None


def sign_of_python2(book: Any, transform: Any, sign: Any) -> str:
    """Why a notebook is Python 2's, or "": it says so, or a cell of its parses as that alone.

    Args:
        book: the notebook.
        transform: makes Python of a cell with magics and shell lines.
        sign: gives the reason why a tree that parses is Python 2's, or "".
    """
    declared = _declared(book)
    if declared is not None:
        return "its kernel is python2" if declared == 2 else ""
    for number, source in enumerate(sources(book), 1):
        text = transform(source)
        try:
            found = sign(ast.parse(text))
            if found:
                return f"cell {number}, {found}"
        except (SyntaxError, ValueError) as e:
            try:
                syntax.rewritten(text, "cell")
            except SyntaxError:
                continue  # of neither; it fails when its turn comes
            except syntax.Lacking:
                pass
            return f"cell {number}, line {getattr(e, 'lineno', '?')}: {getattr(e, 'msg', e)}"
    return ""


def sources(book: Any) -> List[str]:
    """The text of each cell, "" for those that are not code."""
    return [cell.source if cell.cell_type == "code" else "" for cell in book.cells]
