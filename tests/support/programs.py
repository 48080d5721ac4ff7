"""Programs and notebooks of Caffe's years, and what runs them."""

import subprocess
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parents[2]
OLD = ROOT / "tests" / "caffe_compat" / "programs" / "old"
STAND_IN = ("--model", "bvlc_googlenet=motif_googlenet")
Run = Callable[..., "subprocess.CompletedProcess[str]"]
