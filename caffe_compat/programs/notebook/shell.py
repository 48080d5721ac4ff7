"""The IPython that runs a notebook's cells: displays are recorded, and shell lines not run unless
that is allowed."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import traceback
from typing import Any, Dict, List, Optional

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .. import sources
from ..python2 import builtins as python2_names
from ..python2 import meaning, syntax
from .record import Record

_SCRIPTS = {"!", "bash", "cmd", "perl", "pypy", "python", "python2", "python3", "ruby", "script",
            "sh", "sx", "system"}  # fmt: skip
_MAKES_FOLDER = re.compile(r"mkdir(\s+-p)?((\s+[\w./~-]+)+)\s*")  # no word for the shell


class _Publisher(DisplayPublisher):
    record: Record

    def publish(
        self, data: Any, metadata: Any = None, *args: Any, transient: Any = None,
        update: bool = False, **more: Any,
    ) -> None:  # fmt: skip
        name = (transient or {}).get("display_id")
        if update and name:
            self.record.update(name, data, metadata)
            return
        self.record.show("display_data", data, metadata, display_id=name)
        if set(data) == {"text/plain"}:
            _echo(data["text/plain"])

    def clear_output(self, wait: bool = False) -> None:
        self.record.clear(wait)


def _echo(text: str) -> None:
    """Show a text in the terminal, where what is displayed is not recorded a second time."""
    stream = getattr(sys.stdout, "_under", sys.stdout)
    stream.write(f"{text}\n")


class _Hook(DisplayHook):
    record: Record

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        count = self.prompt_count
        self.record.show("execute_result", format_dict, md_dict, execution_count=count)
        if "text/plain" in format_dict:
            _echo(format_dict["text/plain"])

    def finish_displayhook(self) -> None:
        sys.stdout.flush()


class _Compiler(CachingCompiler):
    """Tracebacks show a cell's lines as they stand in the notebook."""

    name = ""

    def cache(self, transformed_code: str, number: int = 0, raw_code: Any = None) -> str:
        self.name = super().cache(raw_code or transformed_code, number, raw_code)
        return str(self.name)


class _Exit:
    """exit and quit, in cells."""

    def __repr__(self) -> str:
        return "Use exit() or quit()"

    def __call__(self, code: Any = None) -> None:
        raise SystemExit(code)


