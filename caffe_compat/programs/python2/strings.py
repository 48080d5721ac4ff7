"""Python 2's str, which is text here where it can be and bytes elsewhere: both, side by side."""

import codecs
import operator
from typing import Any, Callable, Dict


def native(data: bytes) -> Any:
    """Python 2's str of these bytes: text where they are UTF-8, else as they are."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def as_bytes(data: Any) -> Any:
    """Text as bytes, in UTF-8; arrays and the like as they are."""
    return data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data


def _mixed(a: Any, b: Any) -> bool:
    kinds = (str, bytes)
    return (
        isinstance(a, kinds) and isinstance(b, kinds) and isinstance(a, str) != isinstance(b, str)
    )


def eq(a: Any, b: Any) -> Any:
    """a == b; text equals the bytes that it would be."""
    equal = a == b
    return as_bytes(a) == as_bytes(b) if equal is False and _mixed(a, b) else equal


def ne(a: Any, b: Any) -> Any:
    """a != b"""
    unequal = a != b
    return as_bytes(a) != as_bytes(b) if unequal is True and _mixed(a, b) else unequal


def within(a: Any, b: Any) -> bool:
    """a in b"""
    return as_bytes(a) in as_bytes(b) if _mixed(a, b) else a in b


def without(a: Any, b: Any) -> bool:
    """a not in b"""
    return not within(a, b)


def add(a: Any, b: Any) -> Any:
    """a + b"""
    return as_bytes(a) + as_bytes(b) if _mixed(a, b) else a + b


def iadd(a: Any, b: Any) -> Any:
    """a += b"""
    return as_bytes(a) + as_bytes(b) if _mixed(a, b) else operator.iadd(a, b)


class _Printed(float):
    """A float that %s and {} show as Python 2 does."""

    def __str__(self) -> str:
        return str(text_of(float(self)))

    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if spec else str(self)


def text_of(value: Any) -> Any:
    """str(value): floats with 12 digits, bytes as what they say where that is text."""
    if isinstance(value, float) and type(value).__str__ is float.__str__:
        text = f"{value:.12g}"
        return text if set(text) & set(".en") else text + ".0"
    if isinstance(value, (bytes, bytearray)):
        return native(bytes(value))
    if type(value) in (set, frozenset):
        return f"{type(value).__name__}({list(value) if value else ''})"
    return str(value)


def shown(value: Any) -> Any:
    """What a format is filled with."""
    if isinstance(value, float) and type(value).__str__ is float.__str__:
        return _Printed(value)
    return native(value) if isinstance(value, bytes) else value


def mod(a: Any, b: Any) -> Any:
    """a % b; what a format is filled with is shown as Python 2 does."""
    if not isinstance(a, str):
        return a % b
    if type(b) is tuple:
        return a % tuple(shown(value) for value in b)
    return a % (b if isinstance(b, dict) else shown(b))


def _encode(text: str) -> Callable[..., Any]:
    def encode(encoding: str = "ascii", errors: str = "strict") -> Any:
        if not codecs.lookup(encoding)._is_text_encoding:
            data: Any = text if encoding in ("rot13", "rot_13") else text.encode("latin-1")
            made: Any = codecs.encode(data, encoding)
            return native(made) if isinstance(made, bytes) else made
        return native(text.encode(encoding, errors))

    return encode


def _decode(text: str) -> Callable[..., Any]:
    def decode(encoding: str = "ascii", errors: str = "strict") -> Any:
        if encoding in ("string_escape", "string-escape", "unicode_escape"):
            return codecs.decode(text, "unicode_escape")
        if not codecs.lookup(encoding)._is_text_encoding:
            made = codecs.decode(text.encode("latin-1"), encoding)
            return native(made) if isinstance(made, bytes) else made
        return text  # it is text already

    return decode


def _translate(text: str) -> Callable[..., str]:
    def translate(table: Any, deletechars: str = "") -> str:
        kept = text.translate({ord(c): None for c in deletechars})
        return kept if table is None else kept.translate(table)

    return translate


def _format(text: str) -> Callable[..., str]:
    def filled(*args: Any, **options: Any) -> str:
        return text.format(*map(shown, args), **{k: shown(v) for k, v in options.items()})

    return filled


def _join(text: str) -> Callable[[Any], Any]:
    def join(parts: Any) -> Any:
        parts = list(parts)
        if any(isinstance(part, bytes) for part in parts):
            return as_bytes(text).join(map(as_bytes, parts))
        return text.join(parts)

    return join


def _hex_of(data: bytes) -> Callable[..., Any]:
    def encode(encoding: str = "ascii", errors: str = "strict") -> Any:
        if codecs.lookup(encoding)._is_text_encoding:
            return data
        made: Any = codecs.encode(data, encoding)  # type: ignore[call-overload]
        return native(made)

    return encode


OF_TEXT: Dict[str, Callable[[str], Any]] = {
    "decode": _decode,
    "encode": _encode,
    "format": _format,
    "join": _join,
    "translate": _translate,
}
_TAKE_BYTES = {"count", "endswith", "find", "index", "join", "lstrip", "partition", "replace",
               "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "startswith",
               "strip"}  # fmt: skip
METHODS = {*OF_TEXT, *_TAKE_BYTES}


def method(owner: Any, name: str) -> Any:
    """A method of text or bytes as Python 2's str has it."""
    if isinstance(owner, str):
        return OF_TEXT[name](owner) if name in OF_TEXT else getattr(owner, name)
    if name == "encode":
        return _hex_of(owner)
    function = getattr(owner, name)
    if name not in _TAKE_BYTES:
        return function
    return lambda *args: function(*(_each_as_bytes(arg) for arg in args))


def _each_as_bytes(arg: Any) -> Any:
    if isinstance(arg, (tuple, list)):
        return type(arg)(map(as_bytes, arg))
    return as_bytes(arg)


def read_as(data: Any, is_text: bool) -> Any:
    """What a file gives: text, in which what is not UTF-8 is escaped, or bytes."""
    return data.decode("utf-8", "surrogateescape") if is_text else data
