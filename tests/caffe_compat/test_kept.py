"""Compiled loops that are kept in files: every way in which a file can be wrong or impossible."""

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from types import SimpleNamespace

import llvmlite.binding as llvm
import numpy as np
import pytest

from caffe_compat.kernels import cores, threads
from caffe_compat.kernels.compiled import kept, preparing, processor, tasks
from caffe_compat.kernels.threads import team
from netfile.system import memory, places

# a loop that takes a fraction of a second to compile, in a file of its own
LOOP = """
from caffe_compat.kernels import threads
from caffe_compat.kernels.atomic import int64s
@threads.rarely
def times(number, unused):
    int64s(number)[0] *= FACTOR
"""


def times(path, monkeypatch):
    """The loop of the module in this file, as a new process has it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # it would go by the file's time
    spec = importlib.util.spec_from_file_location("loop_of_a_test", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "loop_of_a_test", module)
    spec.loader.exec_module(module)
    return module.times


@pytest.fixture
def program(tmp_path, monkeypatch, capfd):
    """Runs LOOP as a new process would; returns (what it did, its lines on stderr)."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("DEEPDREAM_HOME", raising=False)
    path = tmp_path / "code" / "loop.py"
    path.parent.mkdir()

    def run(factor=2):
        compiled = []
        monkeypatch.setattr(kept, "_said", set())
        made = tasks.Unit.made
        monkeypatch.setattr(
            tasks.Unit, "made", lambda unit: [compiled.append("compiled"), made(unit)][1]
        )
        path.write_text(LOOP.replace("FACTOR", str(factor)))
        value = np.array([21], np.int64)
        team._NATIVE(times(path, monkeypatch).address)(value.ctypes.data, 0)
        monkeypatch.setattr(tasks.Unit, "made", made)
        (did,) = compiled or ["loaded"]
        return f"{did} {value[0]}", capfd.readouterr().err.splitlines()

    return run


def kept_file(tmp_path):
    (path,) = (tmp_path / "code" / "__pycache__").glob("*.loop")
    return path


def test_a_loop_is_compiled_once_and_again_when_its_source_changes(program, tmp_path):
    assert program() == ("compiled 42", [])
    assert program() == ("loaded 42", [])
    assert program(factor=3) == ("compiled 63", [])
    assert len(list((tmp_path / "code" / "__pycache__").glob("*.loop"))) == 1


def _flipped(whole, at):
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


