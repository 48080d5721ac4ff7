"""Sources of a program that are changed in memory: those of Python 2, and calls of `int(array)`.

A hook in sys.path_hooks gets to see the program and the modules in folders of its own before Python
reads them. Installed packages and the standard library are left alone.
"""

import ast
import atexit
import builtins
import importlib.abc
import importlib.machinery
import os
import signal
import sys
from contextlib import suppress
from functools import lru_cache
from types import CodeType, TracebackType
from typing import Any, List, NamedTuple, Optional, Tuple

from . import python2, settings, signs
from .python2 import builtins as names

_HERE = os.path.dirname(os.path.abspath(__file__))
_OURS = os.path.dirname(os.path.dirname(_HERE))
_STANDARD = os.path.dirname(os.path.realpath(os.__file__)) + os.sep
_OUR_PACKAGES = ("caffe_compat", "deepdream", "net_surgery", "netfile")
_NUMBER, _ATTRIBUTE = "__caffe_compat_number__", "__caffe_compat_attribute__"


class Changed(NamedTuple):
    """The code of a source that was changed, and whether that is Python 2."""

    code: CodeType
    is_python2: bool


class Translation:
    """What of the sources is translated, and what is said of it."""

    def __init__(self, wanted: settings.Settings) -> None:
        self.wanted = wanted

    def code(self, source: str, filename: str, is_main: bool = False) -> Optional[Changed]:
        """The code of a source that must be changed, or None for one that Python reads as it is."""
        changed = self._code(source, filename, is_main)
        if changed is not None and sys.excepthook is sys.__excepthook__:
            sys.excepthook = _shown
        return changed

    def _code(self, source: str, filename: str, is_main: bool) -> Optional[Changed]:
        try:
            tree = ast.parse(source, filename)
            reason = signs.sign_of_python2(tree)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as e:
            tree, reason = None, getattr(e, "msg", None) or str(e)
            line = getattr(e, "lineno", None)
            reason = f"line {line}: {reason}" if line else reason
        forced = self.wanted.python2 or self.wanted.is_python2
        if reason or forced and not (tree and signs.is_newer(tree)):
            code = self._python2(source, filename, reason, tree is None)
            if code is not None:
                if is_main:
                    self._change(is_python2=True)
                return Changed(code, True)
        code = self._old_numbers(tree, filename) if tree and self.wanted.shims else None
        return code and Changed(code, False)

    def _python2(self, source: str, filename: str, reason: str, must: bool) -> Optional[CodeType]:
        try:
            code: CodeType = python2.compiled(source, filename)
        except SyntaxError:
            return None  # Python says what is wrong with it
        except python2.Lacking as e:
            if must or self.wanted.python2:
                print(f"caffe_compat: {filename} is Python 2 ({reason}): {e}", file=sys.stderr)
            return None
        self._found(filename, reason)
        return code

    def _found(self, filename: str, reason: str) -> None:
        """A source is Python 2; said once, unless it was to be expected."""
        if reason and not self.wanted.said:
            _say(filename, reason)
            self._change(said=True)
        _as_python2(self.wanted.shims)

    def take_for_python2(self, filename: str, reason: str) -> None:
        """The program is Python 2, and so are the modules beside it."""
        self._found(filename, reason)
        self._change(is_python2=True)

    def _change(self, **changed: Any) -> None:
        self.wanted = self.wanted._replace(**changed)
        settings.give(self.wanted)

    @staticmethod
    def _old_numbers(tree: Any, filename: str) -> Optional[CodeType]:
        tree = Numbers.changed(tree)
        return tree and compile(tree, filename, "exec", dont_inherit=True)


def _say(filename: str, reason: str) -> None:
    print(
        f"caffe_compat: {os.path.basename(filename)} is Python 2 ({reason}) "
        "and runs translated; its file is not changed",
        file=sys.stderr,
        flush=True,
    )


class Numbers(ast.NodeTransformer):
    """int(array) and float(array) of one element, and array.tostring(), as NumPy had them."""

    any = False

    @classmethod
    def changed(cls, tree: Any) -> Any:
        """The tree with calls of what answers them, or None where it has none of these."""
        numbers = cls()
        tree = numbers.visit(tree)
        if not numbers.any:
            return None
        setattr(builtins, _NUMBER, names.values.number)
        setattr(builtins, _ATTRIBUTE, names.attributes.attribute)
        return ast.fix_missing_locations(tree)

    def visit_Call(self, node: Any) -> Any:
        self.generic_visit(node)
        of = node.func
        converts = isinstance(of, ast.Name) and of.id in ("int", "float") and not node.keywords
        if not converts or len(node.args) != 1:
            return node
        if isinstance(node.args[0], (ast.Constant, ast.Starred)):
            return node
        self.any = True
        helper = ast.copy_location(ast.Name(_NUMBER, ast.Load()), of)
        return ast.copy_location(ast.Call(helper, [of, *node.args], []), node)

    def visit_Attribute(self, node: Any) -> Any:
        self.generic_visit(node)
        if node.attr == "tostring" and isinstance(node.ctx, ast.Load):
            self.any = True
            helper = ast.copy_location(ast.Name(_ATTRIBUTE, ast.Load()), node)
            args = [node.value, ast.copy_location(ast.Constant(node.attr), node)]
            return ast.copy_location(ast.Call(helper, args, []), node)
        return node


