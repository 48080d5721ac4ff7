"""What is here and what is missing: engines, packages, models, memory, each with the command that mends it."""

import importlib
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from typing import List, Optional

from ..nets import download, engine, model
from ..version import __version__

_PACKAGES = {
    "numpy": "", "scipy": "", "PIL": "", "google.protobuf": "", "tqdm": "", "numba": "compat", "matplotlib": "plots",
    "sklearn": "evaluate", "requests": "download",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One line: `good` is None where it is no more than a fact."""

    what: str
    told: str
    good: Optional[bool] = None
    remedy: str = ""


def examine() -> List[Finding]:
    """Every finding, in the order in which they are told. Starts other Pythons, and reads every model's weights."""
    return [_here(), *_packages(), *_engines(), *_machine(), *_models()]


def _here():
    return Finding(
        "deepdream",
        f"{__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}",
    )


def _packages():
    for name, extra in _PACKAGES.items():
        try:
            found = importlib.import_module(name)
        except (
            Exception
        ) as e:  # a broken package can fail in any way, and is what a doctor looks for
            install = f"pip install -e '.[{extra}]'" if extra else "pip install -e ."
            state = "missing" if isinstance(e, ImportError) else "does not import"
            yield Finding(name, f"{state} ({e})", False if not extra else None, install)
        else:
            yield Finding(name, str(getattr(found, "__version__", "here")), True)


def _version_of(python, engine):
    """The version of an engine in some Python, or None."""
    code = f"import {engine}; {engine}.Net; print({engine}.__version__)"
    root = os.pathsep.join(filter(None, [str(model.ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": root, "GLOG_minloglevel": "2"}
    try:
        run = subprocess.run(
            [str(python), "-c", code], capture_output=True, text=True, env=environment, timeout=120
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() if run.returncode == 0 else None


def _engines():
    own, real = (_version_of(sys.executable, name) for name in ("caffe_compat", "caffe"))
    good = True if own else None if real else False  # one engine is enough
    yield Finding(
        "built-in engine",
        own or "does not start",
        good,
        "" if own else "pip install -e '.[compat]' in a Python of 3.11 or newer",
    )
    yield Finding(
        "real Caffe in this Python",
        real or "none",
        None,
        "" if real else "optional; any Python with `import caffe` will do",
    )
    installed = model.ROOT / ".caffe" / "bin" / "python"
    version = _version_of(installed, "caffe") if installed.exists() else None
    yield Finding(
        "real Caffe of make caffe",
        f"{version} ({installed})" if version else "none",
        None,
        "" if version else "make caffe",
    )


def _machine():
    yield Finding("processors", str(os.cpu_count()))
    memory = engine.available_memory()
    if memory is not None:
        yield Finding(
            "memory available",
            f"{memory / 1e9:.1f} GB",
            memory > 1e9,
            "" if memory > 1e9 else "dream on smaller pictures, or close other programs",
        )


def _models():
    for name in model.known():
        found = model.find(name)
        want = download.wanted(found)
        if not found.deploy.is_file():
            yield Finding(
                f"model {name}",
                f"has no deploy net ({found.deploy})",
                False,
                "python scripts/nets/googlenet.py or scripts/nets/classics.py writes it",
            )
        elif download.is_right(want):
            yield Finding(f"model {name}", "here and right", True)
        elif not want.path.is_file():
            how = (
                f"deepdream models get {name}" + ("" if want.sha1 else " --trust")
                if want.urls
                else "make model"
            )
            yield Finding(
                f"model {name}",
                "weights not here",
                False if name == model.settings.DEFAULT_MODEL else None,
                how,
            )
        else:
            known = want.sha1 is not None
            yield Finding(f"model {name}", "weights are not the published file" if known else "here, no hash to check it by", not known,
                          f"deepdream models get {name}" if known else "")  # fmt: skip
