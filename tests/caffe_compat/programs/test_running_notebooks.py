"""Notebooks, run as they are: what they show, what they leave, and how they end."""

import json
import re
import signal
from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import pytest
from PIL import Image

from tests.support.programs import OLD, STAND_IN, Run

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("IPython")

PICTURE = (
    "import numpy as np, PIL.Image, io\n"
    "from IPython.display import Image, display, clear_output\n"
    "def show(value, kind='png'):\n"
    "    f = io.BytesIO()\n"
    "    PIL.Image.fromarray(np.full((2, 3, 3), value, np.uint8)).save(f, kind)\n"
    "    display(Image(data=f.getvalue()))\n"
)


@pytest.fixture
def notebook(run: Run, tmp_path: Path) -> Callable[..., Any]:
    """Write cells into book.ipynb, of format 3 or 4, and run it; returns the finished process."""

    def call(*cells: str, version: int = 4, metadata: Any = None, **more: Any) -> Any:
        if version == 3:
            inputs = [
                {"cell_type": "code", "input": text.splitlines(True), "language": "python",
                 "metadata": {}, "outputs": [], "collapsed": False}
                for text in cells
            ]  # fmt: skip
            sheets = [{"cells": inputs, "metadata": {}}]
            book = {"nbformat": 3, "nbformat_minor": 0, "worksheets": sheets}
        else:
            inputs = [
                {"cell_type": "code", "source": text.splitlines(True), "metadata": {},
                 "outputs": [], "execution_count": None}
                for text in cells
            ]  # fmt: skip
            book = {"nbformat": 4, "nbformat_minor": 0, "cells": inputs}
        book["metadata"] = metadata or {}
        (tmp_path / "book.ipynb").write_text(json.dumps(book), encoding="utf-8")
        return run("book.ipynb", **more)

    return call


def executed(folder: Path, name: str = "book.ipynb") -> Any:
    """The executed copy, which must be valid."""
    book = nbformat.read(folder / name, nbformat.NO_CONVERT)
    nbformat.validate(book)
    assert book.nbformat == 4
    return book


def said(cell: Any) -> str:
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


@pytest.mark.parametrize("version", [3, 4])
def test_formats_3_and_4(notebook: Any, tmp_path: Path, version: int) -> None:
    done = notebook("a = 3\nprint(a)", "a + 1", "import sys\nsys.argv[1:]", version=version)
    assert (done.returncode, done.stdout) == (0, "3\n4\n[]\n"), done.stderr
    cells = executed(tmp_path / "book-executed").cells
    assert said(cells[0]) == "3\n" and [cell.execution_count for cell in cells] == [1, 2, 3]
    assert cells[1].outputs[0].data == {"text/plain": "4"}
    assert cells[1].outputs[0].execution_count == 2


def test_pictures_are_files_in_the_order_in_which_they_are_shown(
    notebook: Any, tmp_path: Path
) -> None:
    loop = "for i in range(3):\n    show(i * 9)\n    print(i)\n    clear_output(wait=True)"
    done = notebook(PICTURE, loop, "show(200, 'jpeg'); show(7, 'gif')")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "book-executed"
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["book.ipynb", "cell02-0001.png", "cell02-0002.png", "cell02-0003.png",
                     "cell03-0001.jpg", "cell03-0002.gif"]  # fmt: skip
    seen = [int(np.array(Image.open(folder / f"cell02-000{i}.png")).max()) for i in (1, 2, 3)]
    assert seen == [0, 9, 18]
    cell = executed(folder).cells[1]  # each step in the place of the one before
    assert [o.output_type for o in cell.outputs] == ["display_data", "stream"]
    assert said(cell) == "2\n"
    assert "5 pictures and the executed copy book.ipynb are in" in done.stderr


