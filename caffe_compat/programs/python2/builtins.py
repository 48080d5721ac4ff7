"""Python 2's built-in names, which translated modules have in place of today's."""

import builtins
import decimal
import functools
import importlib
import importlib.util
import math
import sys
from typing import Any, Dict, Iterable, List

from . import attributes, files, modules, orders, strings, values


def _print(*args: Any, **options: Any) -> None:
    """The print statement; end=" " is its comma, which leaves a space to the next one."""
    stream = options.pop("file", None) or sys.stdout
    if options and options != {"end": " "}:  # the function, in a source that has both
        _print_function(*args, file=stream, **options)
        return
    space = bool(getattr(stream, "softspace", 0))
    text = ""
    for value in args:
        said = str(strings.text_of(value))
        text += " " + said if space else said
        space = not (isinstance(value, str) and said[-1:].isspace() and said[-1:] != " ")
    stream.write(text if options else text + "\n")
    _softspace(stream, space and bool(options))


def _print_function(*args: Any, **options: Any) -> None:
    """print(), where the source asks for it."""
    builtins.print(*map(strings.text_of, args), **options)


def _softspace(stream: Any, on: bool) -> None:
    try:
        stream.softspace = int(on)
    except AttributeError:  # a stream of somebody's own, without room for it
        if on:
            stream.write(" ")


def _round(number: Any, digits: int = 0) -> float:
    """Halves go away from zero, and the result is a float."""
    value = float(number)
    if math.isinf(value) or math.isnan(value):
        return value
    exact = decimal.Context(prec=400, rounding=decimal.ROUND_HALF_UP)
    return float(exact.quantize(decimal.Decimal(value), decimal.Decimal(1).scaleb(-digits)))


def _filter(function: Any, iterable: Any) -> Any:
    kept = builtins.filter(function, iterable)
    if isinstance(iterable, str):
        return "".join(kept)
    return tuple(kept) if isinstance(iterable, tuple) else list(kept)


def _sorted(
    iterable: Iterable[Any], cmp: Any = None, key: Any = None, reverse: bool = False
) -> Any:
    return builtins.sorted(iterable, key=orders.sorting_key(cmp, key), reverse=reverse)


class _AnyText(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, (str, bytes))


class basestring(metaclass=_AnyText):
    """What isinstance() finds text by."""


class _Unicode(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, str)

    def __call__(cls, value: Any = "", encoding: str = "utf-8", errors: str = "strict") -> str:
        if isinstance(value, (bytes, bytearray)):
            return bytes(value).decode(encoding, errors)
        if hasattr(type(value), "__unicode__"):
            return str(value.__unicode__())
        return str(strings.text_of(value))

    def __eq__(cls, other: Any) -> bool:
        return other is str or other is cls

    def __hash__(cls) -> int:
        return hash(str)


class unicode(str, metaclass=_Unicode):
    """The type of text, which is str's."""


def _reload(module: Any) -> Any:
    return module if module is sys else importlib.reload(module)


def _execfile(path: Any, globals: Any = None, locals: Any = None) -> None:
    frame = sys._getframe(1)
    with open(path, "rb") as f:
        source = source_text(f.read())
    space = frame.f_globals if globals is None else globals
    _exec(source, space, frame.f_locals if globals is None else locals, str(path))


def source_text(data: bytes) -> str:
    """A source file's text: in the encoding that it declares, else UTF-8, else Latin-1."""
    import io
    import tokenize

    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:  # an encoding that there is not, or none declared and no UTF-8
        encoding = "latin-1"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _code(source: Any, filename: str, mode: str) -> Any:
    from . import compiled

    if not isinstance(source, (str, bytes)):
        return source
    text = source_text(source) if isinstance(source, bytes) else source
    return compiled(text.lstrip(" \t") if mode == "eval" else text, filename, mode)


def _spaces(globals: Any, locals: Any, depth: int) -> Any:
    frame = sys._getframe(depth + 1)
    if globals is None:
        globals, locals = frame.f_globals, frame.f_locals if locals is None else locals
    globals.setdefault("__builtins__", NAMES)
    return globals, globals if locals is None else locals


