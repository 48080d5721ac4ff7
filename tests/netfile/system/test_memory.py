"""The memory that is free: the least of what machine, control groups and ulimit leave."""

import subprocess
import sys

import pytest

from netfile.system import memory

pytest.importorskip("resource")
MACHINE = {"proc/meminfo": "MemTotal: 9000000 kB\nMemAvailable: 4000000 kB\n"}
V2 = {
    "proc/self/cgroup": "0::/user.slice/job\n",
    "proc/self/mountinfo": "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
}
V1 = {
    "proc/self/cgroup": "5:cpu,cpuacct:/\n4:cpu,memory:/docker/abc\n0::/\n",
    "proc/self/mountinfo": "33 1 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,cpu,memory\n",
}


@pytest.fixture
def free(tmp_path):
    """What is free on a system that has these files, {path: text}."""

    def of(*systems):
        for system in systems:
            for name, text in system.items():
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        return memory.free(str(tmp_path))

    return of


def group(folder, files, limit, usage, spare=0, active=0):
    most, used, inactive = files
    top = f"sys/fs/cgroup/{folder}"
    return {f"{top}/{most}": f"{limit}\n", f"{top}/{used}": f"{usage}\n",
            f"{top}/memory.stat": f"anon 7\n{inactive} {spare}\n"
                                  f"{inactive.replace('in', '', 1)} {active}\n"}  # fmt: skip


def v2(folder, *numbers):
    return group(folder, ("memory.max", "memory.current", "inactive_file"), *numbers)


def v1(folder, *numbers):
    files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    return group(f"memory/{folder}", files, *numbers)


def test_without_a_group_it_is_what_the_machine_has(free):
    assert free(MACHINE) == (4_000_000 * 1024, "available in this machine")


def test_a_system_that_does_not_say_gives_none(free):
    assert free() is None


@pytest.mark.parametrize("text", ["", "MemAvailable:", "MemAvailable: many kB", "\0\xff"])
def test_a_broken_meminfo_is_as_none(free, text):
    assert free({"proc/meminfo": text}) is None


@pytest.mark.parametrize("host, of_group", [(V2, v2), (V1, v1)])
def test_a_groups_limit_counts_less_what_it_uses_but_for_files(free, host, of_group):
    folder = "user.slice/job" if host is V2 else "docker/abc"
    numbers = 3_000_000_000, 2_000_000_000, 400_000_000, 100_000_000
    left = free(MACHINE, host, of_group(folder, *numbers))
    assert left == (1_500_000_000, "left by the control group's limit")


@pytest.mark.parametrize("host, of_group, parent", [(V2, v2, "user.slice"), (V1, v1, "docker")])
def test_a_parents_limit_counts_too(free, host, of_group, parent):
    folder = "user.slice/job" if host is V2 else "docker/abc"
    no_limit = "max" if host is V2 else 9223372036854771712
    left = free(MACHINE, host, of_group(folder, no_limit, 5), of_group(parent, 1000, 400))
    assert left.bytes == 600


@pytest.mark.parametrize("host, of_group", [(V2, v2), (V1, v1)])
def test_in_a_container_the_top_is_its_own_group(free, host, of_group):
    assert free(MACHINE, host, of_group("", 1000, 100)).bytes == 900


def test_a_group_over_its_limit_leaves_nothing(free):
    assert free(MACHINE, V2, v2("user.slice/job", 1000, 3000)).bytes == 0


def test_a_limit_above_what_the_machine_has_does_not_count(free):
    left = free(MACHINE, V2, v2("user.slice/job", 10**11, 0))
    assert left == (4_000_000 * 1024, "available in this machine")


@pytest.mark.parametrize("limit, flag", [("RLIMIT_AS", "-v"), ("RLIMIT_DATA", "-d")])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_processs_own_limit_counts_less_what_it_has(limit, flag):
    program = (
        "import resource; from netfile.system import memory; "
        f"resource.setrlimit(resource.{limit}, (2 * 10**8, 2 * 10**8)); print(*memory.free())"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    number, bound = told.strip().split(" ", 1)
    assert 0 < int(number) < 2 * 10**8 and bound == f"left by ulimit {flag}"
