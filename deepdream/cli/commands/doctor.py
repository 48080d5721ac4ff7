"""`deepdream doctor`: what is here and what is missing, each with the command that mends it."""

import argparse
import importlib
import os
import platform
import shlex
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

from netfile.system import places
from netfile.system.files import leftovers
from netfile.terminal import counted, print_table

from ... import nets
from ...errors import ModelError
from ...nets import download, memory
from ...nets.sources.online import Answer, nearest
from ...nets.sources.source import Source, every, listed
from ...settings import DEFAULT_MODEL
from ...version import __version__
from ..options import add_command
from ..sources import state

# package -> the extra that brings it, "" for one that is always needed
_PACKAGES = {
    "numpy": "",
    "scipy": "",
    "PIL": "",
    "google.protobuf": "",
    "tqdm": "",
    "numba": "compat",
    "matplotlib": "plots",
    "sklearn": "evaluate",
    "requests": "download",
    "av": "video",
    "cv2": "video",
    "shtab": "completion",
    "starlette": "web",
    "uvicorn": "web",
}
_ENOUGH_MEMORY = 1e9  # bytes
_MARKS = {True: "ok ", False: "!! ", None: "   "}


@dataclass(frozen=True)
class Finding:
    """One line: `good` is None where it is no more than a fact."""

    what: str
    text: str
    good: Optional[bool] = None
    remedy: str = ""

    @property
    def row(self) -> Tuple[str, str]:
        """Its cells in the table."""
        remedy = f" -> {self.remedy}" if self.remedy else ""
        return f"{_MARKS[self.good]}{self.what}", f"{self.text}{remedy}"


