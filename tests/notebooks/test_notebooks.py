"""Our own notebooks run from top to bottom, and show the kinds of output that are stored."""

import copy
import re
from pathlib import Path
from typing import Any, List

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
# corners of the photographs, and two steps an octave: a tenth of the time
SMALLER = """
from functools import partial
photograph = load_sample_image
load_sample_image = lambda name: photograph(name)[:224, :224]
deepdream.deepdream = partial(deepdream.deepdream, iter_n=2)
deepdream.zoom = partial(deepdream.zoom, iter_n=2)
"""


def kinds(notebook: Any) -> List[List[List[str]]]:
    """The kinds of data that each cell shows, in order, without printed text.

    That may come in any number of pieces.
    """
    return [
        [sorted(o.data) for o in cell.get("outputs", []) if "data" in o] for cell in notebook.cells
    ]


def said(cell: Any) -> str:
    """The text that a cell has printed."""
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    stored = nbformat.read(ROOT / "notebooks" / "dream.ipynb", 4)
    fresh = copy.deepcopy(stored)
    code = [cell for cell in fresh.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs = []
    assert "import load_sample_image" in code[0].source
    code[0].source += SMALLER
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(fresh, timeout=300, kernel_name="python3", resources=where).execute()
    assert kinds(fresh) == kinds(stored)
    # a dream shows each step in place of the one before, so that its last one is left
    assert [said(cell) for cell in code if "report=show" in cell.source] == [
        "octave 4, step 2, (224, 224, 3)\n"
    ] * 5
    assert len(list((tmp_path / "frames").glob("*.jpg"))) == 6


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_live_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    stored = nbformat.read(ROOT / "notebooks" / "live.ipynb", 4)
    fresh = copy.deepcopy(stored)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(fresh, timeout=300, kernel_name="python3", resources=where).execute()
    assert kinds(fresh) == kinds(stored)


@pytest.mark.parametrize("name", ["dream.ipynb", "live.ipynb"])
def test_the_stored_outputs_say_nothing_of_the_machine(name: str) -> None:
    text = (ROOT / "notebooks" / name).read_text()
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)
