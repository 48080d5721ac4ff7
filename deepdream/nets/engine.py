"""The engine under a dream: real pycaffe, or caffe_compat. The only module that knows there are
two."""

import importlib
import os
import re
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Optional, Sequence, Tuple, Type

from netfile.system.memory import Free
from netfile.system.places import engine_lacks
from netfile.system.pycaffe import import_caffe

from ..errors import EngineError

NAMES = ("auto", "caffe", "compat")
FAST = "CAFFE_COMPAT_FAST"  # "1": the built-in engine may give up exactness on a GPU
_MODULES = {"caffe": "caffe", "compat": "caffe_compat"}
# what a process that tries something begins with: this one's engine, wherever it is started
_BEGIN = """
import sys
sys.path[:] = {path!r}
from netfile.system.pycaffe import import_caffe
caffe = import_caffe()
"""
_TRIAL = """
weights = sys.argv[1]
for path in sys.argv[2:]:
    print(path, flush=True)
    caffe.Net(path, weights, caffe.TEST) if weights else caffe.Net(path, caffe.TEST)
"""
Refusal = Tuple[int, str]


def load(name: str = "auto") -> Any:
    """Import an engine.

    Args:
        name: "caffe" (a real build), "compat" (caffe_compat), or "auto": a real build if there is
            one.

    Returns:
        The pycaffe module.

    Raises:
        EngineError: it cannot be imported.
    """
    if name not in NAMES:
        raise EngineError(f'unknown engine "{name}"; choose one of {", ".join(NAMES)}', engine=name)
    if name != "compat":
        os.environ.setdefault("GLOG_minloglevel", "2")  # or Caffe prints each layer that it sets up
        try:
            return import_caffe()
        except ImportError as e:
            if name == "caffe":
                message = f"this Python ({sys.executable}) has no Caffe: {e}"
                raise EngineError(message, engine=name) from None
    try:
        caffe = importlib.import_module("caffe_compat")
        caffe.Net  # noqa: B018  its parts are loaded when first asked for
        return caffe
    except ImportError as e:
        raise EngineError(engine_lacks(e), engine=name) from None


def name_of(caffe: Any) -> str:
    """The name by which `load` knows this module; "auto" for any other."""
    return next((name for name, module in _MODULES.items() if module == caffe.__name__), "auto")


def name_of_recorded(module: str) -> str:
    """The name by which `load` knows the engine that a recipe names."""
    return next((name for name, known in _MODULES.items() if known == module), "auto")


def aborts(caffe: Any) -> bool:
    """Whether this engine ends the whole process where something is wrong, as a real Caffe does.

    The other one raises its CaffeError. Whoever may give an engine something wrong asks here first.
    """
    return not hasattr(caffe, "CaffeError")


def errors(caffe: Any) -> Tuple[Type[Exception], ...]:
    """What this engine raises on purpose, for `except`; nothing where it aborts."""
    return () if aborts(caffe) else (caffe.CaffeError,)


def describe(caffe: Any) -> Dict[str, Any]:
    """Name, version, and what else a result depends on, for a picture's recipe."""
    if hasattr(caffe, "about"):
        return dict(caffe.about())
    return {"name": caffe.__name__, "version": str(getattr(caffe, "__version__", "unknown"))}


def use_gpu(caffe: Any, device: int) -> None:
    """Compute on this GPU from now on: a real Caffe's, or PyTorch's in the built-in engine.

    Raises:
        EngineError: the engine or the machine has none.
    """
    if not aborts(caffe):
        try:
            caffe.set_mode_gpu()  # first, so that a number which is refused is not kept
            caffe.set_device(device)
        except errors(caffe) as e:
            caffe.set_mode_cpu()
            why = getattr(e, "why", str(e))
            raise EngineError(f"GPU {device}: {why}", engine=name_of(caffe), gpu=device) from None
        return
    if os.environ.get(FAST) == "1":
        raise EngineError(
            f"GPU {device}: a real Caffe has no faster, less exact mode, which {FAST}=1 asks for",
            gpu=device,
            fast=True,
        )
    # Caffe ends the whole process where there is no such GPU, so another process tries first
    probe = _BEGIN.format(path=sys.path) + f"caffe.set_device({device}); caffe.set_mode_gpu()"
    run = subprocess.run(
        [sys.executable, "-c", probe], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if run.returncode:
        raise EngineError(
            f"GPU {device}: this Caffe has no such GPU (a CPU-only build?)", gpu=device
        )
    caffe.set_device(device)
    caffe.set_mode_gpu()


def gpu_memory(caffe: Any, again: bool = False) -> Optional[Free]:
    """What is free of the memory of the GPU that the engine computes on; None where none is known.

    again: whether what this process has of it is used again.
    """
    told = getattr(caffe, "_device_memory", lambda: None)()
    if told is None:
        return None
    left, held, name = told
    return Free(left + held if again else left, f"free on the GPU ({name})")


def refusal(caffe: Any, texts: Sequence[str], weights: str = "") -> Optional[Refusal]:
    """Why this engine cannot build one of these prototxts.

    Where the engine aborts, another process tries.

    Args:
        texts: prototxts.
        weights: a caffemodel to load into each, or "".

    Returns:
        (index of the first text that is refused, what the engine says of it), or None.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{i}.prototxt") for i in range(len(texts))]
        for path, text in zip(paths, texts):
            with open(path, "w") as f:
                f.write(text)
        if aborts(caffe):
            return _refusal_elsewhere(paths, weights)
        for i, path in enumerate(paths):
            try:
                caffe.Net(path, weights, caffe.TEST) if weights else caffe.Net(path, caffe.TEST)
            except errors(caffe) as e:
                return i, str(e).replace(f"{path}: ", "")
    return None


def _refusal_elsewhere(paths: List[str], weights: str) -> Optional[Refusal]:
    # loud, so that Caffe names the layers that it sets up
    environment = {**os.environ, "GLOG_minloglevel": "0", "GLOG_logtostderr": "1"}
    command = [sys.executable, "-c", _BEGIN.format(path=sys.path) + _TRIAL, weights, *paths]
    run = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if run.returncode == 0:
        return None
    tried = len(run.stdout.split()) - 1
    layers = re.findall(r"\] Creating Layer (.*)", run.stderr)
    fatal = (
        re.findall(r"^F.*?\] (.*)", run.stderr, re.M)
        or run.stderr.strip().splitlines()[-1:]
        or [f"it ended with code {run.returncode}"]
    )
    layer = f'layer "{layers[-1]}": ' if layers else ""
    return max(tried, 0), layer + str(fatal[0]).strip().rstrip(".")