@pytest.mark.slow
def test_magics_of_then_are_answered(notebook: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = notebook(
        "%pylab inline\n%load_ext autoreload\n%autoreload 2\n"
        "%config InlineBackend.figure_format = 'png'\nget_ipython().magic(u'matplotlib inline')",
        "imshow(zeros((2, 2)))\n%precision 3\n3.14159",
        "%%capture out\nprint('kept')",
        "%%time\nx = out.stdout",
        "%%writefile made.py\ny = 5\n",
        "%run made.py\nprint(x, y)",
        "%timeit -n1 -r1 pass\nlen?\n%cd ..",
        "%%html\n<b>bold</b>",
    )
    assert done.returncode == 0, done.stderr
    assert "3.142" in done.stdout and "kept\n 5" in done.stdout
    assert [p.name for p in (tmp_path / "book-executed").glob("*.png")] == ["cell02-0001.png"]
    cells = executed(tmp_path / "book-executed").cells
    assert cells[7].outputs[0].data["text/html"] == "<b>bold</b>\n"


def test_clear_output_at_once_and_updates_of_a_display(notebook: Any, tmp_path: Path) -> None:
    done = notebook(
        "from IPython.display import clear_output, display\nprint('gone')\nclear_output()",
        "h = display('first', display_id=True)\nh.update('second')",
    )
    cells = executed(tmp_path / "book-executed").cells
    assert done.returncode == 0 and cells[0].outputs == []
    assert [o.data["text/plain"] for o in cells[1].outputs] == ["'second'"]


def test_plots_are_shown_inline(notebook: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = notebook(
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "plt.imshow([[1, 2]])\nplt.show()\nplt.plot([3])",
    )
    assert done.returncode == 0, done.stderr
    names = sorted(p.name for p in (tmp_path / "book-executed").glob("*.png"))
    assert names == ["cell01-0001.png", "cell02-0001.png", "cell02-0002.png"]


def test_shell_lines_are_shown_and_not_run(notebook: Any, tmp_path: Path) -> None:
    cells = ["!touch made\nx = !echo a\nprint(x, 'on')", "%%bash\ntouch made", "%system touch made"]
    done = notebook(*cells)
    assert done.returncode == 0 and not (tmp_path / "made").exists(), done.stderr
    assert done.stdout.count("not run: --shell runs shell lines") == 4
    assert "!touch made" in done.stdout and "[] on" in done.stdout


def test_shell_runs_them(notebook: Any, tmp_path: Path) -> None:
    name = "made by shell"
    done = notebook(f"name = {name!r}\n!touch \"$name\" && echo done $name\nx = !echo a\nprint(x)",
                    options=["--shell"])  # fmt: skip
    assert done.stdout == f"done {name}\n['a']\n" and (tmp_path / name).exists(), done.stderr
    assert said(executed(tmp_path / "book-executed").cells[0]) == done.stdout


def test_mkdir_alone_is_done_without_a_shell(notebook: Any, tmp_path: Path) -> None:
    done = notebook("!mkdir frames\n!mkdir -p a/b c\n!mkdir x; touch y\n!mkdir frames")
    assert done.returncode == 0
    folders = sorted(p.name for p in tmp_path.iterdir() if p.is_dir())
    assert folders == ["a", "book-executed", "c", "frames"] and (tmp_path / "a" / "b").is_dir()
    assert "mkdir: cannot create directory 'frames'" in done.stderr


@pytest.mark.parametrize(
    ("cell", "line", "error"),
    [
        ("a = 1\n\n1 / 0", 3, "ZeroDivisionError"),
        ("def f():\n    return 1 / 0\n\nf()", 4, "ZeroDivisionError"),
        ("a = 1\nfor in 3:\n    pass", 2, "SyntaxError"),
        ("%nosuchmagic", 1, "UsageError"),
    ],
)
def test_a_failing_cell_says_which_and_its_line(
    notebook: Any, tmp_path: Path, cell: str, line: int, error: str
) -> None:
    done = notebook("x = 1", cell, "print('never')")
    where = f"cell 2 (In [2]), line {line}"
    assert done.returncode == 1 and "never" not in done.stdout
    assert f"book.ipynb, {where}: {error}" in done.stderr, done.stderr
    cells = executed(tmp_path / "book-executed").cells
    assert cells[1].outputs[-1].output_type == "error" and cells[1].outputs[-1].ename == error
    assert cells[2].outputs == [] and cells[2].execution_count is None


@pytest.mark.parametrize(
    ("last", "code"),
    [("exit()", 0), ("import sys\nsys.exit(3)", 3), ("raise SystemExit('told')", 1), ("quit", 0)],
)
def test_a_notebook_that_ends_itself(notebook: Any, tmp_path: Path, last: str, code: int) -> None:
    done = notebook("print('x')", last)
    assert (done.returncode, done.stdout.splitlines()[0]) == (code, "x"), done.stderr
    assert "Traceback" not in done.stderr and "exception" not in done.stderr
    assert ("told" in done.stderr) == (code == 1)
    assert said(executed(tmp_path / "book-executed").cells[0]) == "x\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_was_finished_is_left_when_it_is_killed(
    notebook: Any, tmp_path: Path, number: int
) -> None:
    kill = f"import os, time\nos.kill(os.getpid(), {int(number)})\nfor i in range(10**7): pass"
    done = notebook("print('x')", kill)
    assert done.returncode == -number, done.stderr
    assert said(executed(tmp_path / "book-executed").cells[0]) == "x\n"


def test_it_reads_standard_input_and_forks(notebook: Any, tmp_path: Path) -> None:
    done = notebook(
        "name = input()\nprint('read', name)",
        "import os\npid = os.fork()\nif pid == 0: os._exit(4)\nprint(os.waitpid(pid, 0)[1] >> 8)",
        stdin="told\n",
    )
    assert done.stdout == "read told\n4\n", done.stderr


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "kernel R (R)"),
        ({"language_info": {"name": "julia"}}, "julia"),
    ],
)
def test_another_kernels_notebook_is_refused(notebook: Any, metadata: Any, message: str) -> None:
    done = notebook("print(1)", metadata=metadata)
    assert done.returncode == 2 and message in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not done.stdout


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no json", '{"nbformat": 4, "cells": 7}'])
def test_what_is_no_notebook_is_refused(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "book.ipynb").write_text(text)
    done = run("book.ipynb")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1 and "book.ipynb" in done.stderr
    assert not (tmp_path / "book-executed").exists()


