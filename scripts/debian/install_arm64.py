"""Install a Python for ARM64 into .arm64/, with QEMU, which runs it on x86-64, without root.

Python and its libraries are Debian 12's, unpacked beside a launcher, .arm64/bin/python (see
packages.py). The engine's packages come from pip's index, in the versions of constraints.txt.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.debian.packages import (  # noqa: E402
    InstallError,
    Release,
    Wanted,
    error_line,
    run,
)

PACKAGES = ["python3.11", "libstdc++6", "qemu-user-static:amd64"]
WHEELS = ["numpy", "scipy", "pillow", "protobuf", "tqdm", "numba", "pytest", "hypothesis"]
PIP = [sys.executable, "-m", "pip"]
_EMULATOR = "qemu-aarch64-static"
LAUNCHER = f"""#!/bin/sh
# Python 3.11 of Debian 12 for ARM64, with its own loader and libraries, emulated
here=$(cd "$(dirname "$0")/.." && pwd)
export PYTHONHOME="$here/usr" DEEPDREAM_LAUNCHER="$here/bin/python"
export PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}$here/site"
exec "$here/usr/bin/{_EMULATOR}" -L "$here" "$here/usr/bin/python3.11" "$@"
"""
QUESTION = "import platform, numpy; print(f'{platform.python_version()}, {platform.machine()}')"


def add_wheels(folder: Path) -> None:
    """Install the packages from pip's index, and remove the emulators of other processors."""
    for other in folder.glob("usr/bin/qemu-*"):
        if other.name != _EMULATOR:
            other.unlink()
    platforms = [f"--platform=manylinux_2_{number}_aarch64" for number in (17, 27, 28)]
    command = [
        *[*PIP, "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"],
        *["-c", str(ROOT / "constraints.txt"), "--only-binary=:all:", *platforms],
        *["--python-version=3.11", "--implementation=cp", "--target", str(folder / "site")],
    ]
    done = subprocess.run([*command, *WHEELS], capture_output=True, text=True)
    if done.returncode:
        reason = error_line(done.stderr, "ERROR:")
        raise InstallError(f"pip cannot install {' '.join(WHEELS)} for ARM64: {reason}")


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--target", type=Path, default=ROOT / ".arm64", help="(default .arm64)")
    args = p.parse_args(argv)
    debian = Release(12, "bookworm", ["arm64", "amd64"])
    wanted = Wanted("Python for ARM64", debian, PACKAGES, LAUNCHER, QUESTION, add_wheels)
    otherwise = "on a machine with ARM64 itself, run make test"
    return run("install_arm64", args.target, wanted, otherwise)


if __name__ == "__main__":
    sys.exit(main())
