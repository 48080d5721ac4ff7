"""The products, the threads, and the memory that blobs share: what no layer's own test sees."""

import os
import subprocess
import sys
import threading
from typing import NamedTuple, Optional

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_compat.kernels import convolution, cores, elementwise, gemm, threads
from caffe_compat.kernels.atomic import (
    float32s,
    int64s,
    record,
)
from caffe_compat.kernels.compiled.processor import PROCESSOR
from caffe_compat.kernels.direct import packing
from caffe_compat.kernels.direct.forward import cut
from caffe_compat.kernels.threads.arguments import pack


def test_arguments_are_packed_as_whole_numbers_and_addresses():
    array, nothing = np.zeros(3, np.float32), np.zeros((0, 2), np.float32)
    fixed = np.arange(4.0)
    fixed.setflags(write=False)
    words = []
    pack((7, np.int32(-2), None, (True, -0.5), array, nothing, fixed, array[1:]), words)
    assert words[:4] == [7, -2, 0, 1]
    assert np.array(words[4:5]).view(np.float64) == -0.5
    assert words[5:] == [each.ctypes.data for each in (array, nothing, fixed, array[1:])]


class _Product(NamedTuple):
    a: np.ndarray
    turned: bool
    b: np.ndarray
    b_step: int
    c: np.ndarray
    c_step: int
    size: gemm.Size
    bias: np.ndarray
    slope: float
    add: int


@threads.rarely
def _product(arguments, scratch):
    p = record(_Product, threads.given(arguments))
    row_step, k_step = (1, p.size.rows) if p.turned else (p.size.depth, 1)
    if threads.take(arguments) == 0:
        packing.multiply_in_place(
            packing.Left(p.a, row_step, k_step),
            gemm.Rows(p.b, p.b_step),
            gemm.Rows(p.c, p.c_step),
            p.size,
            gemm.Finish(p.bias, np.float32(p.slope), p.add, 0),
            scratch,
        )


