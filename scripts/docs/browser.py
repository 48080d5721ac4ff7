"""Find a Chromium to look at pages with, or install Debian's.

Prints its path. `make test-pages` runs this first.
"""

import argparse
import os
import shutil
import subprocess
import sys
from typing import List, Optional

PACKAGE = "chromium"
# what its packages are called; CHROMIUM may name another
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
REMEDY = "install Chromium or Chrome, or name one: make test-pages CHROMIUM=/path/to/chrome"


class BrowserError(Exception):
    """There is no Chromium, and none could be installed; with what to do."""


def find() -> Optional[str]:
    """The path of a Chromium, or None.

    Raises:
        BrowserError: CHROMIUM names none.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        path = shutil.which(named)
        if path is None:
            raise BrowserError(f"CHROMIUM={named}: no such program; name one, or leave it out")
        return path
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> str:
    """Install Debian's Chromium, as root, and return its path.

    Raises:
        BrowserError: there is no apt, we are not root, or apt could not.
    """
    if shutil.which("apt-get") is None:
        raise BrowserError(f"no Chromium is installed, and there is no apt-get; {REMEDY}")
    if os.geteuid() != 0:
        raise BrowserError(
            f"no Chromium is installed, and only root may: sudo apt-get install {PACKAGE}; or "
            f"{REMEDY}"
        )
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    get = ["apt-get", "-qq", "-y", "-o", "Acquire::Retries=3"]
    wanted = [*get, "install", "--no-install-recommends", PACKAGE, "fonts-dejavu-core"]
    for command in ([*get, "update"], wanted):
        done = subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL)
        if done.returncode:
            told = " ".join(command)
            raise BrowserError(f"`{told}` ended with code {done.returncode}; {REMEDY}")
    path = find()
    if path is None:
        raise BrowserError(f"apt installed no {' or '.join(NAMES[:2])}; {REMEDY}")
    return path


def main(argv: Optional[List[str]] = None) -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(argv)
    try:
        print(find() or install())
    except BrowserError as e:
        print(f"browser: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