@pytest.mark.slow
def test_earlier_results_are_kept_unless_told_otherwise(notebook: Any, tmp_path: Path) -> None:
    assert notebook(PICTURE, "show(1); show(2)").returncode == 0
    mine = tmp_path / "book-executed" / "mine.png"
    mine.write_bytes(b"mine")
    refused = notebook("print('x')")
    assert refused.returncode == 2 and "--overwrite" in refused.stderr and not refused.stdout
    assert notebook("print('x')", options=["--overwrite"]).returncode == 0
    names = sorted(p.name for p in (tmp_path / "book-executed").iterdir())
    assert names == ["book.ipynb", "mine.png"]
    own = notebook("print('x')", options=["--out", ".", "--overwrite"])
    assert own.returncode == 2 and "own folder" in own.stderr


def test_a_notebook_runs_in_its_own_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    cell = {"cell_type": "code", "source": "import beside\nprint(open('a.txt').read())",
            "metadata": {}, "outputs": [], "execution_count": None}  # fmt: skip
    book = {"nbformat": 4, "nbformat_minor": 0, "metadata": {}, "cells": [cell]}
    (tmp_path / "deep" / "book.ipynb").write_text(json.dumps(book))
    (tmp_path / "deep" / "beside.py").write_text("print('beside')\n")
    (tmp_path / "deep" / "a.txt").write_text("text")
    done = run("deep/book.ipynb")
    assert done.stdout == "beside\ntext\n", done.stderr
    assert (tmp_path / "book-executed" / "book.ipynb").exists()


