"""Run a pycaffe program unchanged.

In its process, and in those that it starts, `import caffe` gives this engine.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from netfile.places import ENGINE_PYTHON, IS_CHECKOUT, ROOT, engine_lacks

_SHIM = Path(__file__).resolve().parent / "as_caffe"


def _is_module() -> bool:
    return os.path.basename(sys.argv[0]) == os.path.basename(__file__)


def _arguments(argv: List[str]) -> Tuple[argparse.Namespace, List[str]]:
    p = argparse.ArgumentParser(
        prog="python -m caffe_compat" if _is_module() else "caffe-compat",
        description=__doc__,
        usage="%(prog)s [--cpu] [--allow-python-layers] (SCRIPT | -m MODULE) [ARGS ...]",
    )
    p.add_argument(
        "--cpu",
        action="store_true",
        help="run a program that asks for a GPU on the CPU, and say so once",
    )
    p.add_argument(
        "--allow-python-layers",
        action="store_true",
        help="let nets run the Python code that their Python layers name",
    )
    p.add_argument(
        "-m",
        dest="module",
        metavar="MODULE",
        nargs=argparse.REMAINDER,
        help="run a module, as python -m does",
    )
    p.add_argument(
        "script",
        nargs=argparse.REMAINDER,
        metavar="SCRIPT",
        help="a Python program and its arguments",
    )
    args = p.parse_args(argv)
    if sys.version_info < ENGINE_PYTHON or importlib.util.find_spec("numba") is None:
        p.error(engine_lacks(ImportError("No module named 'numba'")))
    if args.module is not None:
        if not args.module:
            p.error("-m needs the name of a module")
        return args, ["-m", *args.module]
    if not args.script:
        p.error("no SCRIPT to run; give a Python program, or -m MODULE")
    if not os.path.exists(args.script[0]):
        p.error(f"no such program: {args.script[0]}")
    return args, args.script


def environment(cpu: bool = False, allow_python_layers: bool = False) -> Dict[str, str]:
    """The environment in which Python's `import caffe` gives this engine.

    Args:
        cpu: whether set_mode_gpu() runs on the CPU.
        allow_python_layers: whether nets may run the code that they name.
    """
    env = dict(os.environ)
    paths = [
        str(_SHIM),
        *filter(None, env.get("PYTHONPATH", "").split(os.pathsep)),
        *([str(ROOT)] if IS_CHECKOUT else []),  # else Python finds it, or the shim adds it
    ]
    env["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    if cpu:
        env["CAFFE_COMPAT_CPU"] = "1"
    if allow_python_layers:
        env["CAFFE_COMPAT_PYTHON_LAYERS"] = "1"
    return env


def main(argv: Optional[List[str]] = None) -> int:
    """Run a program in place of this one; argv: the command line, by default sys.argv's."""
    args, command = _arguments(sys.argv[1:] if argv is None else argv)
    command, env = [sys.executable, *command], environment(args.cpu, args.allow_python_layers)
    if os.name == "posix":
        sys.stdout.flush()
        os.execve(sys.executable, command, env)
    return subprocess.call(command, env=env)  # where exec does not replace its caller


if __name__ == "__main__":
    sys.exit(main())
