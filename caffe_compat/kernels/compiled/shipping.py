"""Compiled loops for wheels: python -m caffe_compat.kernels.compiled.shipping FOLDER"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from . import processor


def write(name: str, folder: Path) -> None:
    """Compile all tasks for one of processor.SHIPPED, in a process that has loaded none."""
    (target,) = (each for each in processor.SHIPPED if each.name == name)
    processor.PROCESSOR = target
    kernels = import_module(__package__.rpartition(".")[0])
    for module in walk_packages(kernels.__path__, f"{kernels.__name__}."):
        if module.name != __name__:
            import_module(module.name)
    from . import tasks

    for unit in tasks.units():
        unit.kept().ship(unit.made(), folder, target)


def main() -> None:
    """Write a folder for each processor, by a process for each."""
    if sys.argv[2:]:
        write(sys.argv[2], Path(sys.argv[1]))
        return
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    for each in processor.SHIPPED:
        command = [sys.executable, "-m", f"{__package__}.shipping", sys.argv[1], each.name]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
