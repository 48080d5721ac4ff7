"""One picture or many in, as many out: where they come from, what the results are called, and what
becomes of the rest where one fails or the user has enough."""

from .options import add_options, handling_of
from .work import Task, run

__all__ = ["Task", "add_options", "handling_of", "run"]
