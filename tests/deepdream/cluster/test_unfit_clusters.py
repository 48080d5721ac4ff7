"""A scheduler that is not there, a worker that is not as this process is: one line, before any
work."""

import socket
import sys
from dataclasses import replace

import pytest

from deepdream.cluster import check, client
from deepdream.cluster.client import Cluster
from deepdream.settings import CLUSTER
from netfile.system.files import file_sha1

pytestmark = pytest.mark.slow  # workers take seconds to start


@pytest.fixture
def refused(run, photo, tmp_path):
    """Ask for a dream by such options; returns the line with which it is refused."""

    def ask(*words):
        out = tmp_path / "dream.png"
        code, _, err = run("dream", photo, "-o", out, "--seed", 1, *words)
        assert code == 2 and not out.exists()
        (line,) = err.splitlines()
        return line

    return ask


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(client, "CLUSTER", replace(CLUSTER, seconds=1))


@pytest.fixture
def listening():
    """The address of what answers nothing."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield f"tcp://127.0.0.1:{one.getsockname()[1]}"


def test_without_dask_the_way_to_install_it_is_told(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    line = refused("--workers", 2)
    assert "needs Dask distributed" in line and "[cluster]" in line


def test_a_scheduler_that_does_not_answer(refused, impatient, listening):
    pytest.importorskip("distributed")
    assert f"scheduler {listening}: no scheduler answers within 1 s" in refused(
        "--scheduler", listening
    )


@pytest.mark.parametrize("address", ["nowhere", "gopher://127.0.0.1:1", "tcp://127.0.0.1"])
def test_what_is_no_address(refused, impatient, address):
    pytest.importorskip("distributed")
    assert f"scheduler {address}: " in refused("--scheduler", address)


def test_a_worker_is_no_scheduler(refused, workers):
    worker = next(iter(workers.scheduler_info["workers"]))
    assert f"scheduler {worker}: is a Worker of Dask" in refused("--scheduler", worker)


def test_a_scheduler_without_workers(refused, impatient):
    distributed = pytest.importorskip("distributed")
    settings = dict(host="127.0.0.1", dashboard_address=None, processes=False, protocol="tcp")
    with distributed.LocalCluster(n_workers=0, **settings) as cluster:
        address = cluster.scheduler_address
        assert f"scheduler {address}: has no workers" in refused("--scheduler", address)


def test_a_worker_of_another_version(refused, scheduler, monkeypatch):
    monkeypatch.setattr(check, "__version__", "0.0.1")
    line = refused("--scheduler", scheduler)
    assert "worker tcp://127.0.0.1:" in line and "there, and 0.0.1 here" in line


def test_a_worker_that_joins_later_is_asked_too(
    run, photo, tmp_path, refused, scheduler, monkeypatch
):
    monkeypatch.setattr(Cluster, "check", lambda self, net: None)
    monkeypatch.setattr(check, "__version__", "0.0.1")
    assert "there, and 0.0.1 here" in refused("--scheduler", scheduler)
    out = tmp_path / "dreams"
    code, said, err = run("batch", photo, "-o", out, "--scheduler", scheduler)
    assert code == 2 and "there, and 0.0.1 here" in err
    assert said.splitlines()[-1] == "0 of 1 picture done; 1 left"  # it is no picture's fault


def test_a_worker_without_this_package(refused, scheduler, monkeypatch):
    class Elsewhere:
        """Pickled as a name that no worker knows."""

        def __reduce__(self):
            return exec, ("import deepdream_of_another_version",)

    monkeypatch.setattr(check, "place_of", lambda model: Elsewhere())
    line = refused("--scheduler", scheduler)
    assert "cannot run deepdream-caffe" in line and "deepdream_of_another_version" in line


def test_a_worker_without_the_model(refused, scheduler, monkeypatch, tmp_path):
    monkeypatch.setattr(check, "place_of", lambda model: str(tmp_path / "gone"))
    line = refused("--scheduler", scheduler)
    assert "worker tcp://127.0.0.1:" in line and f'unknown model "{tmp_path}/gone"' in line


def test_a_worker_with_other_weights(refused, scheduler, monkeypatch, tmp_path, small_folder):
    for file in small_folder.glob("*.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "small.caffemodel"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(check, "place_of", lambda model: str(tmp_path))
    line = refused("--scheduler", scheduler)
    here, there = (file_sha1(path) for path in (small_folder / "small.caffemodel", weights))
    assert f"the weights' SHA1 of {small_folder} is {there} there, and {here} here" in line


def test_steps_are_not_kept_elsewhere(refused, tmp_path):
    assert "--animate needs every step in this process" in refused(
        "--workers", 2, "--animate", tmp_path / "a.gif"
    )


def test_a_scheduler_and_own_workers_exclude_each_other(run, photo):
    code, _, err = run("dream", photo, "--workers", 2, "--scheduler", "tcp://127.0.0.1:8786")
    assert code == 2 and "not allowed with" in err
