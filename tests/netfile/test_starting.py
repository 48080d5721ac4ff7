"""Ctrl-C while a command line's modules are loaded ends it without a traceback."""

import signal
import subprocess
import sys

import pytest

from netfile.starting import interruptible

# imports a module that sends the interrupt while it is imported
PROGRAM = """
import os, signal, sys
from netfile import starting, terminal
sys.path.insert(0, {folder!r})
module = starting.loaded("slow")
print("loaded")
def run():
    os.kill(os.getpid(), signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, ())  # a place where it is handled
sys.exit(terminal.guarded("slow", run, ()))
"""
INTERRUPT = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('went on')"


def heeded():
    """In a process that a background job starts, interrupts are ignored otherwise."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def ended(tmp_path, source, preexec_fn=heeded):
    (tmp_path / "slow.py").write_text(source)
    program = PROGRAM.format(folder=str(tmp_path))
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=preexec_fn,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")
def test_an_interrupt_while_loading_ends_the_process_in_silence(tmp_path):
    told = ended(tmp_path, INTERRUPT)
    assert told.returncode == -signal.SIGINT
    assert told.stdout == "" and told.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")
def test_afterwards_an_interrupt_is_told_in_one_line(tmp_path):
    told = ended(tmp_path, "")
    assert told.returncode == 130
    assert (
        told.stdout == "loaded\n"
        and told.stderr.count("\n") <= 2
        and "slow: stopped" in told.stderr
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")
def test_who_ignores_interrupts_goes_on_ignoring_them(tmp_path):
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    told = ended(tmp_path, INTERRUPT, preexec_fn=ignore)
    assert told.stdout == "went on\nloaded\n" and told.returncode == 0


def test_a_handler_of_the_caller_stays():
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        mine = signal.getsignal(signal.SIGINT)
        interruptible()
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_command_line_loads_nothing_heavy_before_that():
    program = "import sys, deepdream.__main__; print({'numpy', 'PIL', 'scipy'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.stdout == "set()\n"
