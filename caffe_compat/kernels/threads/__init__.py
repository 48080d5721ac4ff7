"""Work shared among threads, in compiled code alone.

Which thread computes a piece never changes its value, so results do not depend on timing. A job is
a task and what it is given, so many items of work; `run` does one. The jobs of a pass can be kept,
and done again in one call, where nothing but what the memory holds has changed since.
"""

from ..compiled.preparing import prepare
from ..compiled.tasks import Task, given, rarely, take
from ..cores import count
from .arguments import Number, address
from .running import Jobs, Scratch, borrow, by_other_means, give_back, keeping, run

__all__ = [
    "Jobs",
    "Number",
    "Scratch",
    "Task",
    "address",
    "borrow",
    "by_other_means",
    "count",
    "give_back",
    "given",
    "keeping",
    "prepare",
    "rarely",
    "run",
    "take",
]
