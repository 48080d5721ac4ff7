"""The processor that loops are compiled for: this machine's, or one that a wheel has code for."""

from typing import Dict, NamedTuple

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
    features = dict(sorted(llvm.get_host_cpu_features().items()))
    flat = ",".join(f"{'+' if has else '-'}{name}" for name, has in features.items())
    x86 = llvm.get_process_triple().startswith(("x86_64", "i386", "i686"))
    return Processor(llvm.get_host_cpu_name(), flat, features, x86)


PROCESSOR = _host()
