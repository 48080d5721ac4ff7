"""Damaged files of every format: each is read, or refused in one line, and nothing else."""

import os
from pathlib import Path
from typing import List

import numpy as np
import pytest

from net_surgery.errors import FormatError
from net_surgery.imports import read
from tests.support import foreign_weights as foreign
from tests.support.damage import damaged

ROUNDS = int(os.environ.get("FUZZ_EXAMPLES", "60"))
ARRAYS = {
    "a.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "a.bias": np.ones(3, np.float32),
    "count": np.arange(2, dtype=np.int64),
}


def failures(path: Path, content: bytes, seed: int) -> List[str]:
    rng = np.random.RandomState(seed)
    found = []
    for number in range(ROUNDS):
        path.write_bytes(damaged(content, rng))
        try:
            arrays = read(str(path))
            assert all(isinstance(a, np.ndarray) for a in arrays.values())
            assert sum(a.nbytes for a in arrays.values()) < 1 << 27
        except FormatError as e:
            if "\n" in str(e) or str(path) not in str(e):
                found.append(f"{number}: {e}")
        except Exception as e:  # what a reader must not let out
            found.append(f"{number}: {type(e).__name__}: {e}")
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("format", foreign.WRITERS)
def test_damaged_files(tmp_path: Path, format: str, seed: int) -> None:
    assert not failures(tmp_path / "w", foreign.WRITERS[format](ARRAYS), seed)


def test_damaged_hdf5_files(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    foreign.keras(tmp_path / "w", ARRAYS)
    assert not failures(tmp_path / "v", (tmp_path / "w").read_bytes(), 1)
