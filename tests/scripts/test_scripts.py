"""What all scripts share: each runs from any directory, and each is imported by the same lines."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [p for p in sorted((ROOT / "scripts").rglob("*.py")) if "__main__" in p.read_text()]
PATH_LINES = """
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
"""
NEED_TORCH = ("train_creature_googlenet.py", "train_motif_googlenet.py")


def test_every_script_prints_its_help_from_any_directory(tmp_path: Path) -> None:
    scripts = [s for s in SCRIPTS if s.name not in NEED_TORCH or find_spec("torch")]
    assert len(scripts) >= 14
    runs = [
        subprocess.Popen(
            [sys.executable, str(script), "--help"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for script in scripts
    ]
    for script, run in zip(scripts, runs):
        said, _ = run.communicate()
        assert run.returncode == 0 and said.startswith("usage: "), f"{script}: {said}"
    assert not list(tmp_path.iterdir())


def test_scripts_find_the_packages_by_the_same_lines() -> None:
    for script in SCRIPTS:
        text = script.read_text()
        if "# noqa: E402" in text or "sys.path" in text:
            assert PATH_LINES in text, script
