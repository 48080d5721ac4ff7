"""Another processor than this machine's: one with other vectors."""


def of_lanes(count: int) -> None:
    """Compile loops for vectors of so many values, in a process that has not loaded any.

    LLVM makes them of this processor's own, which may be longer or shorter.
    """
    from caffe_compat.kernels.compiled import processor

    here = processor.PROCESSOR
    has = {**here.has, "avx": count > 4, "avx512f": count == 16}
    processor.PROCESSOR = here._replace(has=has)
