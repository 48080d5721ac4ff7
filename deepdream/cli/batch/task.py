"""One picture in, one out, as a command line names them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Task:
    """One picture.

    path: its file. called: what a recipe calls it, where that is not its path. out: the file to
    write, or, with a `stream` to write to, what is written if that fails. made: a folder that is
    made when it is first needed, or "". replaces: whether its file is one that was stopped before.
    """

    path: str
    called: str
    out: str
    seed: int
    stream: Any = None
    made: str = ""
    replaces: bool = False

    @property
    def name(self) -> str:
        """The picture, for a person."""
        return "the standard input" if self.called else self.path
