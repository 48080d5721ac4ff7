"""Another processor than this machine's: one whose vectors are half as wide."""

from typing import Any


def narrow() -> Any:
    """Compile loops for it, in a process that has not loaded any; returns its lanes."""
    from caffe_compat.kernels.compiled import processor

    here = processor.PROCESSOR
    has = {"fma": True, "avx": here.lanes == 16}
    processor.PROCESSOR = here._replace(name="haswell", features="", has=has)
    return processor.PROCESSOR.lanes
