"""What all scripts share: each runs from any directory, and each is imported by the same lines."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [p for p in sorted((ROOT / "scripts").rglob("*.py")) if "__main__" in p.read_text()]
PATH_LINES = """
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
"""
NEED_TORCH = ("train_creature_googlenet.py", "train_motif_googlenet.py")


# Libraries that take long to import are imported once; then each script has a process of its own.
HELPS = """
import gc, os, runpy, sys
import numba, numpy, PIL.Image, requests, scipy.ndimage

gc.freeze()
for script in sys.argv[1:]:
    print("#", script, flush=True)
    if os.fork() == 0:
        sys.argv[:] = [script, "--help"]
        sys.path[0] = os.path.dirname(script)
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as e:
            sys.stdout.flush()
            os._exit(e.code or 0)
    print("ended with", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@pytest.mark.slow
def test_every_script_prints_its_help_from_any_directory(tmp_path: Path) -> None:
    scripts = [str(s) for s in SCRIPTS if s.name not in NEED_TORCH or find_spec("torch")]
    assert len(scripts) >= 14
    run = subprocess.run(
        [sys.executable, "-c", HELPS, *scripts],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    helps = dict(part.split("\n", 1) for part in ("\n" + run.stdout).split("\n# ")[1:])
    assert list(helps) == scripts
    for script, said in helps.items():
        assert said.startswith("usage: "), f"{script}: {said}"
        assert said.splitlines()[-1] == "ended with 0", f"{script}: {said}"
    assert not list(tmp_path.iterdir())


def test_scripts_find_the_packages_by_the_same_lines() -> None:
    for script in SCRIPTS:
        text = script.read_text()
        if "# noqa: E402" in text or "sys.path" in text:
            assert PATH_LINES in text, script
