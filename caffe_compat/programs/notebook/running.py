"""Goes through a notebook's cells, and writes its executed copy after each."""

import argparse
import gc
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, Callable, List, Optional

from netfile.errors import NetError, printable
from netfile.system.files import whole_file

from .. import signs, sources, startup
from . import reading
from .record import Record, Streams, is_picture

_PROGRAM = "caffe_compat"


class OutputError(NetError):
    """There is something where the pictures and the copy are to go."""


def main(argv: List[str]) -> int:
    """Run a notebook as `python -m caffe_compat` has asked for it; returns the exit code."""
    p = argparse.ArgumentParser(prog=_PROGRAM)
    p.add_argument("--shell", action="store_true")
    p.add_argument("--overwrite", action="store_true")
    p.add_argument("--fresh-diffs", action="store_true")
    p.add_argument("--out")
    p.add_argument("words", nargs="+")
    args = p.parse_args(argv)
    try:
        return _run(Path(args.words[0]), Path(args.out), args)
    except (NetError, OSError) as e:
        print(f"{_PROGRAM}: {printable(e)}", file=sys.stderr)
        return 2


def _run(path: Path, out: Path, args: argparse.Namespace) -> int:
    book = reading.read(path)
    try:
        from . import shell as shells
    except ImportError as e:
        raise reading.Lacking(e) from None
    _check_out(out, path, args.overwrite)
    sys.argv[:] = args.words
    os.chdir(path.resolve().parent)
    sys.path[0] = ""
    own = tempfile.mkdtemp(prefix="caffe_compat-ipython-")
    try:
        shell = shells.made(own)
        record = Record(out, len(book.cells))
        translation = startup.translations[0]
        shell.prepare(record, args.shell, translation.wanted.shims)
        _choose_python(shell, book, path, translation)
        before: List[Callable[[], None]] = [_zero_diffs] if args.fresh_diffs else []
        if translation.wanted.seed is not None:
            before.append(lambda: startup.seed(translation.wanted.seed))
        return _Notebook(book, out / path.name, shell, record, before).run()
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _check_out(out: Path, path: Path, overwrite: bool) -> None:
    """Refuse to mix with other files; an earlier run's are removed where that is asked for."""
    if (out / path.name).resolve() == path.resolve():
        raise OutputError(f"{out} is the notebook's own folder; give another by --out")
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputError(f"{out} is a file; give another folder by --out")
    if any(out.iterdir()) and not overwrite:
        raise OutputError(f"{out} is not empty; --overwrite replaces it, or give another by --out")
    for old in out.glob("cell*-*.*"):
        if is_picture(old.name):
            old.unlink()


def _choose_python(shell: Any, book: Any, path: Path, translation: Any) -> None:
    reason = reading.sign_of_python2(book, shell.plain, signs.sign_of_python2)
    if reason or translation.wanted.python2:
        shell.take_python2()
        translation.take_for_python2(str(path), reason)


def _zero_diffs() -> None:
    """Make the gradients in all blobs of all nets zero, as in new nets."""
    from ...net import Net

    for net in [thing for thing in gc.get_objects() if isinstance(thing, Net)]:
        for blob in net.blobs.values():
            blob.diff[...] = 0


class _Notebook:
    """A notebook that runs."""

    def __init__(
        self,
        book: Any,
        copy: Path,
        shell: Any,
        record: Record,
        before: List[Callable[[], None]],
    ) -> None:
        self.book, self.copy, self.shell, self.record = book, copy, shell, record
        self.before = before  # what is done before each cell

    def run(self) -> int:
        """Run the cells up to the end or the first that fails; returns the exit code."""
        for cell in self.book.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        code = 0
        for number, cell in enumerate(self.book.cells, 1):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            error = self._cell(number, cell)
            if error is not None:
                code = self._ended(number, cell, error)
                break
        self._write()
        self._say()
        return code

    def _cell(self, number: int, cell: Any) -> Optional[BaseException]:
        self.record.begin(number)
        cell.outputs = self.record.outputs
        cell.execution_count = self.shell.execution_count
        for prepare in self.before:
            prepare()
        with Streams(self.record), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "To exit: use")
            result = self.shell.run_cell(cell.source, store_history=True)
        self._write()
        return result.error_before_exec or result.error_in_exec

    def _write(self) -> None:
        import nbformat

        self.copy.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.copy) as partial:
            nbformat.write(self.book, str(partial), version=4)

    def _say(self) -> None:
        pictures = f"{self.record.pictures} picture{'s' * (self.record.pictures != 1)}"
        folder = printable(self.copy.parent)
        print(f"{_PROGRAM}: {pictures} and the executed copy {self.copy.name} are in {folder}",
              file=sys.stderr)  # fmt: skip

    def _ended(self, number: int, cell: Any, error: BaseException) -> int:
        """The exit code of what ended a cell: as of a program that it ends."""
        if isinstance(error, SystemExit):
            if error.code is None or isinstance(error.code, int):
                return error.code or 0
            print(error.code, file=sys.stderr)
            return 1
        from .shell import failing_line

        line = failing_line(error, self.shell.compile.name)
        where = f"cell {number} (In [{cell.execution_count}])" + (f", line {line}" if line else "")
        said = f"{type(error).__name__}: {getattr(error, 'msg', None) or error}"
        print(
            f"{_PROGRAM}: {printable(self.copy.name)}, {where}: {printable(said)}", file=sys.stderr
        )
        if isinstance(error, KeyboardInterrupt):
            self._write()
            sources.end_interrupted()
        return 1
