"""A wheel, fetched by pip itself from the index that it is set up for.

pip only downloads: no dependency is looked at, nothing is built, installed or run.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Optional, Tuple

from ...errors import DownloadError
from ..transfer import MOST, Report

_RETRIES = 2
_BETWEEN = 0.1  # seconds between two looks at how far pip is
_LONGEST = 300  # characters of what pip said


def fetched(
    requirement: str, folder: Path, size: Optional[int] = None, report: Optional[Report] = None
) -> Path:
    """The wheel of a package.

    Args:
        requirement: NAME==VERSION.
        folder: an empty folder of our own, where the wheel goes and pip works.
        size: the wheel's bytes, where they are known.
        report: called with (bytes so far, all of them or None).

    Returns:
        The wheel's path in the folder.

    Raises:
        DownloadError: there is no pip, the index does not answer, or has no such wheel.
    """
    work, wheels = folder / "pip", folder / "wheels"
    work.mkdir()
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
        "--disable-pip-version-check", "--no-input", "--retries", str(_RETRIES),
        "--dest", str(wheels), "--", requirement,
    ]  # fmt: skip
    # pip unpacks where these lead: so what it does can be watched, and goes away with the folder
    env = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work))}
    said = folder / "said"
    with open(said, "wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=str(folder)
        )
        try:
            _watch(process, (work, wheels), size, report)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    text = said.read_bytes()[-100_000:].decode("utf-8", "replace")
    if process.returncode:
        raise DownloadError(_reason(text, requirement))
    found = sorted(wheels.glob("*.whl"))
    if len(found) != 1 or found[0].is_symlink() or not found[0].is_file():
        raise DownloadError(f"pip gave {len(found)} wheels for {requirement}, not one")
    return found[0]


def _watch(
    process: "subprocess.Popen[bytes]",
    folders: Tuple[Path, Path],
    size: Optional[int],
    report: Optional[Report],
) -> None:
    """Wait for pip, say how far it is, and stop it where it brings far more than it should."""
    most = MOST if size is None else size
    while process.poll() is None:
        try:
            process.wait(_BETWEEN)
        except subprocess.TimeoutExpired:
            count = sum(map(_bytes_in, folders))
            if count > 4 * most + (1 << 20):  # its own copies among them
                raise DownloadError(f"brings more than the {most} bytes that it should") from None
            if report and count:
                report(min(count, most), size)


def _bytes_in(folder: Path) -> int:
    count = 0
    for at, _, names in os.walk(str(folder)):
        for name in names:
            try:
                count += os.lstat(os.path.join(at, name)).st_size
            except OSError:  # pip has moved it meanwhile
                continue
    return count


def _reason(text: str, requirement: str) -> str:
    """Why pip failed, in one line."""
    if "No module named pip" in text:
        return f"this Python has no pip; {os.path.basename(sys.executable)} -m ensurepip brings it"
    if "Retrying (" in text or "NewConnectionError" in text or "ConnectTimeout" in text:
        return "pip's package index does not answer"
    if "No matching distribution" in text:
        return f"pip's package index has no wheel of {requirement} for this Python"
    errors = [line.strip() for line in text.splitlines() if line.strip().startswith("ERROR:")]
    lines = errors or [line.strip() for line in text.splitlines() if line.strip()]
    return f"pip failed: {lines[-1][:_LONGEST] if lines else 'it said nothing'}"
