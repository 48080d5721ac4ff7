"""Loops as machine code: made by numba, kept in files, linked by LLVM."""
