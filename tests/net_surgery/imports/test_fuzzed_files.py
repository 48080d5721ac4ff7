"""Damaged files of every format: each is read, or refused in one line, and nothing else."""

import os
from pathlib import Path
from typing import List

import numpy as np
import pytest

from net_surgery.errors import FormatError
from net_surgery.imports import read
from tests.support import foreign_weights as foreign

ROUNDS = int(os.environ.get("FUZZ_EXAMPLES", "60"))
ARRAYS = {
    "a.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "a.bias": np.ones(3, np.float32),
    "count": np.arange(2, dtype=np.int64),
}


def damaged(content: bytes, rng: np.random.RandomState) -> bytes:
    """The bytes with a few of them changed, taken out, doubled or cut off."""
    out = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if not out:
            break
        at, kind = rng.randint(len(out)), rng.randint(6)
        length = rng.randint(1, 9)
        if kind == 0:
            out[at] ^= 1 << rng.randint(8)
        elif kind == 1:
            out[at : at + length] = bytes(rng.randint(0, 256, length).tolist())
        elif kind == 2:
            del out[at : at + length]
        elif kind == 3:
            out[at:at] = out[at : at + length]
        elif kind == 4:
            out[at : at + length] = b"\xff" * length
        else:
            del out[at:]
    return bytes(out)


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
