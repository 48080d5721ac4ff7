"""A small net, and solvers of it: what the tests of solvers begin with."""

from pathlib import Path
from typing import Any, Callable

import pytest

import caffe_compat as caffe
from tests.support.training import FIXED, SMALL


@pytest.fixture(autouse=True)
def quiet_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own, where the net is, and logs nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLOG_minloglevel", "2")
    Path("net.prototxt").write_text(SMALL)


@pytest.fixture
def solver() -> Callable[..., Any]:
    """Makes a solver of the small net: solver(settings, kind="SGDSolver", net=...)."""

    def make(
        settings: str = FIXED, kind: str = "SGDSolver", net: str = 'net: "net.prototxt"'
    ) -> Any:
        Path("solver.prototxt").write_text(f"{net}\n{settings}\n")
        caffe.set_random_seed(2)
        return getattr(caffe, kind)("solver.prototxt")

    return make
