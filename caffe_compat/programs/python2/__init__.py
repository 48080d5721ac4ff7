"""Python 2 in a newer Python: its syntax (`syntax.py`), what that means (`meaning.py`), and its
built-in functions, files and strings (`builtins.py`, `files.py`, `values.py`)."""

import ast
from typing import Any

from .meaning import given_meaning
from .syntax import Lacking, rewritten

__all__ = ["Lacking", "compiled"]


def compiled(source: str, filename: str, mode: str = "exec", flags: int = 0) -> Any:
    """The code of Python 2's source, whose lines are numbered as in the source.

    Args:
        source: text of a program, of a module or, for the modes "eval" and "single", of less.
        filename: the name that tracebacks show.
        mode, flags: as `compile` takes them.

    Raises:
        SyntaxError: it is not Python 2 either.
        Lacking: fissix, which knows the syntax, is not installed.
    """
    text, parameters = rewritten(source, filename)
    tree = ast.parse(text, filename, mode)
    tree = given_meaning(tree, parameters)
    return compile(tree, filename, mode, flags=flags, dont_inherit=True)
