"""Machine code from object files, ready to run in this process."""

import ctypes
import sys
from functools import lru_cache

import llvmlite.binding as llvm

# what compiled loops call; the first three, LLVM puts in for plain loops
LIBRARY = ("memcpy", "memmove", "memset", "malloc", "free", "powf", "sqrtf")


class Code:
    """The functions of an object file; its memory goes with it."""

    def __init__(self, content: bytes) -> None:
        """Link it."""
        _find_library()
        machine = llvm.Target.from_default_triple().create_target_machine()
        # in a place of its own: two files may give two functions the same name
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(content))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function is."""
        address: int = self._engine.get_function_address(name)
        if not address:
            raise ValueError(f"without {name}")
        return address


@lru_cache(maxsize=None)
def _find_library() -> None:
    """LLVM ends the process where a function is missing."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    for name in LIBRARY:
        if not llvm.address_of_symbol(name):
            address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
            llvm.add_symbol(name, address)
