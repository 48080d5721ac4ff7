"""sgemm for numba: SciPy's BLAS, called with leading dimensions, so that parts of arrays need no copy."""

import llvmlite.binding
import numba
import numpy as np
from numba import types
from numba.extending import get_cython_function_address

_SYMBOL = "caffe_compat_sgemm"
llvmlite.binding.add_symbol(_SYMBOL, get_cython_function_address("scipy.linalg.cython_blas", "sgemm"))
_sgemm = types.ExternalFunction(_SYMBOL, types.void(*[types.intp] * 13))


@numba.njit(cache=True, nogil=True)
def gemm_strip(a, lda, b, ldb, transpose_b, c, ldc, m, n, k):
    """C = B · A on row-major float32: A (k, m) with rows lda apart, B (n, k) or, transposed, (k, n), C (n, m).

    `a`, `b` and `c` are flat arrays that start at the first value.
    """
    flags = np.array([78, 84 if transpose_b else 78], np.uint8)  # 'N', 'T' or 'N'
    sizes = np.array([m, n, k, lda, ldb, ldc], np.int32)
    factors = np.array([1, 0], np.float32)
    flag, size, factor = flags.ctypes.data, sizes.ctypes.data, factors.ctypes.data
    _sgemm(flag, flag + 1, size, size + 4, size + 8, factor, a.ctypes.data, size + 12,
           b.ctypes.data, size + 16, factor + 4, c.ctypes.data, size + 20)  # fmt: skip
