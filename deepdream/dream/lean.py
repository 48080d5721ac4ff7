"""Less memory for a net's passes, where the engine can do with less."""

from contextlib import nullcontext
from functools import wraps
from typing import Any, Callable, TypeVar, cast

Run = TypeVar("Run", bound=Callable[..., Any])


def lean(run: Run) -> Run:
    """Decorator: while this function of a net runs, the net holds what its passes need alone.

    What is looked at all the same is right. The built-in engine's nets can do so; those of a real
    Caffe hold everything as ever.
    """

    @wraps(run)
    def within(net: Any, *args: Any, **kwargs: Any) -> Any:
        with getattr(net, "lean", nullcontext)():
            return run(net, *args, **kwargs)

    return cast(Run, within)
