"""One picture or many in, as many out: where they come from, what the results are called, and what
becomes of the rest where one fails or the user has enough."""

from .inputs import STANDARD
from .options import add_options, add_picture_options, handling_of
from .picture import ready, write
from .task import Task
from .work import run

__all__ = [
    "STANDARD", "Task", "add_options", "add_picture_options", "handling_of", "ready", "run",
    "write",
]  # fmt: skip
