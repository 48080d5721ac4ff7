"""Work shared among threads: the kernels release the GIL, each with a one-threaded BLAS.

Which thread computes a piece never changes its value, so results do not depend on timing.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np


def count():
    """Number of threads: the environment variable CAFFE_COMPAT_THREADS, else the cores this process may use."""
    wanted = os.environ.get("CAFFE_COMPAT_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=None)
def _pool(size):
    return ThreadPoolExecutor(size, "caffe_compat")


@lru_cache(maxsize=None)
def _blas():
    import scipy.linalg.cython_blas  # noqa: F401  (its library must be loaded before the controller looks)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_threaded_blas():
    """A context in which each BLAS call runs on its caller's thread alone."""
    return _blas().limit(limits=1, user_api="blas")


def run(work, items, pieces_per_thread=4):
    """Call work(first, last) over pieces that make up range(items), on all threads, the caller's among them."""
    threads = count()
    pieces = min(items, threads * pieces_per_thread)
    if threads == 1 or pieces <= 1:
        if items:
            work(0, items)
        return
    bounds = [items * i // pieces for i in range(pieces + 1)]
    queue = iter(range(pieces))  # taking the next number is atomic

    def drain():
        for i in queue:
            work(bounds[i], bounds[i + 1])

    others = [_pool(threads - 1).submit(drain) for _ in range(min(threads, pieces) - 1)]
    try:
        drain()
    finally:
        for other in others:
            other.result()


def elementwise(work, size, *arrays):
    """Call work(*slices) over pieces of these flat arrays of `size` values, on all threads."""
    grain = 1 << 16
    if size <= grain:
        work(*arrays)
        return
    run(lambda a, b: work(*(x[a:b] for x in arrays)), size, max(4, size // (grain * count()) // 4))


_local = threading.local()


def scratch(size):
    """A float32 array of at least `size` values, the calling thread's own, overwritten by the next call."""
    buffer = getattr(_local, "buffer", None)
    if buffer is None or buffer.size < size:
        buffer = _local.buffer = np.empty(size, np.float32)
    return buffer


def blas():
    """Name, version and processor kind of the BLAS that multiplies: with another, last bits differ."""
    found = [i for i in _blas().info() if i["user_api"] == "blas"]
    found.sort(key=lambda i: "scipy" in i["filepath"].rsplit("/", 1)[0], reverse=True)  # the products are SciPy's
    return " ".join(str(found[0].get(key, "")) for key in ("internal_api", "version", "architecture")).strip() if found else "unknown"
