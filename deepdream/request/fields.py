"""Kinds of fields, and JSON read by them. What is read comes from anywhere: everything has bounds,
and an error names the field, its value and what is allowed.
"""

import json
import math
import re
from dataclasses import dataclass
from reprlib import Repr
from typing import Any, Dict, List, Sequence, Tuple

from ..errors import RecipeError

REQUIRED: Any = object()  # the default of a field that has none
MOST_BYTES = 1 << 20
_MOST_DIGITS = 400  # no JSON number of ours has as many
# what moves a terminal's cursor, turns its text round, or cannot be written to it at all
_UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_repr = Repr()
_repr.maxlevel, _repr.maxstring, _repr.maxother, _repr.maxlong = 2, 80, 80, 40


def shown(value: Any) -> str:
    """A value for a person: short, in one line, without control characters."""
    return _UNSHOWABLE.sub("?", _repr.repr(value))


def showable(text: str) -> str:
    """The text with a ? for every character that would not merely be shown."""
    return _UNSHOWABLE.sub("?", text)


class Field:
    """Something that a recipe holds. `default` stands where it is missing; REQUIRED for none."""

    default: Any

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        raise NotImplementedError

    def read(self, value: Any, name: str) -> Any:
        """The value, checked. Raises RecipeError, which calls it `name`."""
        raise NotImplementedError

    def refused(self, value: Any, name: str) -> RecipeError:
        return RecipeError(f"{name} is {shown(value)}, not {self.allowed}")


@dataclass(frozen=True)
class Whole(Field):
    low: int
    high: int
    default: Any = REQUIRED

    @property
    def allowed(self) -> str:
        if self.low == self.high:
            return str(self.low)
        return f"a whole number from {self.low} to {self.high}"

    def read(self, value: Any, name: str) -> Any:
        if type(value) is not int or not self.low <= value <= self.high:
            raise self.refused(value, name)
        return value


@dataclass(frozen=True)
class Number(Field):
    """A number between two bounds. `over`: the lower one is not allowed itself."""

    low: float
    high: float
    default: Any = REQUIRED
    over: bool = False

    @property
    def allowed(self) -> str:
        if self.over:
            return f"a number over {self.low:g} and at most {self.high:g}"
        return f"a number from {self.low:g} to {self.high:g}"

    def read(self, value: Any, name: str) -> Any:
        inside = type(value) in (int, float) and self.low <= value <= self.high
        if not inside or (self.over and value == self.low):
            raise self.refused(value, name)
        return value


@dataclass(frozen=True)
class Text(Field):
    """A text of `least` to `most` characters, all of which can be shown. `lines`: there may be
    several. `form`: a regular expression for all of it, which `words` say."""

    most: int
    default: Any = REQUIRED
    least: int = 1
    lines: bool = False
    form: str = ""
    words: str = ""

    @property
    def allowed(self) -> str:
        count = f"{self.least} to {self.most}" if self.least else f"at most {self.most}"
        return self.words or f"a text of {count} characters without control characters"

    def read(self, value: Any, name: str) -> Any:
        if type(value) is not str or not self.least <= len(value):
            raise self.refused(value, name)
        if len(value) > self.most:
            raise RecipeError(f"{name} is of {len(value)} characters, not {self.allowed}")
        kept = re.sub(r"[\t\n\r]", " ", value) if self.lines else value
        if showable(kept) != kept or (self.form and not re.fullmatch(self.form, value)):
            raise self.refused(value, name)
        return value


@dataclass(frozen=True)
class Choice(Field):
    options: Tuple[Any, ...]
    default: Any = REQUIRED

    @property
    def allowed(self) -> str:
        return " or ".join(json.dumps(option) for option in self.options)

    def read(self, value: Any, name: str) -> Any:
        if not any(type(value) is type(option) and value == option for option in self.options):
            raise self.refused(value, name)
        return value


@dataclass(frozen=True)
class Either(Field):
    """What the first or the second of two kinds allows."""

    first: Field
    second: Field
    default: Any = REQUIRED

    @property
    def allowed(self) -> str:
        return f"{self.first.allowed}, or {self.second.allowed}"

    def read(self, value: Any, name: str) -> Any:
        try:
            return self.first.read(value, name)
        except RecipeError:
            pass
        try:
            return self.second.read(value, name)
        except RecipeError:
            raise self.refused(value, name) from None


@dataclass(frozen=True)
class Many(Field):
    """A list of `least` to `most` items of one kind."""

    item: Field
    least: int
    most: int
    default: Any = REQUIRED

    @property
    def allowed(self) -> str:
        count = self.most if self.least == self.most else f"{self.least} to {self.most}"
        return f"a list of {count}"

    def read(self, value: Any, name: str) -> List[Any]:
        if type(value) is not list or not self.least <= len(value) <= self.most:
            raise self.refused(value, name)
        return [self.item.read(item, f"{name}[{i}]") for i, item in enumerate(value)]


@dataclass(frozen=True)
class Mapping(Field):
    """At most `most` items of one kind, under names of any kind that `key` allows."""

    key: Field
    item: Field
    most: int
    default: Any = REQUIRED

    @property
    def allowed(self) -> str:
        return f"an object of at most {self.most} names"

    def read(self, value: Any, name: str) -> Dict[str, Any]:
        if type(value) is not dict or len(value) > self.most:
            raise self.refused(value, name)
        return {
            self.key.read(key, f"a name in {name}"): self.item.read(item, f"{name}[{shown(key)}]")
            for key, item in value.items()
        }


@dataclass(frozen=True)
class Table(Field):
    """Named fields. null is as good as nothing for one whose default is None."""

    fields: Dict[str, Field]
    default: Any = REQUIRED

    @property
    def allowed(self) -> str:
        return f"an object of {', '.join(self.fields)}"

    def read(self, value: Any, name: str = "") -> Any:
        if type(value) is not dict:
            raise self.refused(value, name or "it")
        for key in value:
            if key not in self.fields:
                raise RecipeError(
                    f"{_below(name, shown(key))} is unknown; known are {', '.join(self.fields)}"
                )
        out = {}
        for key, field in self.fields.items():
            if key in value and not (value[key] is None is field.default):
                out[key] = field.read(value[key], _below(name, key))
            elif field.default is REQUIRED:
                raise RecipeError(f"{_below(name, key)} is missing: {field.allowed}")
            else:
                out[key] = field.default
        return out


def _below(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def parse(text: str) -> Any:
    """A JSON text as a value.

    Raises:
        RecipeError: it is too long or nested too deep, it is no JSON, an object has a name twice,
            or a number is not finite.
    """
    if len(text) > MOST_BYTES:
        raise RecipeError(f"it has {len(text)} characters, over {MOST_BYTES}")
    try:
        return json.loads(
            text,
            parse_int=lambda digits: _number(digits, int),
            parse_float=lambda digits: _number(digits, float),
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise RecipeError("it is nested too deep") from None
    except ValueError as e:
        raise RecipeError(f"it is no JSON ({showable(str(e))})") from None


def _number(digits: str, kind: Any) -> Any:
    value = kind(digits) if len(digits) <= _MOST_DIGITS else math.inf
    return value if -math.inf < value < math.inf else _no_number(digits)


def _no_number(digits: str) -> Any:
    raise RecipeError(f"it has the number {shown(digits)}, which no field can hold")


def _object(pairs: Sequence[Tuple[str, Any]]) -> Dict[str, Any]:
    out: Dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise RecipeError(f"it has {shown(key)} twice in one object")
        out[key] = value
    return out
