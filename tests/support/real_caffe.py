"""The real Caffe that the comparisons run on, in a process of its own.

CAFFE_PYTHON names a Python that can `import caffe`; by default it is .caffe/bin/python, which
`make caffe` installs.
"""

import os
import subprocess
from pathlib import Path
from typing import Sequence

ROOT = Path(__file__).resolve().parents[2]
CAFFE_PYTHON = os.environ.get("CAFFE_PYTHON", str(ROOT / ".caffe" / "bin" / "python"))


def run_clean(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command in the root, with Caffe's log quiet and none of this Python's settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        list(command),
        cwd=ROOT,
        env={**clean, "GLOG_minloglevel": "2"},
        capture_output=True,
        text=True,
    )
