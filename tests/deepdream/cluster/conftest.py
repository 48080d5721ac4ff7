"""A cluster on this machine, as a person would start one: a scheduler and two workers."""

from typing import Any, Iterator

import pytest


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """Two workers, whose work is given up where two of them die of it."""
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
        cluster = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            memory_limit=None,
        )
    with cluster:
        yield cluster


@pytest.fixture
def scheduler(workers: Any) -> str:
    """Its address, for --scheduler."""
    return str(workers.scheduler_address)
