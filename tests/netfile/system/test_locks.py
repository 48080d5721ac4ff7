"""One process at a time, and no lock outlives its holder."""

import os
import subprocess
import sys
import threading

from netfile.system.locks import locked


def test_the_second_waits_until_the_first_is_done(tmp_path):
    waiting, order = threading.Event(), []

    def second():
        with locked(tmp_path / "lock", waiting.set):
            order.append("second")

    with locked(tmp_path / "lock"):
        other = threading.Thread(target=second)
        other.start()
        assert waiting.wait(10)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"] and not list(tmp_path.iterdir())


def test_a_dead_holders_lock_is_free(tmp_path):
    code = (
        "import os, sys\nfrom netfile.system.locks import locked\n"
        "with locked(sys.argv[1]):\n    os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")]).returncode == 9
    assert (tmp_path / "lock").exists()
    with locked(tmp_path / "lock", waiting=lambda: os.abort()):
        pass
    assert not list(tmp_path.iterdir())


def test_what_is_not_ours_is_neither_opened_nor_removed(tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "no/folder", "."):
        with locked(tmp_path / name):
            pass
    assert (tmp_path / "victim").read_text() == "precious"
    assert (tmp_path / "link").is_symlink() and (tmp_path / "pipe").is_fifo()
