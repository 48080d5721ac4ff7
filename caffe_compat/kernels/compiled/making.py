"""The machine code of tasks, by numba: the only file that imports it.

numba's own way makes machine code of every function that a loop calls, with what Python needs to
call it, optimises it before and after each call is put in, and does so again for each caller. Here
functions stay as numba translates them until those of several tasks are together, and are optimised
once. What comes out calls the C library alone, so that it can be kept, shipped, and run where
numba is not loaded.
"""

import ctypes
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Set

from llvmlite import ir
from numba import _dynfunc, types
from numba.core import codegen, cpu, typing
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from . import later, runtime
from .linked import LIBRARY
from .processor import PROCESSOR

_SIGNATURE = types.void(types.intp, types.intp)
_ANYTHING = ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p).value


class _Library(codegen.CPUCodeLibrary):
    """Functions as numba translates them; a `whole` one is optimised."""

    whole = False

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        if self.whole:
            super()._optimize_final_module()

    def _finalize_specific(self) -> None:
        pass


class _Codegen(codegen.CPUCodegen):
    """Code for PROCESSOR, as an object file."""

    _library_class = _Library

    def _customize_tm_features(self) -> str:
        return PROCESSOR.features

    def _customize_tm_options(self, options: Dict[str, Any]) -> None:
        options["cpu"], options["features"] = PROCESSOR.name, PROCESSOR.features
        options["reloc"] = "static" if PROCESSOR.x86 else "default"
        options["codemodel"], options["jit"] = "jitdefault", True

    def _add_module(self, module: Any) -> None:
        pass


class _Context(cpu.CPUContext):
    """numba's translation, less what is for Python's sake."""

    def init(self) -> None:
        self.is32bit = False
        self._internal_codegen = _Codegen("loops")

    def post_lowering(self, mod: Any, library: Any) -> None:
        pass  # numba's memory management; see runtime.py

    def create_cpython_wrapper(self, *args: Any, **options: Any) -> None:
        pass

    def get_executable(self, library: Any, fndesc: Any, env: Any) -> Any:
        # numba knows functions by what Python would call; nobody calls these
        return _dynfunc.make_function(
            fndesc.lookup_module(), fndesc.qualname.split(".")[-1], "", _ANYTHING, env, (library,)
        )

    def create_cfunc_wrapper(self, *args: Any, **options: Any) -> None:
        pass

    def for_c(self, name: str, fndesc: Any) -> Any:
        """A module with a task's function for C.

        Where that fails, for want of memory, no items are left to take.
        """
        module = self.create_module(name)
        kind = self.call_conv.get_function_type(fndesc.restype, fndesc.argtypes)
        function = ir.Function(module, kind, fndesc.llvm_func_name)
        numbers = [ir.IntType(64)] * 2
        for_c = ir.Function(module, ir.FunctionType(ir.VoidType(), numbers), name)
        builder = ir.IRBuilder(for_c.append_basic_block())
        status, _ = self.call_conv.call_function(
            builder, function, fndesc.restype, fndesc.argtypes, for_c.args
        )
        with builder.if_then(status.is_error, likely=False):
            counter = builder.inttoptr(for_c.args[0], ir.PointerType(numbers[0]))
            builder.store_atomic(ir.Constant(numbers[0], runtime.FAILED), counter, "seq_cst", 8)
        builder.ret_void()
        return module


_contexts: Dict[str, Any] = {}


@contextmanager
def _ours() -> Iterator[None]:
    """Within it, numba's target is ours: functions that are declared and compiled are loops."""
    if not _contexts:
        cpu_target.target_context.refresh()  # numba's own is whole before
        typings = typing.Context()
        _contexts.update(
            _toplevel_typing_context=typings, _toplevel_target_context=_Context(typings, "cpu")
        )
    with global_compiler_lock:
        before = {name: vars(cpu_target)[name] for name in _contexts}
        vars(cpu_target).update(_contexts)
        try:
            yield
        finally:
            vars(cpu_target).update(before)


def made(functions: Dict[str, Callable[[int, int], None]]) -> bytes:
    """An object file with these functions, f(int64, int64), by the names that are given.

    Raises an error of numba's where one of them is wrong.
    """
    with _ours():
        declared = {name: later.numba.njit(function) for name, function in functions.items()}
        later.settle()
        context = cpu_target.target_context
        whole = context.codegen().create_library("loops")
        whole.whole = True
        for name, task in declared.items():
            result = task.real().get_compile_result(_SIGNATURE)
            whole.add_linking_library(result.library)
            whole.add_ir_module(context.for_c(name, result.fndesc))
        whole.add_ir_module(runtime.module(context))
        return _object(whole, set(functions))


def _object(whole: Any, entries: Set[str]) -> bytes:
    for library in whole._linking_libraries:
        library._ensure_finalized()
        whole._final_module.link_in(library._get_module_for_linking(), preserve=True)
    whole._linking_libraries.clear()
    for function in whole._final_module.functions:
        if function.name not in entries and not function.is_declaration:
            function.linkage = "internal"
    whole.finalize()
    missing = {f.name for f in whole._final_module.functions if f.is_declaration} - {*LIBRARY}
    missing = {name for name in missing if not name.startswith("llvm.")}
    if missing:
        names = ", ".join(sorted(missing))
        raise NotImplementedError(f"loops call {names}: name what is C's in linked.LIBRARY")
    return whole._codegen._tm.emit_object(whole._final_module)