def product(a, turned, b, c, rows, columns, depth, bias, slope, add):
    size = gemm.Size(rows, columns, depth)
    given = _Product(a, turned, b, b.shape[1], c, c.shape[1], size, bias, float(slope), add)
    threads.run(_product, 1, given, scratch=packing.room(rows, columns, depth))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 90),
    st.integers(1, 900),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 0.25, 1]),
)
def test_products_of_all_sizes(rows, columns, depth, turned, add, slope):
    rng = np.random.RandomState(rows * columns + depth)
    a, bias = (
        rng.normal(size=(rows, depth)).astype(np.float32),
        rng.normal(size=rows).astype(np.float32),
    )
    b = np.full(
        (depth, -(-columns // gemm.LANES) * gemm.LANES), np.nan, np.float32
    )  # what stands behind the columns counts nothing
    b[:, :columns] = rng.normal(size=(depth, columns))
    c = rng.normal(size=(rows, columns + 3)).astype(np.float32)
    exact = a.astype(np.float64) @ b[:, :columns] + bias[:, None] + (c[:, :columns] if add else 0)
    behind = c[:, columns:].copy()
    product(
        np.ascontiguousarray(a.T) if turned else a,
        turned,
        b,
        c,
        rows,
        columns,
        depth,
        bias,
        np.float32(slope),
        int(add),
    )
    wanted = np.where(exact > 0, exact, slope * exact)
    np.testing.assert_allclose(c[:, :columns], wanted, rtol=1e-4, atol=1e-5 * np.sqrt(depth))
    np.testing.assert_array_equal(c[:, columns:], behind)


def test_a_sum_does_not_depend_on_what_stands_beside_it(rng):
    # one column alone, and the same among others, go through different tiles
    a, b = (
        rng.normal(size=(13, 700)).astype(np.float32),
        rng.normal(size=(700, 64)).astype(np.float32),
    )
    whole, one = np.empty((13, 64), np.float32), np.empty((13, 1), np.float32)
    nothing = np.zeros(13, np.float32)
    product(a, False, b, whole, 13, 64, 700, nothing, np.float32(1), 0)
    alone = np.zeros((700, gemm.LANES), np.float32)
    alone[:, 0] = b[:, 37]
    product(a, False, alone, one, 13, 1, 700, nothing, np.float32(1), 0)
    np.testing.assert_array_equal(one[:, 0], whole[:, 37])


STEP = """
import hashlib, numpy as np, caffe_compat as caffe
caffe.set_random_seed(3)
net = caffe.Net("prototxt/bvlc_googlenet/deploy.prototxt", caffe.TEST)
plan, bottoms = net._passes.parts.plan, net._passes.parts.bottoms
plan.layers = [True] * len(net.layers)
plan.bottoms = [[True] * len(b) for b in bottoms]
net.blobs["data"].reshape(1, 3, 61, 75)
net.blobs["data"].data[...] = np.random.RandomState(1).uniform(-100, 100, net.blobs["data"].shape)
net.forward(end="inception_3b/output")
net.blobs["inception_3b/output"].diff[...] = net.blobs["inception_3b/output"].data
net.backward(start="inception_3b/output")
print(hashlib.sha1(net.blobs["data"].diff.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_gradients_are_the_same_to_the_bit_for_any_number_of_threads():
    digests = set()
    for number in ("1", "3", "16"):
        env = {**os.environ, "CAFFE_COMPAT_THREADS": number}
        digests.add(
            subprocess.run(
                [sys.executable, "-c", STEP], env=env, capture_output=True, text=True, check=True
            ).stdout
        )
    assert len(digests) == 1 and len(digests.pop()) == 41


GATE = """
import sys
import llvmlite.binding as binding
import numba
from caffe_compat.kernels import atomic
from caffe_compat.kernels.compiled import later
binding.initialize_all_targets()
binding.initialize_all_asmprinters()
try:
    target = binding.Target.from_triple("aarch64-unknown-linux-gnu")
except RuntimeError:
    sys.exit()
later.settle()
@numba.njit
def gate(address):
    return atomic.peek(address) + atomic.add(address, 1) + atomic.change(address, 2, 3)
gate.compile((numba.intp,))
module = binding.parse_assembly(gate.inspect_llvm()[(numba.intp,)])
module.triple, module.data_layout = target.triple, ""
print(target.create_target_machine(cpu=sys.argv[1]).emit_assembly(module))
"""


@pytest.mark.skipif(not PROCESSOR.x86, reason="of code that LLVM makes on an x86")
@pytest.mark.parametrize(
    ("processor", "wanted"),
    [("generic", ["ldar", "ldaxr", "stlxr"]), ("neoverse-n1", ["ldar", "casal", "ldaddal"])],
)
def test_threads_see_each_others_work_in_order_on_arm64(processor, wanted):
    # x86 keeps the order anyway, and so does an emulator that runs on it
    command = [sys.executable, "-c", GATE, processor]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    words = set(done.stdout.split())
    if not words:
        pytest.skip("this LLVM knows no ARM64")
    assert words.issuperset(wanted)
    assert not words & {"ldxr", "stxr", "cas", "ldadd"}


class _Marks(NamedTuple):
    seen: np.ndarray


@threads.rarely
def _mark(arguments, scratch):
    seen = int64s(record(_Marks, threads.given(arguments)).seen)
    item = threads.take(arguments)
    while item >= 0:
        seen[item] += 1
        item = threads.take(arguments)


class _Inner(NamedTuple):
    whole: int
    real: float


class _Outer(NamedTuple):
    first: int
    inner: _Inner
    array: np.ndarray
    missing: Optional[np.ndarray]
    last: float


@threads.rarely
def _write_down(arguments, scratch):
    p = record(_Outer, threads.given(arguments))
    values = float32s(p.array)
    if threads.take(arguments) == 0:
        values[0], values[1], values[2] = p.first, p.inner.whole, p.inner.real
        values[3], values[4] = p.last, -1 if p.missing == 0 else 1


def test_a_job_reads_the_record_that_it_is_given():
    values = np.zeros(5, np.float32)
    threads.run(_write_down, 1, _Outer(True, _Inner(-7, 0.5), values, None, np.float32(2.25)))
    assert values.tolist() == [1, -7, 0.5, 2.25, -1]


@threads.rarely
def _swapped(arguments, scratch):
    rows = gemm.Rows(scratch, 1)
    end = gemm._End(0, np.float32(1), np.float32(1), 0, 0)
    gemm._one_tile(3, rows, scratch, rows, 1, end)


def test_numbers_of_a_wrong_kind_do_not_compile():
    with pytest.raises(Exception, match="where a int64 belongs"):
        _swapped.address  # noqa: B018 (compiles)


@pytest.mark.parametrize("number", ["1", "2", "5", "16"])
def test_every_item_is_done_once(number, monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_THREADS", number)
    for items in (0, 1, 2, 1000):
        seen = np.zeros(max(items, 1), np.int64)
        threads.run(_mark, items, _Marks(seen))
        assert (seen[:items] == 1).all()


def test_several_threads_of_a_program_may_compute_at_once():
    sums, errors = np.zeros((4, 1 << 17), np.float32), []

    def work(row):
        try:
            for _ in range(50):
                elementwise.add(sums[row], np.ones(1 << 17, np.float32))
        except Exception as e:  # an error in a thread would pass unseen
            errors.append(e)

    crowd = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert not errors and (sums == 50).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_computes_too():
    elementwise.add(np.zeros(1 << 17, np.float32), np.ones(1 << 17, np.float32))
    code = (
        "import os, numpy as np\nfrom caffe_compat.kernels import elementwise\n"
        "def total():\n    x = np.zeros(1 << 17, np.float32)\n    elementwise.add(x, "
        "np.ones_like(x))\n    return int(x.sum())\n"
        "total()\npid = os.fork()\nos.write(1, b'%d\\n' % total())\n"
        "os._exit(0) if pid == 0 else os.waitpid(pid, 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=600
    )
    assert done.stdout == "131072\n131072\n", done.stderr


@pytest.mark.parametrize("size", [1 << 18, 1 << 19, 1 << 21])
def test_strips_fit_the_cache_and_feed_every_thread(size, monkeypatch):
    monkeypatch.setattr(cores, "level_2", lambda: size)
    for channels, side, kernel, outputs in [
        (128, 14, 3, 320),
        (64, 96, 3, 192),
        (3, 384, 7, 64),
        (512, 14, 1, 24),
        (1, 1, 3, 4),
    ]:
        pad = kernel // 2
        geo = convolution.geometry(
            channels, (side, side), (side, side), (kernel, kernel), (1, 1), (pad, pad), (1, 1)
        )
        strip, block = cut(geo, outputs, 1, threads.count())
        positions = strip.row_end * strip.column_end
        assert positions <= max(gemm.WIDTH, size // 8 // min(geo.depth, gemm.DEPTH))
        assert block % gemm.FULL == 0
        items = -(-side // strip.row_end) * -(-side // strip.column_end) * -(-outputs // block)
        assert items >= min(2 * threads.count(), -(-(side * side) // (4 * gemm.WIDTH)))


def test_the_level_2_cache_is_what_the_system_says(tmp_path):
    folder = tmp_path / "sys/devices/system/cpu/cpu0/cache/index2"
    assert cores.level_2(str(tmp_path)) == 512 << 10
    folder.mkdir(parents=True)
    for level, size, wanted in ("2", "1280K", 1280), ("3", "32768K", 512), ("2", "many", 512):
        (folder / "level").write_text(level + "\n")
        (folder / "size").write_text(size + "\n")
        cores.level_2.cache_clear()
        assert cores.level_2(str(tmp_path)) == wanted << 10
    cores.level_2.cache_clear()


@threads.rarely
def _allocate(arguments, scratch):
    item = threads.take(arguments)
    while item >= 0:
        block = np.full(int64s(threads.given(arguments))[0], np.float32(item))
        float32s(scratch)[0] = block[-1]
        item = threads.take(arguments)


class _Size(NamedTuple):
    values: int


@pytest.mark.parametrize("number", ["1", "3"])
def test_a_loop_without_memory_is_an_error_and_the_next_one_runs(number, monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_THREADS", number)
    for size in (1 << 60, (1 << 62) - 1):  # more than there is, and than can be counted
        with pytest.raises(MemoryError, match="of a compiled loop"):
            threads.run(_allocate, 50, _Size(size), scratch=1)
        threads.run(_allocate, 50, _Size(100), scratch=1)