DAMAGES = {
    "empty": lambda whole: b"",
    "garbage": lambda whole: os.urandom(len(whole)),
    "cut": lambda whole: whole[: len(whole) // 2],
    "only its head": lambda whole: whole[:60],
    "longer": lambda whole: whole + b"\0",
    "a bit of its code": lambda whole: _flipped(whole, len(whole) // 2),
    "a bit of its hash": lambda whole: _flipped(whole, 30),
    "a bit of the processor": lambda whole: _flipped(whole, 60),
}


def test_damaged_files_are_told_of_once_and_made_again(program, tmp_path):
    program()
    good = kept_file(tmp_path).read_bytes()
    for name, damage in DAMAGES.items():
        kept_file(tmp_path).write_bytes(damage(good))
        said, told = program()
        assert said == "compiled 42" and len(told) == 1 and "compiled again" in told[0], name
    assert program() == ("loaded 42", [])


def test_one_kind_of_trouble_is_told_of_once(monkeypatch, capfd):
    monkeypatch.setattr(kept, "_said", set())
    for path in ("one", "two"):
        kept._say_once("damaged", path)
    kept._say_once("unwritable", "three")
    assert capfd.readouterr().err.splitlines() == ["caffe_compat: one", "caffe_compat: three"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_what_is_no_file_is_no_obstacle(program, tmp_path):
    program()
    path = kept_file(tmp_path)
    path.unlink()
    os.mkfifo(path)
    assert program()[0] == "compiled 42"
    path.unlink()
    path.mkdir()
    said, told = program()
    assert said == "compiled 42" and len(told) == 1
    # the user's own folder has it now
    assert program()[0] == "loaded 42"
    shutil.rmtree(path.parent)
    path.parent.write_text("a file where the folder belongs")
    assert program() == ("loaded 42", [])


def test_where_nothing_can_be_written_the_loop_runs_and_says_so_once(
    program, tmp_path, monkeypatch
):
    for blocked in (tmp_path / "home", tmp_path / "given", tmp_path / "code" / "__pycache__"):
        blocked.write_text("a file where a folder belongs")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "given"))
    said, told = program()
    assert said == "compiled 42" and len(told) == 1
    assert "cannot keep its compiled loops" in told[0] and "given" in told[0]


def test_an_installation_keeps_its_loops_in_the_users_cache(program, tmp_path, monkeypatch):
    monkeypatch.setattr(places, "IS_CHECKOUT", False)
    assert [program()[0], program()[0]] == ["compiled 42", "loaded 42"]
    assert not (tmp_path / "code" / "__pycache__").exists()
    assert len(list(places.cache().glob("loops/*/*.loop"))) == 1


def test_a_full_disk_leaves_no_partial_file(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        kept._write(tmp_path / "a.loop", b"code")
    assert not list(tmp_path.iterdir())


def test_partial_files_of_killed_processes_are_removed(tmp_path):
    old, new = tmp_path / ".a.loop.1", tmp_path / ".a.loop.2"
    for path in (old, new):
        path.write_bytes(b"co")
    os.utime(old, (0, 0))
    kept._write(tmp_path / "a.loop", b"code")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.loop.2", "a.loop"]


def test_code_for_another_processor_is_not_loaded(program, tmp_path, monkeypatch):
    program()
    ours = kept_file(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(kept, "PROCESSOR", processor.PROCESSOR._replace(name="another"))
        assert program() == ("compiled 42", [])
        (theirs,) = set(ours.parent.glob("*.loop")) - {ours}
        theirs.write_bytes(ours.read_bytes())  # as if it had come from another machine
        said, told = program()
        assert said == "compiled 42" and "another processor" in told[0]
    assert program() == ("loaded 42", [])


def test_code_of_other_versions_is_not_loaded(program, monkeypatch):
    program()
    monkeypatch.setattr(kept, "_VERSIONS", (b"another numba", "0.1"))
    assert program() == ("compiled 42", [])


@pytest.fixture
def wheel(program, tmp_path, monkeypatch):
    """The file of the loop as a wheel for this very processor has it."""
    made_for = processor.PROCESSOR._replace(name="of wheels", features="")
    folder = tmp_path / "shipped"
    folder.mkdir()
    program()
    unit = sys.modules["loop_of_a_test"].times.unit
    unit.kept().ship(unit.made(), folder, made_for)
    kept_file(tmp_path).unlink()
    monkeypatch.setattr(kept, "_SHIPPED", folder)
    monkeypatch.setattr(processor, "shipped", lambda: made_for)
    (path,) = folder.glob("*/*.loop")
    return path


def test_what_a_wheel_brought_is_not_compiled(wheel, program, tmp_path):
    assert program() == ("loaded 42", [])
    assert not list(tmp_path.glob("code/__pycache__/*.loop"))


def test_what_a_wheel_brought_counts_only_for_its_sources_and_processors(
    wheel, program, monkeypatch
):
    assert program(factor=3) == ("compiled 63", [])
    monkeypatch.setattr(processor, "shipped", lambda: None)
    assert program(factor=2) == ("compiled 42", [])


def test_what_a_wheel_brought_may_be_damaged(wheel, program):
    wheel.write_bytes(_flipped(wheel.read_bytes(), 500))
    said, told = program()
    assert said == "compiled 42" and len(told) == 1 and "compiled again" in told[0]
    assert program()[0] == "loaded 42"


def test_the_processor_is_the_one_that_numbas_variables_name(monkeypatch):
    monkeypatch.setenv("NUMBA_CPU_NAME", "haswell")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+avx,-fma,")
    named = processor._host()
    assert named[:3] == ("haswell", "+avx,-fma,", {"avx": True, "fma": False})
    assert named.lanes == 8 and named.fused != named.x86
    monkeypatch.delenv("NUMBA_CPU_FEATURES")
    monkeypatch.setenv("NUMBA_CPU_NAME", "")  # as if it were not there
    here = processor._host()
    assert here.name == llvm.get_host_cpu_name() and here.has == llvm.get_host_cpu_features()
    assert {word[1:]: word[0] == "+" for word in here.features.split(",")} == here.has


@pytest.mark.parametrize(
    "lacks, best",
    [
        ((), "x86-64-v4"),
        (("avx512f", "avx512vl", "avx512bw", "avx512cd", "avx512dq"), "x86-64-v3"),
        (("avx512vl",), None),  # its own code has vectors of another width than the third level's
        (("avx512f", "bmi2"), None),
    ],
)
def test_a_processor_gets_what_it_can_run(lacks, best, monkeypatch):
    has = {name: name not in lacks for name in (*processor.SHIPPED[0].has, "amx-tile")}
    monkeypatch.setattr(processor, "PROCESSOR", processor.Processor("some", "", has, True))
    monkeypatch.setattr(sys, "platform", "linux")
    found = processor.shipped()
    assert (found and found.name) == best
    for part, name, other in (
        (sys, "platform", "darwin"),
        (sys, "maxsize", 2**31 - 1),
        (processor, "PROCESSOR", processor.PROCESSOR._replace(x86=False)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(part, name, other)
            assert processor.shipped() is None


def test_a_change_of_any_loop_makes_all_stale(program, monkeypatch):
    program()
    monkeypatch.setattr(kept, "_SOURCES", b"others")
    assert program() == ("compiled 42", [])


def test_compiling_is_said_and_loading_is_not(tmp_path, monkeypatch, capfd):
    path = tmp_path / "loop.py"
    path.write_text(LOOP.replace("FACTOR", "3"))
    said = []
    for _ in range(2):
        monkeypatch.setattr(tasks, "known", [times(path, monkeypatch)])
        threads.prepare.__wrapped__()
        said.append(capfd.readouterr().err.splitlines())
    compiled, loaded = said
    assert len(compiled) == 2 and loaded == []
    assert "compiling its loops for this processor, once" in compiled[0]
    assert "compiled, in" in compiled[1]


def test_other_processes_compile_and_their_own_does_not(tmp_path, monkeypatch, capfd):
    for name in ("loop_one", "loop_two"):
        (tmp_path / f"{name}.py").write_text(LOOP.replace("rarely", "Task").replace("FACTOR", "3"))
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(cores, "count", lambda: 2)
    monkeypatch.setattr(tasks, "known", [])
    loops = [importlib.import_module(name).times for name in ("loop_one", "loop_two")]
    monkeypatch.delattr(tasks.Unit, "made")
    preparing.prepare.__wrapped__()
    files = {path.name.split("-")[0] for path in (tmp_path / "__pycache__").glob("*.loop")}
    assert files == {"loop_one", "loop_two"} and all(loop.found for loop in loops)
    assert len(capfd.readouterr().err.splitlines()) == 2


def test_where_no_process_can_be_started_one_compiles_all(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/usr/bin/some_editor")
    assert preparing._helper([], 0) == []


def test_what_a_process_was_ended_within_is_not_taken():
    whole = b"one 4\ncodetwo 10\n more\ncode"
    for end in range(len(whole) + 1):
        taken = []
        unit = SimpleNamespace(take=taken.append)
        preparing._take(whole[:end], {"one": unit, "two": unit})
        assert taken == [b"code", b" more\ncode"][: (end >= 10) + (end == len(whole))], end


def test_helpers_compile_for_the_processor_that_is_named(monkeypatch):
    given = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, env, **rest: given.append(env))
    monkeypatch.setattr(preparing.memory, "free", lambda: None)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_DEBUG", "OTHER"):
        monkeypatch.setenv(name, "1")
    preparing._helper([], 0)
    (env,) = given
    assert {"NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "OTHER"} < set(env) and "NUMBA_DEBUG" not in env


def test_a_process_is_started_only_where_there_is_memory_for_it(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **rest: "started")
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    monkeypatch.setattr(preparing.memory, "free", lambda: memory.Free(2 * 10**9, "free"))
    assert [preparing._helper([], before) for before in (1, 2)] == [["started"], []]


def test_a_process_whose_loops_are_kept_does_not_load_numba():
    code = """
import sys
import caffe_compat
from caffe_compat.kernels import threads
caffe_compat.Net
threads.prepare()
sys.exit("numba" in sys.modules)
"""
    threads.prepare()
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_code_without_one_of_the_functions_leaves_all_of_them_out(program):
    program()
    task = sys.modules["loop_of_a_test"].times
    content = task.unit.made()
    task.unit._code, task.found = None, 0
    other = SimpleNamespace(function=SimpleNamespace(__name__="other"))
    task.unit.tasks.append(other)
    with pytest.raises(ValueError, match="without other"):
        task.unit.take(content)
    assert not task.found and task.unit._code is None


@pytest.mark.parametrize(
    "work",
    [
        lambda unit, content: unit.take(content),
        lambda unit, content: unit.load(),
        lambda unit, content: unit.compile(),
    ],
    ids=["take", "load", "compile"],
)
def test_an_interrupt_while_code_is_taken_leaves_all_of_it_or_none(work, program, monkeypatch):
    program()
    task = sys.modules["loop_of_a_test"].times
    content = task.unit.made()
    task.unit._code, task.found = None, 0

    join = threading.Thread.join

    def interrupted(thread):
        join(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            work(task.unit, content)
    assert task.unit._code and task.found == task.unit._code.address("times")
