"""`deepdream serve`: begins, says where, and ends."""

import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from deepdream.web import jobs, server

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def begun(small_folder, engine_name):
    """A server in a process of its own, and its address."""
    pytest.importorskip("starlette")
    words = ["serve", "--port", "0", "--model", str(small_folder), "--engine", engine_name]
    process = subprocess.Popen(
        [sys.executable, "-m", "deepdream", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = process.stdout.readline()
    yield process, said
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_ctrl_c_ends_the_server_in_peace_while_a_page_is_open(begun):
    process, said = begun
    address = said.split()[1]
    assert said == f"open {address} in a browser; Ctrl-C ends the server\n"
    page = urllib.request.urlopen(address + "events", timeout=30)
    assert page.readline() == b"retry: 1500\n"
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert (process.returncode, out, error) == (0, "the server has ended\n", "")


def test_sigterm_ends_the_server_with_all_that_it_keeps(small, engine_name, monkeypatch, tmp_path):
    pytest.importorskip("starlette")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = server.Server(small, jobs.how(engine_name, None, None), str, str, port=0)
    (folder,) = tmp_path.iterdir()

    def unheard(*signal_and_frame):  # in place of the system's way, which would end the tests
        pytest.fail("the server left the signal to the system")

    before = signal.signal(signal.SIGTERM, unheard)
    try:
        with pytest.raises(SystemExit) as e:
            made.run(lambda: signal.raise_signal(signal.SIGTERM))
        assert e.value.code == 128 + signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is unheard
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not folder.exists()


def test_a_port_that_is_taken_is_said_in_one_line(run, small_folder):
    pytest.importorskip("starlette")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, error = run("serve", "--port", port, "--model", small_folder)
    assert code == 2 and error.count("\n") == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in error and "--port" in error


def test_an_address_of_another_machine_is_refused(run, small_folder):
    pytest.importorskip("starlette")
    code, _, error = run("serve", "--host", "192.0.2.1", "--model", small_folder)
    assert code == 2 and "cannot listen on 192.0.2.1" in error and error.count("\n") == 1


def test_what_is_missing_is_named_with_its_command(run, small_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, error = run("serve", "--model", small_folder)
    assert code == 2 and "pip install 'deepdream-caffe[web]'" in error


def test_a_model_that_is_not_there_is_said_before_anything_listens(run, monkeypatch):
    monkeypatch.setattr(server, "_listening", lambda *where: pytest.fail("it listens"))
    code, _, error = run("serve", "--model", "no_such_net")
    assert code == 2 and 'unknown model "no_such_net"' in error
