"""Install a real Caffe 1.0 into .caffe/, without root: Debian 11's packages, unpacked, with a launcher .caffe/bin/python.

The packages come from the Debian mirror that this machine's apt uses, or from DEBIAN_MIRROR, and are checked against
Debian's signatures. Run again after a failure: what is there already is not fetched again, and only a complete install
ever gets the name .caffe.
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

ROOT = Path(__file__).resolve().parents[2]
SUITE = "bullseye"
PACKAGES = [
    "python3-caffe", "libopenblas0-pthread", "python3-scipy", "python3-pil", "python3-tqdm", "python3-pytest", "python3-hypothesis",
]  # fmt: skip
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
OTHER_WAYS = (
    "other ways to a real Caffe: caffe-cpu of a Debian or Ubuntu of its time, conda-forge's caffe, or your own build (GPU builds "
    "too); any Python with `import caffe` will do: run `python -m deepdream ... --engine caffe` with it"
)
LAUNCHER = """#!/bin/sh
# Python 3.9 of Debian 11 with pycaffe, through its own loader and libraries
here=$(cd "$(dirname "$0")/.." && pwd)
lib="$here/usr/lib/x86_64-linux-gnu"
export PYTHONHOME="$here/usr" DEEPDREAM_CAFFE_PYTHON="$here/bin/python"
export PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}$here/site:$here/usr/lib/python3/dist-packages"
exec "$here/lib/x86_64-linux-gnu/ld-2.31.so" \\
    --library-path "$lib/openblas-pthread:$lib:$here/lib/x86_64-linux-gnu:$lib/hdf5/serial:$here/usr/lib" \\
    "$here/usr/bin/python3.9" "$@"
"""
# a child process started as sys.executable needs the launcher too
SITE = 'import os\nimport sys\n\nsys.executable = os.environ.get("DEEPDREAM_CAFFE_PYTHON", sys.executable)\n'


class InstallError(Exception):
    """Why there is no real Caffe to be had this way, in one line."""


def check_machine():
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise InstallError(
            f"Debian's Caffe runs on Linux on x86-64, this is {platform.system()} on {platform.machine()}"
        )
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise InstallError(
                f"this machine has no {tool}, so Debian's packages cannot be fetched"
            )
    if not KEYRING.exists():
        raise InstallError(
            f"Debian's keys are not here ({KEYRING}); install the package debian-archive-keyring"
        )


def mirror():
    """Address of a Debian mirror: DEBIAN_MIRROR, or the one in this machine's apt configuration."""
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
        "no Debian mirror in this machine's apt configuration; name one in DEBIAN_MIRROR"
    )


def apt_options(folder, address):
    """apt-get's options for its own lists, state and cache under `folder`, with `address` as the only source."""
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


def fetch(folder, address):
    """Paths of the packages and all they need, downloaded and verified by apt."""
    options = apt_options(folder, address)
    update = subprocess.run(
        ["apt-get", *options, "-oAPT::Update::Error-Mode=any", "update"],
        capture_output=True,
        text=True,
    )
    if update.returncode:
        reason = next(
            (line for line in update.stderr.splitlines() if line.startswith(("E:", "Err:"))),
            "no reason given",
        )
        raise InstallError(
            f"Debian 11 ({SUITE}) cannot be had from {address}: {reason.strip()}; name another mirror in DEBIAN_MIRROR"
        )
    command = ["apt-get", *options, "install", "--yes", "--quiet", "--download-only", *PACKAGES]
    download = subprocess.run(command, capture_output=True, text=True)
    if download.returncode:
        reason = next(
            (line for line in download.stderr.splitlines() if line.startswith("E:")),
            "no reason given",
        )
        raise InstallError(
            f"the packages could not be fetched from {address}: {reason}; run it again, it goes on where it stopped"
        )
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def unpack(packages, folder):
    """Unpack every package into `folder`, on all cores."""

    def one(package):
        result = subprocess.run(
            ["dpkg-deb", "-x", str(package), str(folder)], capture_output=True, text=True
        )
        if result.returncode:
            package.unlink()  # so that the next run fetches it anew
            raise InstallError(
                f"{package.name} could not be unpacked: {result.stderr.strip()}; run it again"
            )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, packages))


def write_launcher(folder):
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "sitecustomize.py").write_text(SITE)
    launcher = folder / "bin" / "python"
    launcher.unlink(missing_ok=True)
    launcher.write_text(LAUNCHER)
    (folder / "packages.txt").write_text(
        "\n".join(PACKAGES)
    )  # an install of other packages is made anew
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def version(folder):
    """Caffe's version as the installed launcher says it, or "" if it does not run."""
    launcher = folder / "bin" / "python"
    listed = folder / "packages.txt"
    if not launcher.exists() or not listed.exists() or listed.read_text() != "\n".join(PACKAGES):
        return ""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [str(launcher), "-c", "import caffe; print(caffe.__version__)"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    return run.stdout.strip() if run.returncode == 0 else ""


def install(target):
    """Install into `target`; returns Caffe's version. Does nothing if a working one is there."""
    found = version(target)
    if found:
        print(f"{target}: Caffe {found} is installed already")
        return found
    check_machine()
    downloads, partial = (
        target.with_name(target.name + ".download"),
        target.with_name(target.name + ".partial"),
    )
    address = mirror()
    packages = fetch(downloads, address)
    print(
        f"{len(packages)} packages, {sum(p.stat().st_size for p in packages) / 1e6:.0f} MB; unpacking"
    )
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    unpack(packages, partial)
    write_launcher(partial)
    found = version(partial)
    if not found:
        raise InstallError(f"the unpacked Caffe in {partial} does not start on this machine")
    shutil.rmtree(target, ignore_errors=True)
    os.rename(partial, target)
    shutil.rmtree(downloads)
    print(f"{target}: Caffe {found}; run it with {target}/bin/python")
    return found


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--target", type=Path, default=ROOT / ".caffe")
    args = p.parse_args(argv)
    try:
        install(args.target.absolute())
    except InstallError as e:
        print(f"install_caffe: {e}; {OTHER_WAYS}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("install_caffe: stopped; run it again, it goes on where it stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
