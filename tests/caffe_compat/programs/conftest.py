"""How the tests run a program: `python -m caffe_compat` in a folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.programs import OLD, ROOT, Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program of old/, or a text, in tmp_path; files: modules beside it, by their names."""

    def call(
        program: str, *args: str, options: Any = (), stdin: str = "", env: Any = None, **files: str
    ) -> "subprocess.CompletedProcess[str]":
        path = tmp_path / (program if "\n" not in program and program[-3:] != ";;" else "main.py")
        if (OLD / path.name).is_file():
            for old in OLD.glob("*"):
                shutil.copy(old, tmp_path)
        elif path.name == "main.py":
            path.write_text(program, encoding="utf-8")
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CAFFE")}
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "caffe_compat",
                *options,
                os.path.relpath(path, tmp_path),
                *args,
            ],
            cwd=tmp_path,
            env={**clean, "PYTHONPATH": os.pathsep.join(paths), **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
        )

    return call


@pytest.fixture
def jpeg(tmp_path: Path, rng: np.random.RandomState) -> Path:
    """A colourful photograph of 64 by 48, photo.jpg, in tmp_path."""
    x, y = np.meshgrid(np.linspace(0, 9, 64), np.linspace(0, 7, 48))
    waves = np.stack([np.sin(x + y), np.cos(x * 2), np.sin(y * 3)], 2) * 90
    noisy = waves + 128 + rng.uniform(-20, 20, waves.shape)
    path = tmp_path / "photo.jpg"
    Image.fromarray(noisy.astype(np.uint8)).save(path, quality=95)
    return path
