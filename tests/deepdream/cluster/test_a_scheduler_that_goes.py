"""A scheduler that goes away in the middle: one line, and what is written stays."""

import pytest

from deepdream.cluster.client import Cluster

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow  # workers take seconds to start


def test_a_scheduler_that_goes_leaves_what_is_written(run, photo, tmp_path, workers, monkeypatch):
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for path in paths:
        path.write_bytes(photo.read_bytes())
    result, taken = Cluster.result, []

    def goes(self, begun):
        taken.append(1)
        if len(taken) == 2:
            workers.close()
        return result(self, begun)

    monkeypatch.setattr(Cluster, "result", goes)
    words = ["--iterations", 1, "--octaves", 2, "--octave-scale", "1.2"]
    out, address = tmp_path / "dreams", workers.scheduler_address
    code, said, err = run("batch", *paths, "-o", out, *words, "--scheduler", address)
    assert code == 2 and said.splitlines()[-1] == "1 of 2 pictures done; 1 left"
    assert f"scheduler {address}: is gone" in err and "Traceback" not in err
    assert [path.name for path in out.iterdir()] == ["a-dream.png"]
