"""The engine under a dream: real pycaffe, or caffe_compat. The only module that knows there are two."""

import importlib
import os
import re
import subprocess
import sys
import tempfile

from ..errors import EngineError

NAMES = ("auto", "caffe", "compat")
_TRIAL = """
import sys
import caffe
weights = sys.argv[1]
for path in sys.argv[2:]:
    print(path, flush=True)
    caffe.Net(path, weights, caffe.TEST) if weights else caffe.Net(path, caffe.TEST)
"""


def load(name="auto"):
    """The pycaffe module to use: "caffe" (a real build), "compat" (caffe_compat), or "auto": real if there is one.

    Raises EngineError if it cannot be imported.
    """
    if name not in NAMES:
        raise EngineError(f'unknown engine "{name}"; choose one of {", ".join(NAMES)}')
    if name != "compat":
        os.environ.setdefault(
            "GLOG_minloglevel", "2"
        )  # else Caffe prints each layer that it sets up
        try:
            return importlib.import_module("caffe")
        except ImportError as e:
            if name == "caffe":
                raise EngineError(
                    f"this Python ({sys.executable}) has no Caffe: {e}; leave out --engine to use the built-in one"
                ) from None
    try:
        return importlib.import_module("caffe_compat")
    except ImportError as e:
        raise EngineError(
            f"the built-in engine lacks a package: {e}; install it with: pip install -e '.[compat]'"
        ) from None


def use_gpu(caffe, device):
    """Compute on this GPU. Raises EngineError where the engine or the machine has none."""
    if caffe.__name__ != "caffe":
        raise EngineError(
            f"--gpu {device}: the built-in engine computes on the CPU only; a GPU needs a real Caffe build (--engine caffe)"
        )
    # Caffe ends the whole process where there is no such GPU, so another process tries first
    probe = f"import caffe; caffe.set_device({device}); caffe.set_mode_gpu()"
    if subprocess.run(
        [sys.executable, "-c", probe], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ).returncode:
        raise EngineError(
            f"--gpu {device}: this Caffe has no GPU {device} (a CPU-only build?); leave out --gpu"
        )
    caffe.set_device(device)
    caffe.set_mode_gpu()


def refusal(caffe, texts, weights=""):
    """Why this engine cannot build one of these prototxts (with the layers that `weights` has for it), or None.

    Returns (index of the text, what the engine says of it). Where a real Caffe would end the process, it is another
    process that ends.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{i}.prototxt") for i in range(len(texts))]
        for path, text in zip(paths, texts):
            with open(path, "w") as f:
                f.write(text)
        if caffe.__name__ == "caffe":
            return _refusal_elsewhere(paths, str(weights))
        for i, path in enumerate(paths):
            try:
                caffe.Net(path, str(weights), caffe.TEST) if weights else caffe.Net(
                    path, caffe.TEST
                )
            except errors(caffe) as e:
                return i, str(e).replace(paths[i] + ": ", "")
    return None


def _refusal_elsewhere(paths, weights):
    loud = {
        **os.environ,
        "GLOG_minloglevel": "0",
        "GLOG_logtostderr": "1",
    }  # so that Caffe names the layers that it sets up
    command = [sys.executable, "-c", _TRIAL, weights, *paths]
    run = subprocess.run(command, env=loud, capture_output=True, text=True, errors="replace")
    if run.returncode == 0:
        return None
    tried = len(run.stdout.split()) - 1
    layers = re.findall(r"\] Creating Layer (.*)", run.stderr)
    fatal = (
        re.findall(r"^F.*?\] (.*)", run.stderr, re.M)
        or run.stderr.strip().splitlines()[-1:]
        or [f"it ended with code {run.returncode}"]
    )
    return max(tried, 0), (f'layer "{layers[-1]}": ' if layers else "") + fatal[0].strip().rstrip(
        "."
    )


def errors(caffe):
    """The exceptions that this engine raises on purpose, as a tuple for `except`; empty for one that ends the process instead."""
    return (caffe.CaffeError,) if hasattr(caffe, "CaffeError") else ()


def describe(caffe):
    """Name, version and what else a result depends on, for a picture's recipe."""
    out = {"name": caffe.__name__, "version": str(getattr(caffe, "__version__", "unknown"))}
    if caffe.__name__ == "caffe_compat":
        threads, gemm = (
            importlib.import_module(f"caffe_compat.kernels.{name}") for name in ("threads", "gemm")
        )
        out.update(threads=threads.count(), arithmetic="fused" if gemm.FUSED else "separate")
    return out


def available_memory():
    """Bytes that programs can still have, or None where the system does not say."""
    try:
        with open("/proc/meminfo") as f:
            for line in f:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
