"""The processor that loops are compiled for: this machine's, or one that a wheel has code for.

NUMBA_CPU_NAME and NUMBA_CPU_FEATURES ("+avx,-avx512f") name another one, as they do to numba.
"""

import os
import sys
from typing import Dict, NamedTuple, Optional

import llvmlite.binding as llvm


class Processor(NamedTuple):
    """One of LLVM's processors.

    name, features: as LLVM takes them, "" and "+avx2,-sse4a". has: the features that it has.
    """

    name: str
    features: str
    has: Dict[str, bool]
    x86: bool

    @property
    def lanes(self) -> int:
        """float32 values in a vector register; x86 before AVX, and ARM, have four."""
        return 16 if self.has.get("avx512f") else 8 if self.has.get("avx") else 4

    @property
    def fused(self) -> bool:
        """Whether a product and its sum are rounded once."""
        return bool(self.has.get("fma")) or not self.x86


def _host() -> Processor:
    x86 = llvm.get_process_triple().startswith(("x86_64", "i386", "i686"))
    name = os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name()
    named = os.environ.get("NUMBA_CPU_FEATURES")
    if named is not None:
        features = {each[1:]: each[0] == "+" for each in named.split(",") if each}
        return Processor(name, named, features, x86)
    features = dict(sorted(llvm.get_host_cpu_features().items()))
    flat = ",".join(f"{'+' if has else '-'}{name}" for name, has in features.items())
    return Processor(name, flat, features, x86)


PROCESSOR = _host()

# what the levels of x86-64 have, as its ABI numbers them (all of the second is in the third)
_THIRD = (
    "avx", "avx2", "bmi", "bmi2", "cx16", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sahf",
    "sse4.2", "xsave",
)  # fmt: skip
_FOURTH = (*_THIRD, "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl")
# those that wheels have code for, for Linux; the best first
SHIPPED = tuple(
    Processor(name, "", dict.fromkeys(has, True), True)
    for name, has in (("x86-64-v4", _FOURTH), ("x86-64-v3", _THIRD))
)


def shipped() -> Optional[Processor]:
    """The best of SHIPPED whose code runs here, and sees memory as this processor's own would."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32 or not PROCESSOR.x86:
        return None
    for each in SHIPPED:
        same = (each.lanes, each.fused) == (PROCESSOR.lanes, PROCESSOR.fused)
        if same and all(PROCESSOR.has.get(feature) for feature in each.has):
            return each
    return None
