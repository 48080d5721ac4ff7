"""What a schedule asks of a net: the objectives and the layers of all its frames."""

from dataclasses import replace
from typing import Any, List, Sequence, Tuple

from ..errors import TargetError
from ..films.schedule import Schedule
from ..settings import Dream
from .expression import Expression, spelt_out
from .target import wanted_layers


def check(dream: Dream, schedule: Schedule, guides: int) -> None:
    """Ask whether the schedule suits its dream.

    Raises:
        TargetError: it does not; with why.
    """
    if schedule.end and (dream.objective or schedule.objective):
        raise TargetError(
            "the schedule changes end, and an objective has layers of its own; schedule one of them"
        )
    if guides and schedule.objective:
        raise TargetError(
            'a guide and an objective exclude each other; write guide("layer", "picture.jpg") '
            "in the objectives of the schedule"
        )
    for frame, weights in schedule.guide_weights:
        if len(weights) != guides:
            raise TargetError(
                f"the schedule's guide_weights have {len(weights)} numbers at frame {frame}, for "
                f"{guides} guides"
            )


def expression_of(dream: Dream) -> Any:
    """The dream's objective, or None. Raises TargetError where it cannot be read."""
    return Expression(dream.objective) if dream.objective else None


def expressions(dream: Dream, schedule: Schedule) -> List[Expression]:
    """The objectives of all frames. Raises TargetError where one cannot be read."""
    texts = dict.fromkeys(d.objective for d in schedule.dreams(dream) if d.objective)
    return [Expression(text) for text in texts]


def spelt(description: Any, dream: Dream, schedule: Schedule) -> Tuple[Dream, Schedule]:
    """Both with the full names of their layers in this net. Raises TargetError."""

    def full(one: Dream) -> Dream:
        end, expression = spelt_out(description, one.end, expression_of(one))
        return replace(one, end=end, objective=expression.text if expression else "")

    def ends(keys: Any) -> Any:
        return tuple((number, full(replace(dream, end=end)).end) for number, end in keys)

    def objectives(keys: Any) -> Any:
        return tuple((n, full(replace(dream, objective=text)).objective) for n, text in keys)

    later = replace(schedule, end=ends(schedule.end), objective=objectives(schedule.objective))
    return full(dream), later


def layers(
    description: Any, dream: Dream, schedule: Schedule, classes: int, scored: Sequence[int]
) -> List[str]:
    """Names of the layers that are wanted of the net, as `wanted_layers` gives them."""
    names: List[str] = []
    for one in schedule.dreams(dream):
        names += wanted_layers(description, expression_of(one), one.end, classes, scored)
    return list(dict.fromkeys(names))