class Shell(InteractiveShell):
    """An InteractiveShell for `run_cell`.

    Attributes:
        record: where outputs go.
        python2: whether cells are Python 2.
        runs_shell: whether shell lines are run.
        lines: the traceback of the cell that has failed last.
    """

    record: Record
    python2 = False
    runs_shell = False
    lines: List[str] = []
    _parameters: Dict[str, str] = {}

    def prepare(self, record: Record, runs_shell: bool, numbers: bool) -> None:
        """Record outputs from now on; numbers: whether int() takes arrays of one element."""
        self.record, self.runs_shell = record, runs_shell
        self.display_pub.record = self.displayhook.record = record
        self.user_ns["exit"] = self.user_ns["quit"] = _Exit()
        self.ast_transformers.append(_Translator(self, numbers))

    def take_python2(self) -> None:
        """Cells are Python 2 from now on."""
        self.python2 = True
        names = {**python2_names.NAMES, "get_ipython": self.get_ipython}
        from IPython.display import display

        self.user_ns["__builtins__"] = {**names, "display": display}

    def plain(self, cell: str) -> str:
        """A cell with its magics and shell lines as calls."""
        return str(super().transform_cell(cell))

    def transform_cell(self, raw_cell: str) -> str:
        """As IPython does, and then from Python 2."""
        text = self.plain(raw_cell)
        if not self.python2:
            return text
        rewritten, self._parameters = syntax.rewritten(text, "cell")
        return rewritten

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window here."""

    def magic(self, arg_s: str) -> Any:
        """A line magic as IPython 0.13 to 8 took it: get_ipython().magic("matplotlib inline")."""
        name, _, line = arg_s.lstrip("%").partition(" ")
        return self.run_line_magic(name, line.strip(), 2)

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Without matplotlib, its magics do nothing and say so."""
        if magic_name in ("matplotlib", "pylab") and not _is_here("matplotlib"):
            print(f"%{magic_name} {line}: matplotlib is not installed")
            return None
        return super().run_line_magic(magic_name, line, _stack_depth + 1)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """Cells for another program are shell lines as well."""
        if magic_name in _SCRIPTS and not self.runs_shell:
            _not_run(f"%%{magic_name} {line}".rstrip())
            return None
        return super().run_cell_magic(magic_name, line, cell)

    def system(self, cmd: str) -> None:
        """A line !cmd."""
        command = self.var_expand(cmd, depth=1)
        if self.runs_shell:
            self.user_ns["_exit_code"] = _run(command)
        elif _MAKES_FOLDER.fullmatch(command.strip()):
            self.user_ns["_exit_code"] = _make_folders(shlex.split(command)[1:])
        else:
            _not_run(f"!{command}")

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """The output of `x = !cmd`."""
        if self.runs_shell:
            return super().getoutput(cmd, split, depth + 1)
        from IPython.utils.text import SList

        _not_run(f"!{self.var_expand(cmd, depth=depth + 1)}")
        return SList() if split else ""

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **options: Any) -> None:
        """Nothing for SystemExit, which ends the notebook as it ends a program."""
        kind, error, trace = exc_tuple or sys.exc_info()
        if error is not None and kind is not SystemExit:
            trace = sources.without_ours(error, trace)
            super().showtraceback((kind, error, trace), *args, **options)

    def show_usage_error(self, exc: Any) -> None:
        """An error in a magic's line."""
        self._showtraceback(type(exc), exc, [f"UsageError: {exc}"])

    def _showtraceback(self, etype: Any, evalue: Any, stb: List[str]) -> None:
        self.lines = [line for part in stb for line in str(part).split("\n")]
        self.record.error(etype.__name__, str(evalue), self.lines)
        stream = getattr(sys.stderr, "_under", sys.stderr)
        stream.write("\n".join(self.lines) + "\n")


class _Translator:
    """What IPython calls a transformer of trees: Python 2's meaning, NumPy's old numbers."""

    def __init__(self, shell: Shell, numbers: bool) -> None:
        self._shell, self._numbers = shell, numbers

    def visit(self, tree: Any) -> Any:
        if self._shell.python2:
            return meaning.given_meaning(tree, self._shell._parameters)
        return sources.Numbers.changed(tree) or tree if self._numbers else tree


def _is_here(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _not_run(line: str) -> None:
    print(f"{line}  (not run: --shell runs shell lines)")


def _make_folders(words: List[str]) -> int:
    """mkdir, the one command that needs no shell to be safe."""
    every = "-p" in words
    for name in (os.path.expanduser(word) for word in words if word != "-p"):
        try:
            os.makedirs(name, exist_ok=True) if every else os.mkdir(name)
        except OSError as e:
            print(f"mkdir: cannot create directory '{name}': {e.strerror}", file=sys.stderr)
            return 1
    return 0


def _run(command: str) -> int:
    """Run a command line; what it prints is the cell's."""
    sys.stdout.flush()
    process = subprocess.Popen(
        command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    for line in process.stdout:
        sys.stdout.write(line.decode("utf-8", "replace"))
    return process.wait()


def made(folder: str) -> Shell:
    """A Shell that keeps its own files in a folder, and no history."""
    import IPython

    config = Config()
    config.HistoryManager.enabled = False
    colours = "nocolor" if IPython.version_info >= (9,) else "NoColor"
    config.InteractiveShell.colors = colours
    config.InteractiveShell.display_page = True
    os.environ["IPYTHONDIR"] = folder
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    return Shell.instance(
        config=config, displayhook_class=_Hook, display_pub_class=_Publisher,
        compiler_class=_Compiler,
    )  # fmt: skip


def failing_line(error: BaseException, name: str) -> Optional[int]:
    """The line of a cell, by its file's name in tracebacks, in which an error came up."""
    if isinstance(error, SyntaxError) and error.filename in (name, "cell"):
        return error.lineno
    found = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == name]
    return found[0] if found else getattr(error, "lineno", None)
