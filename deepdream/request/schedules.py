"""Schedules as JSON: in files that a person writes, and in recipes.

JSON and not YAML or TOML: Python reads TOML only from 3.11 on, a reader of YAML would be one more
package, and the tables that bound a recipe bound this too.
"""

import os
import stat
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional

from netfile.faults.kinds import misplaced

from ..errors import DreamError, ScheduleError
from ..films.schedule import Schedule
from . import fields, schema
from .expression import Expression


def load(path: Any) -> Schedule:
    """The schedule in a file.

    Raises:
        ScheduleError: there is none, or it has what no schedule can have; with what is allowed.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ScheduleError(misplaced(path, "a schedule") or f"{path}: is no file")
        with open(path, "rb") as f:
            data = f.read(fields.MOST_BYTES + 1)
    except (OSError, ValueError) as e:
        why = getattr(e, "strerror", None) or e
        raise ScheduleError(f"{path}: cannot be read: {why}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ScheduleError(f"{path}: is no text in UTF-8, so no schedule") from None
    try:
        read = schema.SCHEDULE.read(fields.parse(text))
        schema.check_schedule(read)
    except DreamError as e:
        raise ScheduleError(f"{path}: is no schedule: {e}") from None
    schedule = of_record(read)
    if not schedule:
        raise ScheduleError(f'{path}: schedules nothing; write such as {{"end": {{"0": "4c"}}}}')
    return schedule


def of_record(read: Optional[Dict[str, Any]]) -> Schedule:
    """What schema.SCHEDULE has read, as a Schedule."""
    if not read:
        return Schedule()
    named: Dict[str, Any] = {}
    for name in ("end", "objective", "step_size", "guide_weights"):
        keys = sorted((int(number), value) for number, value in read[name].items())
        if name == "guide_weights":
            keys = [(number, tuple(map(float, value))) for number, value in keys]
        named[name] = tuple(keys)
    return Schedule(period=read["period"], **named)


def record(schedule: Schedule) -> Dict[str, Any]:
    """A schedule as JSON can hold it: what schema.SCHEDULE reads."""
    told: Dict[str, Any] = {
        name: {str(number): value for number, value in keys}
        for name, keys in schedule.settings().items()
    }
    return {**told, "period": schedule.period} if schedule.period else told


def renamed(schedule: Schedule, names: Mapping[str, str]) -> Schedule:
    """The schedule with other names for its objectives' files."""
    keys = ((n, Expression(text).renamed(dict(names))) for n, text in schedule.objective)
    return replace(schedule, objective=tuple(keys))
