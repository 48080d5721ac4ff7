"""A pip that does as it is told, in place of the real one in subprocesses."""

import io
import zipfile
from pathlib import Path
from typing import Any, Iterable, Tuple

_MAIN = """
import os, shutil, sys, time
if "index" in sys.argv:
    print("net (1.0)\\nAvailable versions: 1.0, 0.9")
    raise SystemExit
told = os.environ["FAKE_PIP"]
with open(os.environ["FAKE_PIP_LOG"], "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
if not os.path.exists(told):
    print(told, file=sys.stderr)
    raise SystemExit(1)
to = sys.argv[sys.argv.index("--dest") + 1]
os.makedirs(to)
shutil.copy(told, os.path.join(to, "net-1.0-py3-none-any.whl"))
"""


def install(folder: Path, monkeypatch: Any) -> Path:
    """Let `python -m pip` be this one; returns the file with the words that it was called with."""
    (folder / "pip").mkdir(parents=True)
    (folder / "pip" / "__init__.py").write_text("")
    (folder / "pip" / "__main__.py").write_text(_MAIN)
    log = folder / "log"
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("FAKE_PIP_LOG", str(log))
    return log


def tell(monkeypatch: Any, told: Any) -> None:
    """What it gives: a wheel's path, or what it says before it fails."""
    monkeypatch.setenv("FAKE_PIP", str(told))


def wheel(path: Path, members: Iterable[Tuple[str, bytes]], **options: Any) -> Path:
    """Write a wheel with these members."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    path.write_bytes(raw.getvalue())
    return path