def test_cells_of_python_2(notebook: Any, tmp_path: Path) -> None:
    pytest.importorskip("fissix")
    cells: List[str] = [
        "%time x = 3 / 2\nprint x, 0777, `x`",
        "def f((a, b)):\n    print 'in f'\n    return a / b\n!mkdir frames\nd = {'k': 7 / 2}",
        "print d.keys()[0], f((7, 2)),\nprint 'on'",
        "for k, v in d.iteritems():\n    print >>__import__('sys').stderr, k\n5 / 2",
        "f((1, 0))",
    ]
    done = notebook(*cells, version=3)
    assert done.returncode == 1 and "book.ipynb is Python 2 (cell 1, line 2" in done.stderr
    lines = [line for line in done.stdout.splitlines() if "time" not in line]
    assert lines[0].startswith("1 511 1") and lines[1:] == ["in f", "k 3 on", "2", "in f"]
    assert "cell 5 (In [5]), line 1: ZeroDivisionError" in done.stderr
    assert "values.py" not in done.stderr and "return a / b" in done.stderr
    assert executed(tmp_path / "book-executed").cells[0].source == cells[0]


def test_a_kernel_of_python_2_makes_every_cell_python_2(notebook: Any) -> None:
    pytest.importorskip("fissix")
    spec = {"kernelspec": {"name": "python2", "display_name": "Python 2", "language": "python"}}
    assert notebook("5 / 2", metadata=spec).stdout == "2\n"
    newer = {"language_info": {"name": "python", "version": "3.6.1"}}
    done = notebook("5 / 2", metadata=newer, options=["--overwrite"])
    assert done.stdout == "2.5\n"


def test_seed_begins_each_cell_anew(notebook: Any) -> None:
    cell = "import random, numpy as np\nprint(random.random(), np.random.rand())"
    done = notebook(cell, cell, options=["--seed", "3"])
    first, second = done.stdout.splitlines()
    assert first == second
    np.random.seed(3)
    assert float(first.split()[1]) == np.random.rand()


@pytest.mark.slow
def test_the_notebook_of_2015_gives_our_own_pixels(run: Run, jpeg: Path, tmp_path: Path) -> None:
    """Format 3, Python 2, GoogLeNet's place on somebody's disk: the dreams are equal to the bit."""
    from scripts.docs import reproduce_notebook

    pytest.importorskip("fissix")
    jpeg.rename(tmp_path / "sky.jpg")
    with Image.open(tmp_path / "sky.jpg") as picture:
        picture.resize((160, 120)).save(tmp_path / "sky.jpg", quality=95)
        picture.rotate(90).resize((120, 160)).save(tmp_path / "flowers.jpg", quality=95)
    done = run("dream_2015.ipynb", options=[*STAND_IN, "--seed", "0", "--fresh-diffs"])
    assert done.returncode == 0, done.stderr
    assert "motif_googlenet stands in for bvlc_googlenet" in done.stderr
    pictures = ["--image", str(tmp_path / "sky.jpg"), "--guide", str(tmp_path / "flowers.jpg")]
    settings = ["--iterations", "2", "--frames", "2", "--model", "motif_googlenet"]
    assert reproduce_notebook.main(["-o", str(tmp_path / "ours"), *pictures, *settings]) == 0
    for name in ("dream.png", "5x5_reduce.png", "guided.png"):
        theirs, ours = (np.array(Image.open(at / name)) for at in (tmp_path, tmp_path / "ours"))
        assert np.array_equal(theirs, ours), name
    for number in range(2):
        ours = np.array(Image.open(tmp_path / "ours" / "frames" / f"{number:04d}.jpg"))
        again = tmp_path / "again.jpg"
        with Image.open(tmp_path / "frames" / f"{number:04d}.png") as frame:
            frame.save(again, quality=95, subsampling=0)  # as `deepdream zoom` saves them
        assert np.array_equal(np.array(Image.open(again)), ours), number
    shown = executed(tmp_path / "dream_2015-executed", "dream_2015.ipynb")
    assert re.search(r"3 1 inception_4c/output \(120, 160, 3\)", said(shown.cells[8]))
    assert sorted(p.name for p in tmp_path.glob("*.ipynb")) == ["dream_2015.ipynb"]
    assert (tmp_path / "dream_2015.ipynb").read_bytes() == (OLD / "dream_2015.ipynb").read_bytes()
