"""LMDB databases that the library itself wrote, and damaged ones."""

from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest

from netfile.errors import FormatError
from netfile.lmdb import Database
from tests.support.damage import damaged

lmdb = pytest.importorskip("lmdb")


def write(folder: Path, entries: Dict[bytes, bytes], **options: Any) -> Path:
    env = lmdb.open(str(folder), map_size=1 << 27, **options)
    with env.begin(write=True) as txn:
        for key, value in entries.items():
            txn.put(key, value)
    env.close()
    return folder


def test_values_of_every_size_come_in_the_order_of_their_keys(
    tmp_path: Path, rng: np.random.RandomState
) -> None:
    sizes = [0, 1, 5, 700, 2000, 2040, 2050, 4096, 5000, 100_000]
    entries = {b"%05d" % rng.randint(99999): rng.bytes(sizes[i % 10]) for i in range(300)}
    database = Database(write(tmp_path / "a", entries))
    assert len(database) == len(entries)
    for _ in range(2):
        assert list(database.values()) == [entries[key] for key in sorted(entries)]


def test_a_tree_of_many_pages_is_read(tmp_path: Path) -> None:
    entries = {b"a long key, so that pages hold few of them: %08d" % i: b"%d" % i
               for i in range(20_000)}  # fmt: skip
    database = Database(write(tmp_path / "a", entries))
    assert database._meta.depth > 2
    assert [int(value) for value in database.values()] == list(range(20_000))


def test_the_last_transaction_counts(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", {b"%d" % i: b"x" * 3000 for i in range(9)})
    for round_ in range(3):
        env = lmdb.open(str(folder))
        with env.begin(write=True) as txn:
            txn.delete(b"%d" % round_)
            txn.put(b"8", b"%d" % round_)
        env.close()
        assert list(Database(folder).values()) == [b"x" * 3000] * (7 - round_) + [b"%d" % round_]


def test_a_database_may_be_one_file_or_empty(tmp_path: Path) -> None:
    alone = write(tmp_path / "alone", {b"k": b"v"}, subdir=False)
    assert list(Database(alone).values()) == [b"v"]
    assert list(Database(write(tmp_path / "none", {})).values()) == []


def test_databases_in_a_database_are_refused(tmp_path: Path) -> None:
    env = lmdb.open(str(tmp_path / "a"), max_dbs=2)
    env.open_db(b"inner")
    env.close()
    with pytest.raises(FormatError, match="databases in a database"):
        list(Database(tmp_path / "a").values())


@pytest.mark.parametrize("content", [b"", b"x" * 10, b"\0" * 9000, b"no database" * 1000])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.mdb").write_bytes(content)
    with pytest.raises(FormatError, match="not an LMDB database"):
        Database(tmp_path)
    with pytest.raises(OSError):
        Database(tmp_path / "nowhere")


def test_a_damaged_database_is_refused_or_read(tmp_path: Path, rng: np.random.RandomState) -> None:
    folder = write(tmp_path / "a", {b"%04d" % i: rng.bytes(40 * i) for i in range(150)})
    whole = (folder / "data.mdb").read_bytes()
    refused = 0
    for _ in range(150):
        # where the pages' headers and nodes are, rather than in values
        at = 4096 * rng.randint(len(whole) // 4096)
        part = damaged(whole[at : at + 64], rng)
        content = whole[:at] + part.ljust(64, b"\0")[:64] + whole[at + 64 :]
        if rng.randint(4) == 0:
            content = content[: rng.randint(len(whole))]
        (tmp_path / "data.mdb").write_bytes(content)
        try:
            for _ in zip(range(1000), Database(tmp_path).values()):
                pass
        except FormatError as e:
            refused += "\n" not in str(e)
    assert refused > 20


def test_pages_that_point_at_each_other_end(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", {b"%08d" % i: b"v" * 50 for i in range(5000)})
    content = bytearray((folder / "data.mdb").read_bytes())
    root = Database(folder)._meta.root
    page = bytearray(content[4096 * root : 4096 * (root + 1)])
    first = int.from_bytes(page[16:18], "little")
    page[first : first + 6] = root.to_bytes(6, "little")  # its first child is itself
    content[4096 * root : 4096 * (root + 1)] = page
    (folder / "data.mdb").write_bytes(content)
    with pytest.raises(FormatError, match="deeper, or are more"):
        list(Database(folder).values())