@lru_cache(maxsize=None)
def _as_python2(shims: bool) -> None:
    """What changes for all of a process once some of it is Python 2: streams, printed arrays."""
    from .python2 import files

    for name in ("stdout", "stderr"):
        original = getattr(sys, name) is getattr(sys, f"__{name}__")
        setattr(sys, name, files.output(getattr(sys, name)))
        if original:  # which programs put back
            setattr(sys, f"__{name}__", getattr(sys, name))
    atexit.register(_end_line)
    if shims:
        from .shims import LIBRARIES, of_numpy

        LIBRARIES.setdefault("numpy", "of_numpy")
        if "numpy" in sys.modules:
            of_numpy.print_as_then(sys.modules["numpy"])
        else:
            of_numpy.printing_as_then = True


def _end_line() -> None:
    """As Python 2 ends the line that a last `print x,` has left open."""
    if getattr(sys.stdout, "softspace", 0):
        sys.stdout.write("\n")


@lru_cache(maxsize=None)
def _is_own(folder: str) -> bool:
    """Whether what lies in a folder is the program's own, not an installed package."""
    given = os.path.realpath(folder) + os.sep
    if any(given.startswith(os.path.join(_OURS, name) + os.sep) for name in _OUR_PACKAGES):
        return False
    while os.path.isfile(os.path.join(folder, "__init__.py")):  # where the outermost package lies
        folder = os.path.dirname(os.path.abspath(folder))
    real = os.path.realpath(folder) + os.sep
    if "site-packages" in real or "dist-packages" in real or real.startswith(_STANDARD):
        return False
    try:
        return not any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module beside the program, translated where it must be."""

    translation: Translation

    def get_code(self, fullname: str) -> Any:
        """What `python -m` and `python FOLDER` run."""
        changed = self._changed(is_main=True)
        return super().get_code(fullname) if changed is None else _starting(changed)

    def exec_module(self, module: Any) -> None:
        changed = self._changed()
        if changed is None:
            code: Any = super().get_code(module.__name__)
            exec(code, module.__dict__)
        else:
            run(changed, module.__dict__)

    def _changed(self, is_main: bool = False) -> Optional[Changed]:
        with open(self.path, "rb") as f:
            source = names.source_text(f.read())
        return self.translation.code(source, self.path, is_main)


def run(changed: Changed, space: Any) -> None:
    """Run a module's code, with Python 2's names where it is translated from that."""
    if changed.is_python2:
        space["__builtins__"] = names.NAMES
    exec(changed.code, space)


class _Program(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """What Python finds in place of the program's file: the module __main__, translated."""

    def __init__(self, path: str, changed: Changed) -> None:
        self.path, self.changed = path, changed

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "__main__":
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=self.path)

    def get_filename(self, name: str) -> str:
        return self.path

    def get_source(self, name: str) -> str:
        with open(self.path, "rb") as f:
            return names.source_text(f.read())

    def is_package(self, name: str) -> bool:
        return False

    def get_code(self, name: str) -> CodeType:
        return _starting(self.changed, self.path)


_STARTING = "<caffe_compat>"
_to_start: List[Tuple[Changed, str]] = []


def _starting(changed: Changed, path: str = "") -> CodeType:
    """Code that has `start` run what was changed, in its own globals."""
    _to_start.append((changed, path))
    starting = "__import__('caffe_compat.programs.sources', fromlist='_').start({}, globals())"
    return compile(starting.format(len(_to_start) - 1), _STARTING, "exec")


def start(number: int, space: Any) -> None:
    """Run a program as Python runs one: this is what stands for its code."""
    changed, path = _to_start[number]
    if path:
        space.update(__file__=path, __spec__=None, __cached__=None, __package__=None)
        folder = os.path.dirname(os.path.realpath(path))
        if sys.path and sys.path[0] == path:
            sys.path[0] = folder
        elif path in sys.path:
            sys.path.remove(path)
    run(changed, space)


def _shown(kind: Any, error: Any, trace: Any) -> None:
    """Show an error that ends the program, without what runs it."""
    trace = without_ours(error, trace)
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def without_ours(error: BaseException, trace: Any) -> Any:
    """An error's traceback without the functions of this package; its causes' are changed too."""
    for cause in (error.__cause__, error.__context__):
        if cause is not None and cause.__traceback__ is not None:
            cause.__traceback__ = without_ours(cause, cause.__traceback__)
    frames = []
    while trace is not None:
        if not _is_ours(trace.tb_frame.f_code.co_filename):
            frames.append(trace)
        trace = trace.tb_next
    for frame in reversed(frames):
        trace = TracebackType(trace, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return trace


def _is_ours(filename: str) -> bool:
    return filename in (_STARTING, "<frozen runpy>") or filename.startswith(_HERE)


def end_interrupted() -> None:
    """End as Python ends where nobody has caught Ctrl-C: by the signal itself."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def install(translation: Translation) -> None:
    """Translate from now on what this process reads of the program's own sources."""
    loader = type("Loader", (_Loader,), {"translation": translation})
    folders = importlib.machinery.FileFinder.path_hook(
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
        (loader, importlib.machinery.SOURCE_SUFFIXES),
        (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
    )

    def hook(path: str) -> Any:
        if os.path.isdir(path or "."):
            if _is_own(path or "."):
                return folders(path)
        elif os.path.isfile(path):
            program = _program(path, translation)
            if program is not None:
                return program
        raise ImportError(path)

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()


def _program(path: str, translation: Translation) -> Optional[_Program]:
    """The program at a path, if it must be translated; not, say, a zip file."""
    try:
        with open(path, "rb") as f:
            data = f.read()
    except OSError:
        return None
    if b"\0" in data:
        return None
    changed = translation.code(names.source_text(data), path, is_main=True)
    if changed is None:
        return None
    return _Program(path, changed)
