"""Where blocks of memory lie that are needed at different times, so that they share one stretch."""

from bisect import insort
from typing import Any, Dict, Iterable, List, NamedTuple, Tuple

LINE = 16  # values in a line of the cache, where each block begins


class Span(NamedTuple):
    """A block of `size` values that is needed from one time to another, both included."""

    key: Any
    size: int
    first: int
    last: int


def placed(spans: Iterable[Span]) -> Tuple[Dict[Any, int], int]:
    """({key of a block: where it starts}, how many values the stretch has).

    Blocks whose times do not meet may lie in one place. The largest are placed first, each as low
    as it fits.
    """
    there: List[Tuple[int, int, int, Span]] = []  # (start, end, a number, span), in order
    for number, span in enumerate(sorted(spans, key=lambda span: -span.size)):
        size, start = rounded(span.size), 0
        for low, high, _, other in there:
            if other.first <= span.last and span.first <= other.last:
                if low - start >= size:
                    break
                start = max(start, high)
        insort(there, (start, start + size, number, span))
    starts = {span.key: start for start, _, _, span in there}
    return starts, max((end for _, end, _, _ in there), default=0)


def rounded(count: int) -> int:
    """The values that a block of `count` takes up; never none, so that no two start alike."""
    return max(1, -(-count // LINE)) * LINE
