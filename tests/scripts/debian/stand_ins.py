"""A machine with stand-ins for apt-get and dpkg-deb, for the tests of the installers."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.debian import packages

APT = """#!{python}
import json, os, pathlib, sys
state = pathlib.Path({state!r})
plan = json.loads((state / "plan.json").read_text())
options = dict(word[2:].split("=", 1) for word in sys.argv[1:] if word.startswith("-o"))
with open(state / "calls.txt", "a") as f:
    f.write(" ".join(word for word in sys.argv[1:] if not word.startswith("-o")) + "\\n")
if "indextargets" in sys.argv:
    print("\\n".join(plan["sites"]))
elif "update" in sys.argv:
    if plan["update"]:
        sys.exit(print(plan["update"], file=sys.stderr) or 100)
    (state / "sources.txt").write_text(pathlib.Path(options["Dir::Etc::sourcelist"]).read_text())
else:
    archives = pathlib.Path(options["Dir::Cache"], "archives")
    for name in plan["packages"]:
        if name == plan["broken_at"]:
            sys.exit(print("E: Failed to fetch " + name, file=sys.stderr) or 100)
        package = archives / (name.replace("/", "%2f") + ".deb")
        if not package.exists():
            (state / "fetched.txt").open("a").write(name + "\\n")
            package.write_text(name)
"""
DPKG = """#!{python}
import json, pathlib, sys
plan = json.loads((pathlib.Path({state!r}) / "plan.json").read_text())
package, folder = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
if package.stem == plan["corrupt"]:
    sys.exit(print("corrupt archive", file=sys.stderr) or 2)
place = folder / package.stem.replace("%2f", "/")
place.parent.mkdir(parents=True, exist_ok=True)
place.write_text("unpacked")
"""


class Machine:
    """Linux on x86-64, whose apt serves two packages until `plan` says otherwise."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._state, tools = folder / "state", folder / "tools"
        self._state.mkdir()
        tools.mkdir()
        for name, text in (("apt-get", APT), ("dpkg-deb", DPKG)):
            (tools / name).write_text(text.format(python=sys.executable, state=str(self._state)))
            (tools / name).chmod(0o755)
        keyring = folder / "keyring.gpg"
        keyring.touch()
        monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
        monkeypatch.delenv("DEBIAN_MIRROR", raising=False)
        monkeypatch.setattr(packages, "KEYRING", keyring)
        monkeypatch.setattr("platform.machine", lambda: "x86_64")
        monkeypatch.setattr("platform.system", lambda: "Linux")
        self.plan()

    def plan(self, **changes: Any) -> Path:
        """Change what apt and dpkg do; returns the folder where they note what they did."""
        usual = {
            "sites": ["http://mirror.example/debian"],
            "update": "",
            "packages": ["numpy", "python3-caffe"],
            "broken_at": "",
            "corrupt": "",
        }
        (self._state / "plan.json").write_text(json.dumps({**usual, **changes}))
        return self._state

    @property
    def sources(self) -> str:
        """apt's sources, as it was given them."""
        return (self._state / "sources.txt").read_text()
