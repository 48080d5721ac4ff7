"""Programs of Python 2, run as they are; what Python 2.7 itself printed is kept beside them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from caffe_compat.programs.python2 import builtins, values
from tests.support.programs import OLD, ROOT, STAND_IN, Run

pytest.importorskip("fissix")

SAID = "is Python 2 ("
BRANCHES = """
layer {{ name: "data" type: "Input" top: "data"
        input_param {{ shape {{ dim: 1 dim: 1 dim: 8 dim: 8 }} }} }}
layer {{ name: "fc6{0}" type: "{1}" bottom: "data" top: "fc6{0}" {2} }}
layer {{ name: "fc7{0}" type: "{1}" bottom: "fc6{0}" top: "fc7{0}" {3} }}
layer {{ name: "prob" type: "Softmax" bottom: "fc7{0}" top: "prob" }}
"""


@pytest.mark.parametrize(
    ("name", "stdin"), [("language", ""), ("idioms", ""), ("files", "in\nmore\n")]
)
def test_a_program_prints_what_python_2_prints(
    run: Run, tmp_path: Path, name: str, stdin: str
) -> None:
    (tmp_path / "made").mkdir()
    done = run(f"{name}.py", "made", stdin=stdin)
    assert done.stdout == (OLD / f"{name}.txt").read_text(encoding="utf-8"), done.stderr
    assert done.returncode == 0 and done.stderr.count(SAID) == 1
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_written_beside_the_program(run: Run, tmp_path: Path) -> None:
    before = (OLD / "language.py").read_bytes()
    run(
        "print helper.half(5)\n".join(["import helper\n", ""]), helper="def half(n): return n / 2\n"
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["helper.py", "main.py"]
    assert (OLD / "language.py").read_bytes() == before


def test_modules_beside_the_program_are_python_2_too(run: Run) -> None:
    helper = "def half(n):\n    return n / 2\n"
    assert run("import helper\nprint helper.half(5)\n", helper=helper).stdout == "2\n"
    # beside a program of today's, the same module means what it says
    assert run("import helper\nprint(helper.half(5))\n", helper=helper).stdout == "2.5\n"


def test_a_module_that_does_not_parse_is_translated_beside_a_newer_program(run: Run) -> None:
    done = run("import helper\nprint(5 / 2)\n", helper="print 'helper', 5 / 2\n")
    assert done.stdout == "helper 2\n2.5\n" and "helper.py " + SAID in done.stderr


def test_a_newer_module_beside_the_program_stays_newer(run: Run) -> None:
    newer = "def half(n: int) -> float:\n    return n / 2\n"
    assert run("import newer\nprint newer.half(5)\n", newer=newer).stdout == "2.5\n"


def test_true_division_where_the_source_asks_for_it(run: Run) -> None:
    assert run("from __future__ import division\nprint 5 / 2\n").stdout == "2.5\n"


def test_names_that_only_python_2_has_are_a_sign(run: Run) -> None:
    done = run("for i in xrange(2): pass\nprint(i / 2, unicode(3))\n")
    assert done.stdout == "(0, u'3')\n".replace("u'", "'") and "line 1: xrange" in done.stderr
    both = "try:\n    xrange\nexcept NameError:\n    xrange = range\nprint(5 / 2)\n"
    assert run(both).stdout == "2.5\n"


def test_python2_forces_it(run: Run) -> None:
    assert run("print(5 / 2)\n").stdout == "2.5\n"
    done = run("print(5 / 2)\n", options=["--python2"])
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_a_traceback_shows_the_lines_of_the_file(run: Run) -> None:
    text = "def f((a, b)):\n    print 'in f'\n    return a / b\n\nf((1, 0))  # here\n"
    done = run(text)
    said = [line.strip() for line in done.stderr.splitlines()]
    assert done.returncode == 1 and done.stdout == "in f\n"
    assert [line for line in said if line.startswith("File")] == [
        line for line in said if 'main.py", line 5, in <module>' in line or "line 3, in f" in line
    ]
    assert "f((1, 0))  # here" in said and "return a / b" in said
    assert said[-1].startswith("ZeroDivisionError") and "^" not in done.stderr


def test_a_traceback_that_the_program_prints_is_its_own(run: Run) -> None:
    done = run(
        "import sys, traceback\n"
        "try:\n    1 / 0\n"
        "except ZeroDivisionError:\n"
        "    traceback.print_exc(file=sys.stdout)\n"
        "    print traceback.format_exc().count('File')\n"
    )
    lines = done.stdout.splitlines()
    assert lines[1].endswith('main.py", line 3, in <module>') and lines[2:] == [
        "    1 / 0", "ZeroDivisionError: integer division or modulo by zero", "1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code", "stderr"),
    [("exit(3)", 3, ""), ("sys.exit('told')", 1, "told\n"), ("quit()", 0, "")],
)
def test_exit_codes_are_the_programs_own(run: Run, line: str, code: int, stderr: str) -> None:
    done = run(f"import sys\nprint 'x'\n{line}\n")
    assert (done.returncode, done.stdout) == (code, "x\n")
    assert "".join(done.stderr.splitlines(True)[1:]) == stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_it_as_it_ends_a_program(run: Run, number: int) -> None:
    done = run(
        f"import os\nprint 'x'\nos.kill(os.getpid(), {int(number)})\nfor i in range(9): pass\n"
    )
    assert done.returncode == -number


def test_it_forks_and_starts_processes(run: Run) -> None:
    text = (
        "import os, sys, subprocess, multiprocessing\n"
        "def half(n): return n / 2\n"
        "if __name__ == '__main__':\n"
        "    pid = os.fork()\n"
        "    if pid == 0: os._exit(4)\n"
        "    print os.waitpid(pid, 0)[1] >> 8, multiprocessing.Pool(1).map(half, [5])\n"
        "    spawn = multiprocessing.get_context('spawn')\n"
        "    print spawn.Pool(1).map(half, [7])\n"
        "    sys.stdout.flush()\n"
        "    print subprocess.call([sys.executable, 'child.py', 'a'])\n"
    )
    child = "import sys; print sys.argv[1:], __name__, 5 / 2, __file__[-8:]; sys.exit(9)\n"
    done = run(text, child=child)
    assert done.stdout == "4 [2]\n[3]\n['a'] __main__ 2 child.py\n9\n", done.stderr
    assert done.stderr.count(SAID) == 1


def test_syntax_of_neither_is_pythons_own_error(run: Run) -> None:
    done = run("print 'x'\nfor in 3:\n    pass\n")
    alone = subprocess.run(
        [sys.executable, "-c", "print 'x'\nfor in 3:\n    pass\n"], capture_output=True, text=True
    )
    assert done.returncode == alone.returncode == 1 and not done.stdout
    assert done.stderr.splitlines()[-1] == alone.stderr.splitlines()[-1]


def test_without_fissix_a_line_says_how_to_get_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "fissix.py").write_text("raise ImportError('hidden')")
    given = os.environ.get("PYTHONPATH", "")
    paths = os.pathsep.join([str(tmp_path / "hidden"), str(ROOT), given])
    done = run("print 'x'\n", env={"PYTHONPATH": paths})
    assert done.returncode == 1 and "[python2]" in done.stderr.splitlines()[0]


def test_a_folder_and_a_module_are_translated_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "__main__.py").write_text("print 5 / 2\n")
    assert run("folder").stdout == "2\n"
    done = run("-m", "tool", "a", tool="import sys\nprint sys.argv[1:], __name__, 5 / 2\n")
    assert done.stdout == "['a'] __main__ 2\n"


def test_an_encoding_that_the_source_declares(run: Run, tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(
        "# coding: latin-1\nprint len(u'\xe9'), 5 / 2\n".encode("latin-1")
    )
    assert run("latin.py").stdout == "1 2\n"


def test_integer_arrays_are_divided_as_numpy_did() -> None:
    whole, half = np.array([7, -7]), np.array([7.0, -7.0])
    assert values.div(whole, 2).tolist() == [3, -4] and values.div(half, 2).tolist() == [3.5, -3.5]
    assert values.div(np.int32(7), np.int64(2)) == 3 and values.div([7], whole[:1]).tolist() == [1]
    assert values.div(np.float32(7), 2) == 3.5 and values.div(7, 2.0) == 3.5
    kept = whole
    kept = values.idiv(kept, 2)
    assert kept is whole and whole.tolist() == [3, -4]


def test_rounding_is_away_from_zero() -> None:
    assert [builtins.OWN["round"](v) for v in (0.5, 1.5, 2.5, -0.5)] == [1.0, 2.0, 3.0, -1.0]
    assert [builtins.OWN["round"](2.675, n) for n in (2, 1)] == [2.67, 2.7]


def test_streams_that_a_program_replaces_and_puts_back(run: Run) -> None:
    done = run(
        "import sys, os\n"
        "class Twice:\n"
        "    def __init__(self, under): self.under = under\n"
        "    def write(self, text): self.under.write(text * 2)\n"
        "sys.stdout = Twice(sys.stdout)\n"
        "print 'a',\n"
        "sys.stdout = sys.__stdout__\n"
        "print 'b'\n"
        "sys.stdout = os.fdopen(sys.stdout.fileno(), 'w', 0)\n"
        "print 'c', 5 / 2\n"
    )
    assert done.stdout == "aab\nc 2\n" and done.returncode == 0, done


def test_keys_of_lmdb_are_str(run: Run) -> None:
    pytest.importorskip("lmdb")
    done = run(
        "import lmdb\n"
        "env = lmdb.open('base', map_size=int(1e6))\n"
        "with env.begin(write=True) as txn:\n"
        "    for i in range(2): txn.put('{:0>4d}'.format(i), 'value %d' % i)\n"
        "print env.stat()['entries']\n"
        "with env.begin() as txn:\n"
        "    print txn.get('0001'), [k for k, v in txn.cursor()]\n"
        "    cursor = txn.cursor(); print cursor.set_key('0000'), cursor.key(), cursor.item()[0]\n"
    )
    assert done.stdout == "2\nvalue 1 ['0000', '0001']\nTrue 0000 0000\n", done.stderr


def test_a_message_is_parsed_from_what_a_file_gives(run: Run) -> None:
    done = run(
        "from caffe.proto import caffe_pb2\n"
        "net = caffe_pb2.NetParameter(name='text alone')\n"
        "open('net', 'wb').write(net.SerializeToString())\n"
        "print caffe_pb2.NetParameter.FromString(open('net', 'rb').read()).name\n"
        "again = caffe_pb2.NetParameter(); again.ParseFromString(open('net').read())\n"
        "print type(open('net').read()) is str, again.name\n"
    )
    assert done.stdout == "text alone\nTrue text alone\n", done.stderr


def test_the_print_function_shows_floats_as_then(run: Run) -> None:
    done = run("from __future__ import print_function\nprint(0.1 + 0.2, xrange(1)[0], sep='|')\n")
    assert done.stdout == "0.3|0\n", done.stderr


def test_helpers_are_not_in_the_traceback_of_a_module(run: Run) -> None:
    helper = "def read(text):\n    return int(text)\n"
    done = run("import helper\nhelper.read('x')\n", helper=helper)
    assert "helper.py" in done.stderr and "values.py" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["visualise_class.py", "3"], ["stage 1 of 2: score grows True", "True uint8"]),
        (["dreamer.py", "-i", "photo.jpg", "-o", "frames"],
         ["frame 2 of 2 inception_4c/output (48, 64, 3) float32", "took True", "True True"]),
        (["dream_class.py", "photo.jpg"], ["84 conv1/7x7_s2 3", "(48, 64, 3) uint8 3"]),
    ],
)  # fmt: skip
def test_a_dreamer_of_2015_runs_unmodified(run: Run, jpeg: Path, words: list, lines: list) -> None:
    root = str(jpeg.parent / "caffe")
    done = run(*words, options=[*STAND_IN, "--caffe-root", root])
    assert done.returncode == 0, done.stderr
    assert set(lines) <= set(done.stdout.splitlines()), done.stdout


@pytest.mark.slow
def test_net_surgery_of_2015_runs_unmodified(run: Run, tmp_path: Path) -> None:
    inner = "inner_product_param {{ num_output: {} }}"
    conv = "convolution_param {{ num_output: {} kernel_size: {} }}"
    text = BRANCHES.format("", "InnerProduct", inner.format(6), inner.format(5))
    (tmp_path / "classify.prototxt").write_text(text)
    text = BRANCHES.format("-conv", "Convolution", conv.format(6, 8), conv.format(5, 1))
    (tmp_path / "conv.prototxt").write_text(text)
    done = run("surgery.py", ".")
    assert done.returncode == 0, done.stderr
    assert "(1, 5, 5, 5) (5, 5) True" in done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("program", ["features_hdf5.py", "windows.py"])
def test_other_programs_of_2015_run_unmodified(run: Run, jpeg: Path, program: str) -> None:
    for package in ("h5py", "sklearn"):
        pytest.importorskip(package)
    stand_in = ["--model", "bvlc_reference_rcnn_ilsvrc13=motif_googlenet"]
    done = run(program, ".", options=stand_in)
    last = {
        "features_hdf5.py": "66 12",
        "windows.py": "[(0, 0, 20, 30), (5, 8, 25, 38)] (44,)",
    }
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == last[program]