def _exec(source: Any, globals: Any = None, locals: Any = None, filename: str = "<string>") -> None:
    globals, locals = _spaces(globals, locals, 1)
    builtins.exec(_code(source, filename, "exec"), globals, locals)


def _eval(source: Any, globals: Any = None, locals: Any = None) -> Any:
    globals, locals = _spaces(globals, locals, 1)
    return builtins.eval(_code(source, "<string>", "eval"), globals, locals)


def _compile(
    source: Any, filename: Any, mode: str, flags: int = 0, dont_inherit: int = 0, **options: Any
) -> Any:
    if not isinstance(source, (str, bytes)) or flags:
        real: Any = builtins.compile
        return real(source, filename, mode, flags, dont_inherit, **options)
    return _code(source, filename, mode)


def _input(prompt: Any = "") -> Any:
    frame = sys._getframe(1)
    return _eval(builtins.input(prompt), frame.f_globals, frame.f_locals)


def _import(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> Any:
    """import: a module beside the importing one, in its package, comes first."""
    package = (globals or {}).get("__package__")
    if level == 0 and package and "absolute_import" not in (globals or {}):
        try:
            if importlib.util.find_spec(f"{package}.{name.partition('.')[0]}") is not None:
                level = 1
        except (ImportError, AttributeError, ValueError):
            pass
    module = builtins.__import__(name, globals, locals, fromlist or (), level)
    if level:
        return module
    if name.partition(".")[0] == "multiprocessing":
        modules.fork_as_then()
    return modules.module(name if fromlist else name.partition(".")[0]) or module


def _zip(*iterables: Iterable[Any]) -> List[Any]:
    return list(builtins.zip(*iterables))


def _ord(character: Any) -> int:
    return character if isinstance(character, int) else builtins.ord(character)


def _range(*args: Any) -> List[int]:
    return list(builtins.range(*args))


def _apply(function: Any, args: Any = (), keywords: Any = None) -> Any:
    return function(*args, **(keywords or {}))


def _coerce(a: Any, b: Any) -> Any:
    kind = type(a + b)
    return kind(a), kind(b)


HELPERS: Dict[str, Any] = {
    "__py2_add__": strings.add,
    "__py2_attribute__": attributes.attribute,
    "__py2_class__": attributes.class_,
    "__py2_converted__": values.converted,
    "__py2_div__": values.div,
    "__py2_eq__": strings.eq,
    "__py2_gt__": orders.gt,
    "__py2_gte__": orders.gte,
    "__py2_iadd__": strings.iadd,
    "__py2_idiv__": values.idiv,
    "__py2_idiv_attribute__": values.idiv_attribute,
    "__py2_idiv_item__": values.idiv_item,
    "__py2_in__": strings.within,
    "__py2_list__": values.listed,
    "__py2_lt__": orders.lt,
    "__py2_lte__": orders.lte,
    "__py2_mod__": strings.mod,
    "__py2_ne__": strings.ne,
    "__py2_not_in__": strings.without,
    "__py2_print__": _print,
    "__py2_slice__": slice,
    "__py2_sort__": orders.sort,
}
OWN: Dict[str, Any] = {
    "StandardError": Exception,
    "__import__": _import,
    "apply": _apply,
    "basestring": basestring,
    "buffer": memoryview,
    "cmp": orders.cmp,
    "coerce": _coerce,
    "compile": _compile,
    "eval": _eval,
    "exec": _exec,
    "execfile": _execfile,
    "file": files.file,
    "filter": _filter,
    "input": _input,
    "intern": sys.intern,
    "long": int,
    "map": values.padded,
    "max": orders.extreme(max),
    "min": orders.extreme(min),
    "open": files.open_file,
    "oct": lambda number: oct(number).replace("o", "", 1) if number else "0",
    "ord": _ord,
    "print": _print_function,
    "range": _range,
    "raw_input": input,
    "reduce": functools.reduce,
    "reload": _reload,
    "round": _round,
    "sorted": _sorted,
    "unichr": chr,
    "unicode": unicode,
    "xrange": range,
    "zip": _zip,
}
NAMES: Dict[str, Any] = {**vars(builtins), **OWN, **HELPERS}
