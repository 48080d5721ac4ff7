"""The standard library's names of Python 2.7."""

import collections
import collections.abc
import importlib
import itertools
import os
import string
import sys
import time
import types
from typing import Any, Callable, Dict, List

from ..python2 import files, modules, values
from . import add_lazily, add_missing


def _renamed(to: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(to)


def _of_names(name: str, **names: Any) -> Callable[[], Any]:
    def make() -> Any:
        module = types.ModuleType(name)
        module.__dict__.update({key: value() for key, value in names.items()})
        return module

    return make


def _from(module: str, *names: str) -> Dict[str, Callable[[], Any]]:
    """{name: what gives the module's name}."""
    return {
        name: lambda name=name: getattr(importlib.import_module(module), name)  # type: ignore[misc]
        for name in names
    }


_OPENING = _from("urllib.request", "AbstractBasicAuthHandler", "BaseHandler", "FileHandler",
                 "HTTPBasicAuthHandler", "HTTPCookieProcessor", "HTTPHandler", "HTTPSHandler",
                 "OpenerDirector", "ProxyHandler", "Request", "build_opener", "install_opener",
                 "urlopen")  # fmt: skip
_ERRORS = _from("urllib.error", "HTTPError", "URLError")
_FLAT = {
    **_from("urllib.request", "FancyURLopener", "URLopener", "getproxies", "pathname2url",
            "url2pathname", "urlcleanup", "urlopen", "urlretrieve"),
    **_from("urllib.parse", "quote", "quote_plus", "unquote", "unquote_plus", "urlencode"),
    **_from("urllib.error", "ContentTooShortError"),
}  # fmt: skip


def _commands() -> Any:
    return importlib.import_module("subprocess")


def _string_io() -> Callable[[], Any]:
    return _of_names("StringIO", StringIO=lambda: files.StringIO)


MODULES: Dict[str, Callable[[], Any]] = {
    "BaseHTTPServer": _renamed("http.server"),
    "ConfigParser": lambda: _config_parser(),
    "Cookie": _renamed("http.cookies"),
    "HTMLParser": _renamed("html.parser"),
    "Queue": _renamed("queue"),
    "SimpleHTTPServer": _renamed("http.server"),
    "SocketServer": _renamed("socketserver"),
    "StringIO": _string_io(),
    "Tkinter": _renamed("tkinter"),
    "__builtin__": lambda: _builtin(),
    "cPickle": lambda: modules.module("cPickle"),
    "cStringIO": _string_io(),
    "commands": _commands,
    "cookielib": _renamed("http.cookiejar"),
    "copy_reg": _renamed("copyreg"),
    "exceptions": _renamed("builtins"),
    "htmlentitydefs": _renamed("html.entities"),
    "httplib": _renamed("http.client"),
    "md5": _renamed("hashlib"),
    "sets": _of_names("sets", Set=lambda: set, ImmutableSet=lambda: frozenset),
    "thread": _renamed("_thread"),
    "tkFileDialog": _renamed("tkinter.filedialog"),
    "tkMessageBox": _renamed("tkinter.messagebox"),
    "urllib2": _of_names("urllib2", **_OPENING, **_ERRORS, **_from("urllib.parse", "quote",
                                                                   "unquote")),
    "urlparse": _renamed("urllib.parse"),
}  # fmt: skip


def _config_parser() -> Any:
    module = importlib.import_module("configparser")
    add_missing(module, {"SafeConfigParser": lambda: module.ConfigParser})
    kind = module.RawConfigParser
    if not hasattr(kind, "readfp"):
        kind.readfp = lambda self, fp, filename=None: self.read_file(fp, filename)
    return module


def _builtin() -> Any:
    from ..python2 import builtins

    module = types.ModuleType("__builtin__")
    module.__dict__.update(builtins.NAMES)
    return module


def _names() -> Dict[str, Dict[str, Callable[[], Any]]]:
    """What modules of the standard library lack, by the module's name."""
    letters = {
        "letters": lambda: string.ascii_letters,
        "lowercase": lambda: string.ascii_lowercase,
        "uppercase": lambda: string.ascii_uppercase,
        "maketrans": lambda: str.maketrans,
        "atoi": lambda: int,
        "atof": lambda: float,
        "joinfields": lambda: _join,
        "join": lambda: _join,
    }
    for name in ("capitalize", "count", "find", "ljust", "lower", "lstrip", "replace", "rfind",
                 "rjust", "rstrip", "split", "strip", "upper", "zfill"):  # fmt: skip
        letters[name] = lambda name=name: getattr(str, name)  # type: ignore[misc]
    iterators = {"izip": zip, "imap": map, "ifilter": filter, "izip_longest": itertools.zip_longest,
                 "ifilterfalse": itertools.filterfalse}  # fmt: skip
    found: Dict[str, Dict[str, Callable[[], Any]]] = {
        "string": letters,
        "itertools": {n: lambda v=v: v for n, v in iterators.items()},  # type: ignore[misc]
        "os": {"getcwdu": lambda: os.getcwd, "errno": lambda: importlib.import_module("errno")},
        "sys": {"maxint": lambda: sys.maxsize, "setdefaultencoding": lambda: lambda name: None,
                "exc_clear": lambda: lambda: None},
        "time": {"clock": lambda: time.process_time},
        "collections": {n: lambda n=n: getattr(collections.abc, n)  # type: ignore[misc]
                        for n in collections.abc.__all__},
        "operator": {"div": lambda: values.div, "isCallable": lambda: callable,
                     "isSequenceType": lambda: lambda v: isinstance(v, collections.abc.Sequence),
                     "isMappingType": lambda: lambda v: isinstance(v, collections.abc.Mapping)},
        "types": _types(),
        "urllib": _FLAT,
        "inspect": {"getargspec": lambda: _getargspec},
        "fractions": {"gcd": lambda: importlib.import_module("math").gcd},
        "platform": {"linux_distribution": lambda: lambda *a, **k: ("", "", "")},
    }  # fmt: skip
    return found


def _join(words: List[str], sep: str = " ") -> str:
    return sep.join(words)


def _types() -> Dict[str, Callable[[], Any]]:
    kinds = {"StringType": str, "UnicodeType": str, "StringTypes": (str,), "IntType": int,
             "LongType": int, "FloatType": float, "BooleanType": bool, "ListType": list,
             "TupleType": tuple, "DictType": dict, "DictionaryType": dict, "NoneType": type(None),
             "FileType": files.file, "ClassType": type, "InstanceType": object, "TypeType": type,
             "ObjectType": object, "SliceType": slice, "ComplexType": complex}  # fmt: skip
    return {name: lambda kind=kind: kind for name, kind in kinds.items()}  # type: ignore[misc]


_ArgSpec = collections.namedtuple("_ArgSpec", "args varargs keywords defaults")


def _getargspec(function: Any) -> Any:
    """inspect.getargspec: (args, varargs, keywords, defaults)."""
    import inspect

    spec = inspect.getfullargspec(function)
    return _ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


def apply(module: Any = None) -> None:
    """Add them to those modules: at once where they are loaded, else when they are."""
    from . import LIBRARIES

    if module is not None:
        add_lazily(module, _names()[module.__name__])
        return
    for name, names in _names().items():
        if name in sys.modules:
            add_lazily(sys.modules[name], names)
        else:
            LIBRARIES[name] = __name__.rpartition(".")[2]
