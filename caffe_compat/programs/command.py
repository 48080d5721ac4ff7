"""Run a pycaffe program or notebook unchanged.

In its process, and in those that it starts, `import caffe` gives this engine.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NoReturn, Optional, Tuple

from netfile.errors import NetError, printable
from netfile.system import caffe_root
from netfile.system.places import ENGINE_PYTHON, IS_CHECKOUT, ROOT, engine_lacks

from . import settings

_SHIM = Path(__file__).resolve().parent.parent / "as_caffe"
_NOTEBOOK = "caffe_compat.programs.notebook"
_NOTEBOOKS = ("fresh_diffs", "overwrite", "shell")  # options that only notebooks have


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def _is_module() -> bool:
    return os.path.basename(sys.argv[0]) == "__main__.py"


def _parser() -> argparse.ArgumentParser:
    p = _Parser(
        prog="python -m caffe_compat" if _is_module() else "caffe-compat",
        description=__doc__,
        usage="%(prog)s [OPTIONS] (PROGRAM | -m MODULE) [ARGS ...]",
    )
    p.add_argument(
        "--cpu",
        action="store_true",
        help="run a program that asks for a GPU on the CPU, and say so once",
    )
    p.add_argument("--allow-python-layers", action="store_true",
                   help="let nets run the Python code that their Python layers name")  # fmt: skip
    p.add_argument("--python2", action="store_true",
                   help="take the program, and the modules beside it, for Python 2 (else those "
                   "that do not parse, or use names that only Python 2 has)")  # fmt: skip
    p.add_argument("--no-shims", action="store_true",
                   help="do not answer old names of NumPy, SciPy and other libraries")  # fmt: skip
    p.add_argument("--caffe-root", metavar="DIR",
                   help="lay out DIR as Caffe's folder, with links to the models that are here, "
                   "unless it is; it is CAFFE_ROOT, and stands in for one that is looked for in "
                   "vain")  # fmt: skip
    p.add_argument("--model", metavar="NAME=OTHER", action="append", default=[],
                   help="have another model, by its name or folder, stand in for NAME where "
                   "Caffe's models/NAME is looked for; may be repeated")  # fmt: skip
    p.add_argument(
        "--seed",
        type=_seed,
        metavar="N",
        help="have random and numpy.random begin with N; in a notebook, in each cell",
    )
    p.add_argument(
        "--fresh-diffs",
        action="store_true",
        help="zero the gradients in a notebook's nets before each cell; Caffe leaves "
        "those of layers beside the next target, which then leak into its dream",
    )
    p.add_argument(
        "--shell",
        action="store_true",
        help="run a notebook's shell lines (!wget ...), which else are only shown",
    )
    p.add_argument("--out", metavar="DIR",
                   help="where a notebook's pictures and its executed copy go (default: "
                   "NOTEBOOK-executed, in the current folder)")  # fmt: skip
    p.add_argument(
        "--overwrite",
        action="store_true",
        help="replace what an earlier run of the notebook has left there",
    )
    p.add_argument("-m", dest="module", metavar="MODULE", nargs=argparse.REMAINDER,
                   help="run a module, as python -m does")  # fmt: skip
    p.add_argument("script", nargs=argparse.REMAINDER, metavar="PROGRAM",
                   help="a Python program or a notebook (.ipynb), and its arguments")  # fmt: skip
    return p


def _arguments(argv: List[str]) -> Tuple[argparse.Namespace, List[str]]:
    """The options, and the command line that follows Python's own name."""
    p = _parser()
    args = p.parse_args(argv)
    if sys.version_info < ENGINE_PYTHON or importlib.util.find_spec("numba") is None:
        p.error(engine_lacks(ImportError("No module named 'numba'")))
    if args.module is not None:
        if not args.module:
            p.error("-m needs the name of a module")
        return args, ["-m", *args.module]
    if not args.script:
        p.error("no PROGRAM to run; give a Python program or a notebook, or -m MODULE")
    program = args.script[0]
    if not os.path.exists(program):
        p.error(f"no such program: {program}")
    if program.endswith(".ipynb"):
        out = os.path.abspath(args.out or f"{Path(program).stem}-executed")
        given = [f"--{o.replace('_', '-')}" for o in _NOTEBOOKS if getattr(args, o)]
        return args, ["-m", _NOTEBOOK, *given, "--out", out, "--", *args.script]
    for option in ("out", *_NOTEBOOKS):
        if getattr(args, option):
            name = option.replace("_", "-")
            p.error(f"--{name} is for notebooks, and {program} is not one (.ipynb)")
    return args, args.script


def environment(
    cpu: bool = False,
    allow_python_layers: bool = False,
    wanted: Optional[settings.Settings] = None,
) -> Dict[str, str]:
    """The environment in which Python's `import caffe` gives this engine.

    Args:
        cpu: whether set_mode_gpu() runs on the CPU.
        allow_python_layers: whether nets may run the code that they name.
        wanted: how the program is run.
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
    wanted = wanted or settings.Settings()
    settings.give(wanted, env)
    if wanted.tree:
        env["CAFFE_ROOT"] = wanted.tree
    return env


def _tree(root: Optional[str], models: List[str]) -> Optional[str]:
    """The folder laid out as Caffe's, where one is asked for; says which model stands in."""
    if root is None and not models:
        return None
    stand_ins = caffe_root.stand_ins(models)
    folder = caffe_root.lay_out(root, stand_ins).folder
    for name, other in stand_ins.items():
        print(f"caffe_compat: {printable(other.name)} stands in for {printable(name)}",
              file=sys.stderr)  # fmt: skip
    return str(folder)


def main(argv: Optional[List[str]] = None) -> int:
    """Run a program in place of this one; argv: the command line, by default sys.argv's."""
    args, command = _arguments(sys.argv[1:] if argv is None else argv)
    try:
        tree = _tree(args.caffe_root, args.model)
    except (NetError, OSError) as e:
        _parser().error(str(e))
    wanted = settings.Settings(
        python2=args.python2, shims=not args.no_shims, tree=tree, seed=args.seed
    )
    env = environment(args.cpu, args.allow_python_layers, wanted)
    command = [sys.executable, *command]
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, command, env)
    return subprocess.call(command, env=env)  # where exec does not replace its caller
