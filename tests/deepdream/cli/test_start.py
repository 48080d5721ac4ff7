"""How a command line starts: with what its command needs, and no more."""

import subprocess
import sys
from pathlib import Path

import pytest

from deepdream.cli.main import COMMANDS, parser

ROOT = Path(__file__).resolve().parents[3]
# what takes longer to load than a step of a small dream
NEEDLESS = (
    "scipy.ndimage", "scipy.linalg", "numba.np.arraymath", "net_surgery.imports",
    "deepdream.cluster.client", "deepdream.web", "deepdream.cli.commands.zoom",
)  # fmt: skip
PROGRAM = f"""
import sys
from deepdream import cli
code = cli.main(sys.argv[1:])
sys.exit(code or " ".join(name for name in {NEEDLESS} if name in sys.modules) or 0)
"""


def test_a_parser_of_one_command_is_that_of_all():
    words = ["dream", "photo.jpg", "-o", "out.png", "--end", "4c"]
    alone, whole = (parser(commands).parse_args(words) for commands in (("dream",), COMMANDS))
    assert vars(alone) == vars(whole)


def test_a_dream_loads_only_what_it_needs(run, small_folder, engine_name, photo, tmp_path):
    if engine_name != "compat":
        pytest.skip("what a real Caffe loads is its own affair")
    words = ["dream", photo, "-o", tmp_path / "out.png", "--overwrite", "--iterations", "1",
             "--octaves", "2", "--smooth", "laplacian+natural"]  # fmt: skip
    assert run(*words)[0] == 0  # its loops are compiled from here on
    command = [*words, "--model", small_folder, "--engine", "compat", "--quiet"]
    other = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, command)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (other.returncode, other.stderr) == (0, "")