def add_parser(verbs: Any) -> None:
    about = "say what is here and what is missing, with the commands that mend it"
    p = add_command(verbs, "doctor", about, ["deepdream doctor", "deepdream doctor --online"])
    p.add_argument(
        "--online",
        action="store_true",
        help="ask every source of weights that are not here whether it answers",
    )
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print every finding; returns 1 if something is wrong that a dream needs."""
    findings = examine(args.online)
    print_table([finding.row for finding in findings])
    wrong = sum(finding.good is False for finding in findings)
    print(f"{wrong} of these need mending" if wrong else "nothing that a dream needs is missing")
    return int(wrong > 0)


def examine(online: bool = False) -> List[Finding]:
    """Every finding, in order. Starts other Pythons, and reads every model's weights.

    online: ask the sources of weights that are not here, too.
    """
    system = f"{platform.system()} {platform.machine()}"
    here = Finding("deepdream", f"{__version__} on Python {platform.python_version()}, {system}")
    known = nets.known()
    answers = _answers(known) if online else {}
    models = [_model(name, answers.get(name)) for name in known]
    return [here, *_packages(), *_engines(), *_machine(), *models, *_leftovers()]


def _answers(names: List[str]) -> Dict[str, Optional[Answer]]:
    """What the nearest source of each model says whose weights are not here."""
    missing = {}
    for name in names:
        with suppress(ModelError):  # which its own finding tells
            model = nets.find(name)
            if not download.wanted(model).path.is_file():
                missing[name] = every(model)
    return nearest(missing)


def _packages() -> Iterator[Finding]:
    for name, extra in _PACKAGES.items():
        try:
            module = importlib.import_module(name)
        except Exception as e:  # a broken package can fail in any way, which is what this looks for
            state = "missing" if isinstance(e, ImportError) else "does not import"
            wrong = None if extra else False
            yield Finding(name, f"{state} ({e})", wrong, places.install(extra))
        else:
            yield Finding(name, str(getattr(module, "__version__", "here")), True)


def _version_of(python: Union[str, Path], module: str) -> Optional[str]:
    """The version of an engine in some Python, or None."""
    found = "import caffe_compat as engine"
    if module == "caffe":  # a folder of that name where the command runs is passed over
        found = "from netfile.system.pycaffe import import_caffe; engine = import_caffe()"
    code = f"{found}; engine.Net; print(engine.__version__)"
    command = [str(python), "-c", code]
    try:
        with places.python_path() as path:
            env = {**os.environ, "PYTHONPATH": path, "GLOG_minloglevel": "2"}
            process = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() if process.returncode == 0 else None


def _engines() -> Iterator[Finding]:
    own, real = (_version_of(sys.executable, module) for module in ("caffe_compat", "caffe"))
    good = True if own else None if real else False  # one engine is enough
    yield Finding(
        "built-in engine",
        own or "does not start",
        good,
        "" if own else f"{places.install('compat')} in Python 3.11 or newer",
    )
    yield Finding(
        "real Caffe in this Python",
        real or "none",
        None,
        "" if real else "optional; any Python with `import caffe` will do",
    )
    if not places.IS_CHECKOUT:
        return
    installed = places.CAFFE_PYTHON
    version = _version_of(installed, "caffe") if installed.exists() else None
    text = f"{version} ({installed})" if version else "none"
    yield Finding("real Caffe of make caffe", text, None, "" if version else "make caffe")


def _machine() -> Iterator[Finding]:
    yield Finding("processors", str(os.cpu_count()))
    left = memory.free()
    if left is not None:
        enough = left.bytes > _ENOUGH_MEMORY
        remedy = "" if enough else "dream on smaller pictures, close other programs, or raise it"
        yield Finding("memory", f"{left.bytes / 1e9:.1f} GB {left.bound}", enough, remedy)


def _model(name: str, answer: Optional[Answer] = None) -> Finding:
    what = f"model {name}"
    try:
        model = nets.find(name)
        sources = every(model)
    except ModelError as e:
        needed = name == DEFAULT_MODEL
        return Finding(what, f"its readme is broken: {e}", False if needed else None)
    want = download.wanted(model)
    if not model.deploy.is_file() and not model.is_of_a_graph:
        how = "python scripts/nets/googlenet.py or scripts/nets/classics.py writes it"
        if not places.IS_CHECKOUT:
            how = places.reinstall()
        return Finding(what, f"has no deploy net ({model.deploy})", False, how)
    if download.is_right(want):
        return Finding(what, state(model, want, True), True)
    get = f"deepdream models get {name}"
    unfinished = download.unfinished(want)
    if unfinished and not want.path.is_file():
        return Finding(what, f"a download is unfinished ({unfinished})", None, get)
    if not want.path.is_file():
        how = f"put its file at {want.path}"
        if name == DEFAULT_MODEL:
            how = "make model" if places.IS_CHECKOUT else places.reinstall()
        if sources:
            hashed = want.urls and want.sha1 or any(s.is_hashed for s in listed(model))
            how = f"{get}{'' if hashed else ' --trust'}"
        needed = name == DEFAULT_MODEL
        text = f"weights not installed{_told_of(sources, answer)}"
        return Finding(what, text, False if needed else None, how)
    if want.sha1 is None:
        return Finding(what, "installed, no hash to verify it by", True)
    mend = places.reinstall() if places.is_shipped(want.path) else f"{get} --overwrite"
    return Finding(what, "weights are not the published file", False, mend)


def _told_of(sources: List[Source], answer: Optional[Answer]) -> str:
    """Where weights can be had: what is known, or what the nearest source said."""
    if answer is None:
        formats = ", ".join(dict.fromkeys(source.format for source in sources))
        return f"; {counted(len(sources), 'source')} ({formats})" if sources else ""
    if answer.wrong:
        return f"; no source answers ({answer.source.place}: {answer.wrong})"
    return f"; {answer.source.place} answers, in {answer.seconds:.1f} s"


def _leftovers() -> Iterator[Finding]:
    """What killed processes have left in the models' folders, often as large as their weights."""
    for name in nets.known():
        try:
            folder = places.writable(nets.find(name).weights.parent)
        except ModelError:
            continue
        for path in [*leftovers(folder), *leftovers(folder / ".any_size")]:
            yield Finding("half-written files", str(path), None, f"rm -r {shlex.quote(str(path))}")
