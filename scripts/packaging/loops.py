"""hatchling's hook for the sdist, and so for wheels that are made of it: compiled loops in it.

A machine that they fit compiles nothing. They take a Linux on x86-64 to be made; elsewhere there
are none, and loops are compiled where they are first needed.
"""

import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER = "caffe_compat/kernels/shipped"
_MODULE = "caffe_compat.kernels.compiled.shipping"


class LoopsHook(BuildHookInterface):
    """Compile the loops for each of the processors that wheels have code for."""

    def initialize(self, version: str, build_data: Dict[str, Any]) -> None:
        """Put them among the files of the sdist."""
        self.made = ""
        if (Path(self.root) / _FOLDER).is_dir():
            return  # an sdist of an sdist
        if sys.platform != "linux" or platform.machine() != "x86_64":
            self.app.display_warning("no compiled loops: they are made on Linux on x86-64")
            return
        self.made = tempfile.mkdtemp()
        subprocess.run([sys.executable, "-m", _MODULE, self.made], cwd=self.root, check=True)
        build_data["force_include"][self.made] = _FOLDER

    def finalize(self, version: str, build_data: Dict[str, Any], artifact_path: str) -> None:
        """Remove the files that are in it now."""
        if self.made:
            shutil.rmtree(self.made)
