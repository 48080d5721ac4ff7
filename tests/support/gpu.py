"""What tests need to run in GPU mode, on any machine that has PyTorch."""

import importlib
import os
from typing import Any, Callable

VARIABLE = "CAFFE_COMPAT_DEVICE"
# "gpu": tests of layers and nets run in that mode, too (make test-gpu)
MODE = "DEEPDREAM_TEST_MODE"


def choose(set_variable: Callable[[str, str], Any]) -> None:
    """Take PyTorch's CPU where the machine has no accelerator, and the environment names none."""
    torch = importlib.import_module("torch")
    there = torch.cuda.is_available() or torch.backends.mps.is_available()
    there = there or (hasattr(torch, "xpu") and torch.xpu.is_available())
    if VARIABLE not in os.environ and not there:
        set_variable(VARIABLE, "cpu")
        torch.set_num_threads(1)  # the arrays are small, and other tests run beside


def on_cpu(test: Any) -> Any:
    """Mark a test that keeps arrays over passes, which GPU mode, as in Caffe, does not refresh."""
    pytest = importlib.import_module("pytest")
    return pytest.mark.skipif(wanted(), reason="arrays are refreshed when they are read")(test)


def wanted() -> bool:
    """Whether tests are to run in GPU mode."""
    return os.environ.get(MODE) == "gpu"


def on_device(layer: Any) -> None:
    """Let a layer's `forward` and `backward` be those of GPU mode."""

    def replace(name: str) -> None:
        def call(*blobs: Any) -> None:
            mine = vars(layer).pop(name)  # for types whose pass in GPU mode is that of the host
            try:
                getattr(layer, name + "_gpu")(*blobs)
            finally:
                setattr(layer, name, mine)

        setattr(layer, name, call)

    importlib.import_module("caffe_compat.layer_types").load_twins()
    replace("forward")
    replace("backward")
