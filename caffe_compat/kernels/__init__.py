"""The hot loops, on plain float32 arrays: numba and BLAS. Nothing here knows what a Net is."""
