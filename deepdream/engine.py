"""The engine under a dream: real pycaffe, or caffe_compat. The only module that knows there are two."""

import importlib
import os
import subprocess
import sys

from .errors import EngineError

NAMES = ("auto", "caffe", "compat")


def load(name="auto"):
    """The pycaffe module to use: "caffe" (a real build), "compat" (caffe_compat), or "auto": real if there is one.

    Raises EngineError if it cannot be imported.
    """
    if name not in NAMES:
        raise EngineError(f'unknown engine "{name}"; choose one of {", ".join(NAMES)}')
    if name != "compat":
        os.environ.setdefault("GLOG_minloglevel", "2")  # else Caffe prints each layer that it sets up
        try:
            return importlib.import_module("caffe")
        except ImportError as e:
            if name == "caffe":
                raise EngineError(f"this Python ({sys.executable}) has no Caffe: {e}; leave out --engine to use the built-in one") from None
    try:
        return importlib.import_module("caffe_compat")
    except ImportError as e:
        raise EngineError(f"the built-in engine lacks a package: {e}; install it with: pip install -e '.[compat]'") from None


def use_gpu(caffe, device):
    """Compute on this GPU. Raises EngineError where the engine or the machine has none."""
    if caffe.__name__ != "caffe":
        raise EngineError(f"--gpu {device}: the built-in engine computes on the CPU only; a GPU needs a real Caffe build (--engine caffe)")
    # Caffe ends the whole process where there is no such GPU, so another process tries first
    probe = f"import caffe; caffe.set_device({device}); caffe.set_mode_gpu()"
    if subprocess.run([sys.executable, "-c", probe], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        raise EngineError(f"--gpu {device}: this Caffe has no GPU {device} (a CPU-only build?); leave out --gpu")
    caffe.set_device(device)
    caffe.set_mode_gpu()


def errors(caffe):
    """The exceptions that this engine raises on purpose, as a tuple for `except`."""
    return (caffe.CaffeError,) if hasattr(caffe, "CaffeError") else ()


def describe(caffe):
    """Name, version and what else a result depends on, for a picture's recipe."""
    out = {"name": caffe.__name__, "version": str(getattr(caffe, "__version__", "unknown"))}
    if caffe.__name__ == "caffe_compat":
        out["threads"] = importlib.import_module("caffe_compat.kernels.threads").count()
    return out
