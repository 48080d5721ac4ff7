"""Install a real Caffe 1.0 into .caffe/, without root, from Debian 11's packages.

They are unpacked beside a launcher, .caffe/bin/python (see packages.py).
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.debian.packages import Release, Wanted, run  # noqa: E402

PACKAGES = [
    "python3-caffe",
    "libopenblas0-pthread",
    "python3-scipy",
    "python3-pil",
    "python3-tqdm",
    "python3-pytest",
    "python3-pytest-xdist",
    "python3-hypothesis",
]
OTHER_WAYS = (
    "other ways to a real Caffe: the package caffe-cpu of a Debian or Ubuntu of its time, "
    "conda-forge's caffe, or your own build (GPU builds too); any Python that can `import caffe` "
    "will do: run `python -m deepdream ... --engine caffe` with it"
)
LAUNCHER = """#!/bin/sh
# Python 3.9 of Debian 11 with pycaffe, through its own loader and libraries
here=$(cd "$(dirname "$0")/.." && pwd)
lib="$here/usr/lib/x86_64-linux-gnu"
loader="$here/lib/x86_64-linux-gnu"
export PYTHONHOME="$here/usr" DEEPDREAM_LAUNCHER="$here/bin/python"
export PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}$here/site:$here/usr/lib/python3/dist-packages"
exec "$loader/ld-2.31.so" \\
    --library-path "$lib/openblas-pthread:$lib:$loader:$lib/hdf5/serial:$here/usr/lib" \\
    "$here/usr/bin/python3.9" "$@"
"""


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--target", type=Path, default=ROOT / ".caffe", help="(default .caffe)")
    args = p.parse_args(argv)
    debian = Release(11, "bullseye", ["amd64"])
    question = "import caffe; print(caffe.__version__)"
    wanted = Wanted("Caffe", debian, PACKAGES, LAUNCHER, question)
    return run("install_caffe", args.target, wanted, OTHER_WAYS)


if __name__ == "__main__":
    sys.exit(main())
