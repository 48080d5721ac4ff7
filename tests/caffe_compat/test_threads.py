"""The team of threads: interrupts, threads that cannot be started, forks, several users at once."""

import ctypes
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat import synced_memory
from caffe_compat.kernels import cores, elementwise, threads
from caffe_compat.kernels.compiled import tasks
from caffe_compat.kernels.threads import team
from caffe_compat.net import sharing
from scripts.soak import interrupts

NET = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 9 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { kernel_size: 2 stride: 2 } }
"""
# a convolution of each way, and the loops between them
WAYS = """
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 47 dim: 61 } } }
layer { name: "5x5" type: "Convolution" bottom: "data" top: "5x5"
  convolution_param { num_output: 32 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "5x5" top: "5x5" }
layer { name: "norm" type: "LRN" bottom: "5x5" top: "norm" lrn_param { local_size: 5 } }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool"
  pooling_param { kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "tiles" type: "Convolution" bottom: "pool" top: "tiles"
  convolution_param { num_output: 32 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "average" type: "Pooling" bottom: "tiles" top: "average"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
"""
VALUES = 1 << 17  # in pieces for many threads


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    return caffe.Net(str(path), caffe.TEST)


def total():
    """The sum that several threads compute; VALUES."""
    x = np.zeros(VALUES, np.float32)
    elementwise.add(x, np.ones_like(x))
    return int(x.sum())


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_interrupts_at_random_instants_leave_the_engine_right():
    found = interrupts.interrupt(40, seed=5)
    assert found.pop("interrupted") > 5
    assert not any(found.values()), found


def test_a_pass_is_the_same_to_the_bit_on_up_to_16_threads(tmp_path, monkeypatch):
    path = tmp_path / "ways.prototxt"
    path.write_text(WAYS)
    caffe.set_random_seed(2)
    net = caffe.Net(str(path), caffe.TEST)
    data, top = net.blobs["data"], net.blobs["average"]
    picture = np.random.RandomState(3).normal(size=data.shape)
    found = []
    for count in (1, 2, 3, 8, 16):
        monkeypatch.setenv("CAFFE_COMPAT_THREADS", str(count))
        for _ in range(10):
            data.data[...] = picture
            net.forward()
            top.diff[...] = top.data
            net.backward()
            weights = [net.params[name][0].diff.copy() for name in ("5x5", "tiles")]
            net.clear_param_diffs()
            found.append((top.data.copy(), data.diff.copy(), *weights))
    assert team.team().helpers >= 15 and np.abs(found[0][1]).max() > 0
    for arrays in found[1:]:
        for array, first in zip(arrays, found[0]):
            np.testing.assert_array_equal(array, first)


class Stop(BaseException):
    pass


def interrupted(step, work):
    """Whether work() came to this step of the code in kernels/threads, where it is interrupted."""
    steps = [step]

    def trace(frame, event, argument):
        if os.path.dirname(frame.f_code.co_filename) != os.path.dirname(team.__file__):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps[0] -= 1
            if steps[0] == 0:
                raise Stop
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Stop:
        return True
    finally:
        sys.settrace(before)
        # a handler never runs between the last instruction of a with statement and its release
        while team._growing._is_owned():
            team._growing.release()
    return False


@pytest.mark.parametrize("number", ["1", "3"])
def test_interrupts_before_any_instruction_leave_the_team_free(number, monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_THREADS", number)
    assert total() == VALUES
    interrupted(10**9, total)  # Python 3.12.1 traces instructions from the second time on
    step = 1
    while interrupted(step, total):
        assert not team.team()._numbers[team._OWNED]
        step += 1
    assert step > 50 and total() == VALUES and team.team().helpers >= int(number) - 1


def test_interrupts_while_the_team_is_made_cost_no_thread(monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_THREADS", "3")
    for step in range(1, 400, 7):
        monkeypatch.setattr(team, "_our_team", None)
        interrupted(step, total)
        assert total() == VALUES and team.team().helpers == 2


def test_an_interrupt_ends_the_waiting_for_compiling_and_not_the_compiling():
    go_on, done = threading.Event(), threading.Event()

    def stop(number, frame):
        raise Stop

    def work():
        os.kill(os.getpid(), signal.SIGTERM)
        go_on.wait()
        done.set()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(Stop):
            tasks._undisturbed(work)
    finally:
        signal.signal(signal.SIGTERM, before)
        go_on.set()
    assert done.wait(30)


def test_no_code_of_ours_answers_when_numpy_asks_for_an_array():
    # NumPy takes an exception there for an answer, a Ctrl-C too
    lease = sharing.Lease(synced_memory.SyncedMemory(3))
    assert "__array_interface__" in vars(lease) and np.asarray(lease).shape == (3,)


def test_threads_that_cannot_be_started_are_done_without_until_they_can(monkeypatch):
    def refused(*arguments):
        raise RuntimeError("can't start new thread")

    monkeypatch.setenv("CAFFE_COMPAT_THREADS", "4")
    monkeypatch.setattr(team, "_our_team", None)
    with monkeypatch.context() as patch:
        patch.setattr(team._thread, "start_new_thread", refused)
        assert total() == VALUES and team.team().helpers == 0
        assert total() == VALUES
    team.team()._next_try = 0
    assert total() == VALUES and team.team().helpers == 3


def test_a_row_of_jobs_ends_at_one_that_finds_no_memory():
    done = []

    @ctypes.CFUNCTYPE(None, ctypes.c_ssize_t, ctypes.c_ssize_t)
    def work(arguments, scratch):
        counter = ctypes.c_int64.from_address(arguments)
        done.append(counter.value)
        counter.value = -1 if len(done) == 2 else 5

    task = ctypes.cast(work, ctypes.c_void_p).value
    jobs = threads.Jobs(threads.Scratch())
    for _ in range(3):
        jobs.append(np.array([task, 0, 0, 0, 9, 1]))
    with pytest.raises(MemoryError, match="compiled loop"):
        jobs.repeat()
    assert done == [0, 0]
    jobs.repeat()
    assert done == [0] * 5


def test_helpers_go_to_sleep_and_are_woken():
    assert total() == VALUES
    team.team().let_sleep()
    number = team.team().helpers
    asleep = team.team()._numbers[team._SLEEPERS + team._EACH :: team._EACH][:number]
    assert asleep.all()
    assert total() == VALUES


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("3", 3), (" 2 ", 2), ("9" * 5000, cores.MOST), ("0", 2), ("-1", 2), ("²", 2), ("many", 2)],
)
def test_the_number_of_threads_that_somebody_asks_for(given, wanted, monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_THREADS", given)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5}, raising=False)
    monkeypatch.setattr(cores, "_quota_here", lambda: None)
    assert cores.count() == wanted


def test_the_number_of_threads_follows_affinity_and_quota(monkeypatch):
    monkeypatch.delenv("CAFFE_COMPAT_THREADS", raising=False)
    for allowed, quota, wanted in (({1}, None, 1), ({0, 1, 2}, None, 3), ({0, 1, 2}, 2, 2)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, a=allowed: a, raising=False)
        monkeypatch.setattr(cores, "_quota_here", lambda q=quota: q)
        assert cores.count() == wanted


V2 = "30 1 0:26 {within} {at} rw - cgroup2 cgroup2 rw\n"
V1 = "33 1 0:30 {within} {at} rw - cgroup cgroup rw,cpu,cpuacct\n"


@pytest.mark.parametrize(
    ("mount", "group", "within", "limits", "wanted"),
    [
        (V2, "0::/a/b", "/", {"a/b": "150000 100000"}, 2),
        (V2, "0::/a/b", "/", {"a/b": "max 100000", "a": "100000 100000"}, 1),
        (V2, "0::/a", "/", {"a": "max 100000"}, None),
        (V2, "0::/a", "/", {"a": "20000 100000"}, 1),
        (V2, "0::/", "/", {".": "200000 100000"}, 2),  # a container's own tree
        (V2, "0::/docker/c/in", "/docker/c", {"in": "300000 100000"}, 3),
        (V2, "0::/../../other", "/", {".": "300000 100000"}, 3),
        (V2, "0::/a", "/", {"a": "rubbish"}, None),
        (V1, "4:cpu,cpuacct:/a/b", "/", {"a": "200000 100000"}, 2),
        (V1, "4:cpu,cpuacct:/a", "/", {"a": "-1 100000"}, None),
        (V1, "4:memory:/a", "/", {"a": "100000 100000"}, None),
    ],
)
def test_quotas_of_processor_time(mount, group, within, limits, wanted, tmp_path):
    process, tree = tmp_path / "proc" / "self", tmp_path / "sys" / "a cgroup"
    process.mkdir(parents=True)
    (process / "cgroup").write_text(group + "\n")
    at = "/sys/a\\040cgroup"
    (process / "mountinfo").write_text(
        "1 0 8:1 / / rw - ext4 /dev/a rw\n" + mount.format(within=within, at=at)
    )
    for name, limit in limits.items():
        folder = tree / name
        folder.mkdir(parents=True, exist_ok=True)
        if mount is V2:
            (folder / "cpu.max").write_text(limit + "\n")
        else:
            quota, period = limit.split()
            (folder / "cpu.cfs_quota_us").write_text(quota + "\n")
            (folder / "cpu.cfs_period_us").write_text(period + "\n")
    assert cores.quota(str(tmp_path)) == wanted


def test_where_no_quota_can_be_read_there_is_none(tmp_path):
    assert cores.quota(str(tmp_path)) is None


def test_several_threads_may_use_one_net(net):
    errors = []

    def use(seed):
        rng = np.random.RandomState(seed)
        try:
            for _ in range(40):
                net.blobs["data"].reshape(1, 3, *rng.randint(5, 60, 2))
                net.forward()
                net.backward()
                net.blobs["pool"].data.sum()
                net.params["conv"][0].diff.sum()
        except (caffe.ShapeError, ValueError):
            pass  # values and shapes of different threads may mix, as in pycaffe
        except BaseException as e:
            errors.append(e)

    crowd = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert not errors
    net.blobs["data"].reshape(1, 3, 9, 9)
    assert net.forward()["pool"].shape == (1, 8, 4, 4)


def test_one_thread_at_a_time_runs_a_net(net):
    inside, most = [0], [0]

    def enter(number):
        inside[0] += number == 0
        most[0] = max(most[0], inside[0])
        time.sleep(0)

    def leave(number):
        inside[0] -= number == len(net.layers) - 1

    net.before_forward(enter)
    net.after_forward(leave)
    crowd = [threading.Thread(target=lambda: [net.forward() for _ in range(20)]) for _ in range(3)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert (inside, most) == ([0], [1])


def test_what_is_called_within_a_pass_may_use_the_net(net):
    seen = []

    def look(number):
        if not seen:
            seen.append(number)
            net.blobs["data"].reshape(1, 3, 9, 9)
            seen.append(net.forward()["pool"].shape)

    net.after_forward(look)
    net.forward()
    assert seen == [0, (1, 8, 4, 4)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_that_is_forked_while_threads_are_busy_computes(net):
    held, done = threading.Event(), threading.Event()

    def hold():
        with net._passes.lock, team._growing:
            held.set()
            done.wait()

    net.forward()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # a hang ends here
        net.blobs["data"].reshape(1, 3, 40, 40)
        os._exit(0 if net.forward()["pool"].shape == (1, 8, 19, 19) and total() == VALUES else 1)
    status = os.waitpid(child, 0)[1]
    done.set()
    holder.join()
    assert status == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_is_forked_when_no_thread_compiles_and_may_compile():
    held = threading.Event()

    def compiling():
        with tasks._compiling:
            held.set()
            threading.Event().wait(0.2)  # until the fork waits for this

    thread = threading.Thread(target=compiling)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        lock = tasks._compiling  # asked here: a new thread may have the number of the one that held
        os._exit(0 if not lock._is_owned() and lock.acquire(False) else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
