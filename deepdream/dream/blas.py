"""SciPy's own BLAS on one thread, for sums that are not worth more."""

import ctypes
from contextlib import contextmanager
from typing import Any, Iterator, Optional


@contextmanager
def on_one_thread() -> Iterator[None]:
    """While it runs, the OpenBLAS that comes with SciPy's wheels computes on one thread.

    Its helpers wait for the next sum by asking all the time, on cores that a net's passes need. Any
    other BLAS stays as it is: that of a system is a real Caffe's too.
    """
    blas = _scipys_own()
    if blas is None:
        yield
        return
    before = blas.scipy_openblas_get_num_threads()
    blas.scipy_openblas_set_num_threads(1)
    try:
        yield
    finally:
        blas.scipy_openblas_set_num_threads(before)


def _scipys_own() -> Optional[Any]:
    """The library, by the names that it has in SciPy's wheels alone; None where there is none."""
    try:
        from scipy.linalg import cython_blas

        library = ctypes.CDLL(cython_blas.__file__)  # finds names of what it is linked with, too
        _ = library.scipy_openblas_get_num_threads, library.scipy_openblas_set_num_threads
    except (ImportError, OSError, AttributeError):
        return None
    return library
