"""Our own notebook runs from top to bottom, on the default model, and shows what its stored outputs show."""

import copy
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]


def kinds(notebook):
    """What each cell put out: the kinds of its data, in order; printed text may come in any number of pieces."""
    return [
        [sorted(o.data) for o in cell.get("outputs", []) if "data" in o] for cell in notebook.cells
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    stored = nbformat.read(ROOT / "notebooks" / "dream.ipynb", 4)
    fresh = copy.deepcopy(stored)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(
        fresh, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert kinds(fresh) == kinds(stored)
    assert len(list((tmp_path / "frames").glob("*.jpg"))) == 6


def test_the_stored_outputs_tell_nothing_of_the_machine():
    text = (ROOT / "notebooks" / "dream.ipynb").read_text()
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)
