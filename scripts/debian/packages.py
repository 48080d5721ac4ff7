"""Debian's packages, unpacked into a folder of the project without root.

They come from the Debian mirror that this machine's apt uses, or from DEBIAN_MIRROR, and apt
verifies them by Debian's signatures. After a failure the next run downloads only what is missing,
and only a complete installation is ever given the folder's name.
"""

import os
import platform
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, List, NamedTuple, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from netfile.system.files import whole_folder  # noqa: E402

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_LIST = "packages.txt"  # by which the next run knows what it finds
# a child process that is started as sys.executable needs the launcher too
_SITE = """import os
import sys

sys.executable = os.environ.get("DEEPDREAM_LAUNCHER", sys.executable)
"""


class InstallError(Exception):
    """Why something cannot be installed this way, in one line."""


class Release(NamedTuple):
    """A release of Debian: its number, its name, and the architectures of the packages wanted.

    The first one is that of packages whose names say none.
    """

    number: int
    suite: str
    architectures: Sequence[str]


class Wanted(NamedTuple):
    """An installation: Debian's packages and a launcher for the Python among them.

    Attributes:
        name: what it is called.
        packages: their names.
        launcher: the text of bin/python, a shell script.
        question: Python code that prints the version of what is installed, if it runs.
        add: writes what else belongs into the folder.
    """

    name: str
    release: Release
    packages: Sequence[str]
    launcher: str
    question: str
    add: Callable[[Path], None] = lambda folder: None


def check_machine(what: str) -> None:
    """Raise InstallError unless Debian's packages for x86-64 can be downloaded and run here."""
    system, processor = platform.system(), platform.machine()
    if system != "Linux" or processor not in ("x86_64", "AMD64"):
        raise InstallError(f"{what} runs on Linux on x86-64; this is {system} on {processor}")
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


def apt_options(folder: Path, address: str, release: Release) -> List[str]:
    """apt-get's options: lists, state and cache under `folder`, `address` as the only source."""
    for name in ("lists/partial", "cache/archives/partial", "state"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").touch()
    architectures = ",".join(release.architectures)
    (folder / "sources.list").write_text(
        f"deb [arch={architectures} signed-by={KEYRING}] {address} {release.suite} main\n"
    )
    settings = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": folder / "state",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "state" / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": release.architectures[0],
        "APT::Architectures": architectures,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "true",
    }
    return [f"-o{key}={value}" for key, value in settings.items()]


def error_line(text: str, *marks: str) -> str:
    """The first line of a program's output that begins with one of these marks."""
    lines = (line.strip() for line in text.splitlines() if line.startswith(marks))
    return next(lines, "no reason given")


def fetch(folder: Path, address: str, wanted: Wanted) -> List[Path]:
    """Paths of the packages and all that they depend on, downloaded and verified by apt."""
    options = apt_options(folder, address, wanted.release)
    update = subprocess.run(
        ["apt-get", *options, "-oAPT::Update::Error-Mode=any", "update"],
        capture_output=True,
        text=True,
    )
    if update.returncode:
        reason = error_line(update.stderr, "E:", "Err:")
        number, suite, _ = wanted.release
        raise InstallError(
            f"{address} does not serve Debian {number} ({suite}): {reason}; "
            "set DEBIAN_MIRROR to another mirror"
        )
    command = ["apt-get", *options, "install", "--yes", "--quiet", "--download-only"]
    download = subprocess.run([*command, *wanted.packages], capture_output=True, text=True)
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


def write_launcher(folder: Path, wanted: Wanted) -> None:
    """Write bin/python, and the list of packages."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "sitecustomize.py").write_text(_SITE)
    launcher = folder / "bin" / "python"
    launcher.unlink(missing_ok=True)
    launcher.write_text(wanted.launcher)
    (folder / _LIST).write_text("\n".join(wanted.packages))
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def version(folder: Path, wanted: Wanted) -> str:
    """What the launcher says; "" if it does not run or has other packages."""
    launcher, listed = folder / "bin" / "python", folder / _LIST
    same = listed.exists() and listed.read_text() == "\n".join(wanted.packages)
    if not launcher.exists() or not same:
        return ""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [str(launcher), "-c", wanted.question]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    return run.stdout.strip() if run.returncode == 0 else ""


def check_ours(folder: Path, mark: str) -> None:
    """Raise InstallError if a folder holds anything, and not the file that we put into ours."""
    ours = not os.path.lexists(folder) or (folder / mark).exists()
    if not ours and not (folder.is_dir() and not any(folder.iterdir())):
        raise InstallError(f"{folder}: exists already, and was not made by this; choose another")


def install(target: Path, wanted: Wanted) -> str:
    """Install into `target`, unless it works there already; returns its version."""
    present = version(target, wanted)
    if present:
        print(f"{target}: {wanted.name} {present} is already installed")
        return present
    check_machine(f"Debian's {wanted.name}")
    downloads = target.with_name(target.name + ".download")
    check_ours(target, _LIST)
    check_ours(downloads, "sources.list")
    packages = fetch(downloads, mirror(), wanted)
    size = sum(p.stat().st_size for p in packages)
    print(f"{len(packages)} packages, {size / 1e6:.0f} MB; unpacking")
    with whole_folder(target) as partial:
        unpack(packages, partial)
        write_launcher(partial, wanted)
        wanted.add(partial)
        installed = version(partial, wanted)
        if not installed:
            raise InstallError(f"the unpacked {wanted.name} does not start on this machine")
        shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(downloads)
    print(f"{target}: {wanted.name} {installed}; run it with {target}/bin/python")
    return installed


def run(name: str, target: Path, wanted: Wanted, otherwise: str) -> int:
    """Install it as a program of this name does; returns its exit code.

    otherwise: what to do where it cannot be installed.
    """
    try:
        install(target.absolute(), wanted)
    except InstallError as e:
        print(f"{name}: {e}; {otherwise}", file=sys.stderr)
        return 2
    except OSError as e:
        where = e.filename or target
        print(
            f"{name}: cannot write into {target}: {where}: {e.strerror}; "
            "make room there, or name another folder with --target",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(f"{name}: interrupted; run it again to resume", file=sys.stderr)
        return 130
    return 0
