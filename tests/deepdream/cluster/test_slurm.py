"""The page's script for SLURM, by dask-jobqueue, with an `sbatch` that starts jobs on this
machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kills import contents

pytest.importorskip("distributed")
pytest.importorskip("dask_jobqueue")

pytestmark = pytest.mark.slow  # workers take seconds to start

ROOT = Path(__file__).resolve().parents[3]
SHORT = ["--iterations", 1, "--octaves", 2, "--octave-scale", "1.2", "--seed", 5]
# as SLURM does, it keeps a copy of the script
SBATCH = """#!/bin/sh
copy=$(mktemp {jobs}/XXXXXX)
cp "$1" "$copy"
setsid bash "$copy" > "$copy.log" 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
echo "$1" >> {jobs}/cancelled
kill -- -"$1"
"""


@pytest.fixture
def environment(tmp_path):
    """That of a machine on which jobs can be submitted."""
    jobs, commands = tmp_path / "jobs", tmp_path / "commands"
    for folder in (jobs, commands):
        folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (commands / name).write_text(text.format(jobs=jobs))
        (commands / name).chmod(0o755)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


@pytest.fixture
def script(tmp_path):
    """The page's script, with two jobs."""
    page = (ROOT / "docs" / "cluster.md").read_text()
    (text,) = (t for t in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "SLURM" in t)
    assert "cluster.scale(jobs=10)" in text
    path = tmp_path / "slurm.py"
    path.write_text(text.replace("jobs=10", "jobs=2"))
    return path


def test_jobs_of_slurm_make_what_this_process_would(run, photo, tmp_path, environment, script):
    words = ["batch", photo, *SHORT, "-o"]
    assert run(*words, tmp_path / "here")[0] == 0
    cluster = subprocess.Popen(
        [sys.executable, str(script)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    try:
        address = cluster.stdout.readline().strip()
        code, _, err = run(*words, tmp_path / "there", "--scheduler", address)
        assert code == 0, err
    finally:
        _, said = cluster.communicate("\n")
    assert cluster.returncode == 0, said
    assert contents(tmp_path / "here") == contents(tmp_path / "there")
    started = [path for path in (tmp_path / "jobs").iterdir() if not path.suffix]
    scripts = [path.read_text() for path in started if path.name != "cancelled"]
    assert len(scripts) == 2 and all("#SBATCH -p normal" in text for text in scripts)
    assert len((tmp_path / "jobs" / "cancelled").read_text().split()) == 2
