"""Install a real Caffe 1.0 into .caffe/, without root, from Debian 11's packages.

They are unpacked beside a launcher, .caffe/bin/python. They come from the Debian mirror that this
machine's apt uses, or from DEBIAN_MIRROR, and apt verifies them by Debian's signatures. After a
failure, run it again: it downloads only what is missing. Only a complete installation is ever given
the name .caffe.
"""

import argparse
import os
import platform
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from netfile.system.files import whole_folder  # noqa: E402

SUITE = "bullseye"
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
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
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
export PYTHONHOME="$here/usr" DEEPDREAM_CAFFE_PYTHON="$here/bin/python"
export PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}$here/site:$here/usr/lib/python3/dist-packages"
exec "$loader/ld-2.31.so" \\
    --library-path "$lib/openblas-pthread:$lib:$loader:$lib/hdf5/serial:$here/usr/lib" \\
    "$here/usr/bin/python3.9" "$@"
"""
# a child process that is started as sys.executable needs the launcher too
SITE = """import os
import sys

sys.executable = os.environ.get("DEEPDREAM_CAFFE_PYTHON", sys.executable)
"""


class InstallError(Exception):
    """Why a real Caffe cannot be installed this way, in one line."""


def check_machine() -> None:
    """Raise InstallError unless Debian's packages can be downloaded and run here."""
    system, processor = platform.system(), platform.machine()
    if system != "Linux" or processor not in ("x86_64", "AMD64"):
        raise InstallError(
            f"Debian's Caffe runs on Linux on x86-64; this is {system} on {processor}"
        )
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise InstallError(
                f"this machine has no {tool}, so Debian's packages cannot be installed"
            )
    if not KEYRING.exists():
        raise InstallError(
            f"Debian's keys are missing ({KEYRING}); install the package debian-archive-keyring"
        )


def mirror() -> str:
    """Address of a Debian mirror: DEBIAN_MIRROR, or that of this machine's apt configuration."""
    given = os.environ.get("DEBIAN_MIRROR")
    if given:
        return given.rstrip("/")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--no-release-info", "--format", "$(SITE)"],
        capture_output=True,
        text=True,
    )
    for site in sorted(set(listed.stdout.split())):
        if site.rstrip("/").endswith("/debian"):
            return site.rstrip("/")
    raise InstallError(
        "this machine's apt configuration names no Debian mirror; set DEBIAN_MIRROR to one"
    )


def apt_options(folder: Path, address: str) -> List[str]:
    """apt-get's options: lists, state and cache under `folder`, `address` as the only source."""
    for name in ("lists/partial", "cache/archives/partial", "state"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").touch()
    (folder / "sources.list").write_text(
        f"deb [arch=amd64 signed-by={KEYRING}] {address} {SUITE} main\n"
    )
    settings = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": folder / "state",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "state" / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "true",
    }
    return [f"-o{key}={value}" for key, value in settings.items()]


def error_line(text: str, *marks: str) -> str:
    """The first line of apt-get's output that begins with one of these marks."""
    lines = (line.strip() for line in text.splitlines() if line.startswith(marks))
    return next(lines, "no reason given")


def fetch(folder: Path, address: str) -> List[Path]:
    """Paths of the packages and all that they depend on, downloaded and verified by apt."""
    options = apt_options(folder, address)
    update = subprocess.run(
        ["apt-get", *options, "-oAPT::Update::Error-Mode=any", "update"],
        capture_output=True,
        text=True,
    )
    if update.returncode:
        reason = error_line(update.stderr, "E:", "Err:")
        raise InstallError(
            f"{address} does not serve Debian 11 ({SUITE}): {reason}; "
            "set DEBIAN_MIRROR to another mirror"
        )
    command = ["apt-get", *options, "install", "--yes", "--quiet", "--download-only", *PACKAGES]
    download = subprocess.run(command, capture_output=True, text=True)
    if download.returncode:
        reason = error_line(download.stderr, "E:")
        raise InstallError(
            f"the packages could not be downloaded from {address}: {reason}; "
            "run it again to resume the download"
        )
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def unpack(packages: List[Path], folder: Path) -> None:
    """Unpack every package into `folder`, on all cores."""

    def one(package: Path) -> None:
        command = ["dpkg-deb", "-x", str(package), str(folder)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            package.unlink()  # so that the next run downloads it again
            raise InstallError(
                f"{package.name} could not be unpacked: {result.stderr.strip()}; run it again"
            )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, packages))


def write_launcher(folder: Path) -> None:
    """Write bin/python, and the list of packages by which the next run knows what it finds."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "sitecustomize.py").write_text(SITE)
    launcher = folder / "bin" / "python"
    launcher.unlink(missing_ok=True)
    launcher.write_text(LAUNCHER)
    (folder / "packages.txt").write_text("\n".join(PACKAGES))
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def version(folder: Path) -> str:
    """Caffe's version, from the launcher; "" if it does not run or has other packages."""
    launcher = folder / "bin" / "python"
    listed = folder / "packages.txt"
    if not launcher.exists() or not listed.exists() or listed.read_text() != "\n".join(PACKAGES):
        return ""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [str(launcher), "-c", "import caffe; print(caffe.__version__)"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    return run.stdout.strip() if run.returncode == 0 else ""


def check_ours(folder: Path, mark: str) -> None:
    """Raise InstallError if a folder holds anything, and not the file that we put into ours."""
    ours = not os.path.lexists(folder) or (folder / mark).exists()
    if not ours and not (folder.is_dir() and not any(folder.iterdir())):
        raise InstallError(f"{folder}: exists already, and was not made by this; choose another")


def install(target: Path) -> str:
    """Install into `target`, unless a working Caffe is there; returns Caffe's version."""
    present = version(target)
    if present:
        print(f"{target}: Caffe {present} is already installed")
        return present
    check_machine()
    downloads = target.with_name(target.name + ".download")
    check_ours(target, "packages.txt")
    check_ours(downloads, "sources.list")
    address = mirror()
    packages = fetch(downloads, address)
    size = sum(p.stat().st_size for p in packages)
    print(f"{len(packages)} packages, {size / 1e6:.0f} MB; unpacking")
    with whole_folder(target) as partial:
        unpack(packages, partial)
        write_launcher(partial)
        installed = version(partial)
        if not installed:
            raise InstallError("the unpacked Caffe does not start on this machine")
        shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(downloads)
    print(f"{target}: Caffe {installed}; run it with {target}/bin/python")
    return installed


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--target", type=Path, default=ROOT / ".caffe", help="(default .caffe)")
    args = p.parse_args(argv)
    try:
        install(args.target.absolute())
    except InstallError as e:
        print(f"install_caffe: {e}; {OTHER_WAYS}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("install_caffe: interrupted; run it again to resume", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
