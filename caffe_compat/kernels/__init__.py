"""The hot loops, on plain float32 arrays, which LLVM compiles. Nothing here knows what a Net is."""
