"""Where nets compute: on the CPU, or in GPU mode on a device of PyTorch's, for the whole process.

PyTorch is loaded when a program asks for GPU mode, and never before. CAFFE_COMPAT_DEVICE chooses
among its kinds of devices: cuda (ROCm's GPUs too), xpu, mps, or cpu, which computes as a GPU would
and needs none; without it the first accelerator that is there is taken.
"""

import importlib
import os
import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple

from netfile.system import memory
from netfile.system.places import install

from .errors import DeviceError, DeviceMemoryError, ModeError

if TYPE_CHECKING:
    import numpy as np

_ACCELERATORS = ("cuda", "xpu", "mps")
_MEMORY = "memory"  # of which it is not known yet what it is for
_VARIABLE = "CAFFE_COMPAT_DEVICE"
_FAST = "CAFFE_COMPAT_FAST"


class _Process:
    """What holds for the whole process."""

    gpu = False  # GPU mode?
    number = 0  # of the device
    device: Any = None  # PyTorch's, from the first set_mode_gpu on
    moved = False  # has there been another one before, on which values may be?
    fast: Optional[bool] = None  # None: as the environment says
    forked = False  # is it the child of one that used a device?


_now = _Process()


def on_gpu() -> bool:
    """Whether nets compute in GPU mode."""
    return _now.gpu


def set_mode_cpu() -> None:
    """Compute on the CPU from now on. Values that are on a device come when they are needed."""
    _now.gpu = False


def set_mode_gpu() -> None:
    """Compute on a GPU from now on. Raises ModeError: there is no PyTorch, or no such device."""
    _take(_find(_now.number))
    _now.gpu = True


def set_device(number: int) -> None:
    """Choose a device by its number, for GPU mode. Raises ModeError in it where there is none."""
    if _now.gpu:
        _take(_find(number))
    _now.number = number


def _take(device: Any) -> None:
    _now.moved = _now.moved or _now.device not in (None, device)
    _now.device = device


def moved() -> bool:
    """Whether values may be on another device than that of now."""
    return _now.moved


def set_fast(fast: bool = True) -> None:
    """Trade exactness for speed in GPU mode, or no longer.

    Products in TensorFloat-32 (10 bits of mantissa), algorithms chosen by trial (so that two runs
    may differ), and pictures kept channel by channel of each place (channels_last).
    """
    _now.fast = fast


def is_fast() -> bool:
    """Whether GPU mode trades exactness for speed: by set_fast, or CAFFE_COMPAT_FAST=1."""
    return os.environ.get(_FAST) == "1" if _now.fast is None else _now.fast


def memory_there() -> Optional[Tuple[int, int, str]]:
    """(bytes that are free on the device, bytes that this process's tensors have of it, its name);
    None in CPU mode, and where PyTorch does not say."""
    if not _now.gpu:
        return None
    left = free()
    return None if left is None else (left[0], held(), _name(_now.device))


def about() -> Dict[str, Any]:
    """What a result in GPU mode depends on: the device, PyTorch's version, and its settings."""
    torch = _torch()
    return {
        "device": _name(_now.device),
        "pytorch": str(torch.__version__),
        "fast": is_fast(),
    }


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError as e:
        raise ModeError(
            f"GPU mode takes PyTorch, and there is none here ({e}); "
            f"install it with: {install('gpu')}"
        ) from None


def _find(number: int) -> Any:
    """PyTorch's device of this number. Raises ModeError."""
    _check_fork()
    torch = _torch()
    wish = os.environ.get(_VARIABLE, "")
    if wish and wish not in (*_ACCELERATORS, "cpu"):
        raise ModeError(
            f"{_VARIABLE} is {wish!r}; it must be one of {', '.join(_ACCELERATORS)} and cpu"
        )
    counts = {kind: _count(torch, kind) for kind in ([wish] if wish else _ACCELERATORS)}
    kind = next((kind for kind, count in counts.items() if count), None)
    if kind is None:
        raise ModeError(
            f"PyTorch {torch.__version__} finds no {wish or 'GPU'} here; if there is one, install "
            "the build of PyTorch that is made for it"
        )
    count = counts[kind]
    if not 0 <= number < count:
        numbered = "number 0 alone" if count == 1 else f"numbers 0 to {count - 1}"
        raise ModeError(f"there is no GPU {number}: PyTorch finds {count} ({kind}), {numbered}")
    return torch.device(kind, number) if kind in ("cuda", "xpu") else torch.device(kind)


def _count(torch: Any, kind: str) -> int:
    """How many devices of a kind there are."""
    if kind in ("cuda", "xpu"):
        there = getattr(torch, kind, None)
        return int(there.device_count()) if there is not None and there.is_available() else 0
    return int(torch.backends.mps.is_available()) if kind == "mps" else 1


def _name(device: Any) -> str:
    torch = _torch()
    if device.type in ("cuda", "xpu"):
        return f"{getattr(torch, device.type).get_device_name(device)} ({device})"
    return str(device)


def device() -> Any:
    """PyTorch's device. Raises DeviceError in a process that was forked off one that used it."""
    _check_fork()
    return _now.device


def _check_fork() -> None:
    if _now.forked:
        raise DeviceError(
            "this process was forked off one that computes on a GPU, which no GPU allows; start "
            'processes with multiprocessing.get_context("spawn"), or call set_mode_gpu in them only'
        )


@contextmanager
def computing() -> Iterator[None]:
    """Context of a pass in GPU mode: PyTorch's settings for it, which are the program's after it.

    Without set_fast: no TensorFloat-32, and cuDNN's algorithms that give the same values each time.
    """
    torch, kind = _torch(), device().type
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        if kind == "cuda":
            stack.enter_context(_settings(torch.backends))
        if kind in ("cuda", "xpu"):
            stack.enter_context(getattr(torch, kind).device(_now.device))
        yield


@contextmanager
def _settings(backends: Any) -> Iterator[None]:
    fast, cudnn, products = is_fast(), backends.cudnn, backends.cuda.matmul
    wanted: List[Tuple[Any, str, Any]] = [
        (cudnn, "benchmark", fast),
        (cudnn, "deterministic", not fast),
    ]
    convolutions = getattr(cudnn, "conv", None)
    if hasattr(convolutions, "fp32_precision"):  # newer PyTorch refuses a mixture with allow_tf32
        precision = "tf32" if fast else "ieee"
        wanted += [(of, "fp32_precision", precision) for of in (convolutions, products)]
    else:
        wanted += [(of, "allow_tf32", fast) for of in (cudnn, products)]
    before = [(of, name, getattr(of, name)) for of, name, _ in wanted]
    try:
        for of, name, value in wanted:
            setattr(of, name, value)
        yield
    finally:
        for of, name, value in before:
            setattr(of, name, value)


def computed(function: Callable[[], object]) -> Callable[[], object]:
    """The function, to be called at any time, with the settings of a pass in GPU mode."""

    def call() -> None:
        with computing():
            function()

    return call


def synchronize() -> None:
    """In GPU mode, wait until the device has done what it was told."""
    if _now.gpu and device().type in _ACCELERATORS:
        with explaining("a pass"):
            getattr(_torch(), _now.device.type).synchronize()


def pins() -> bool:
    """Whether new memory of the host is to be page-locked, which CUDA copies from quickly."""
    return _now.gpu and not _now.forked and _now.device.type == "cuda"


def zeros(count: int) -> "np.ndarray":
    """Page-locked zeros on the host, or other ones where the system has no more of them."""
    torch = _torch()
    try:
        return torch.zeros(count, pin_memory=True).numpy()
    except RuntimeError:
        return torch.zeros(count).numpy()


def zeros_there(count: int) -> Any:
    """Zeros on the device."""
    with explaining(_MEMORY, 4 * count):
        return _torch().zeros(count, device=device())


def to_device(values: "np.ndarray", tensor: Any) -> Any:
    """Values of the host on the device: in this tensor, if it suits, else in a new one."""
    with explaining(_MEMORY, values.nbytes):
        host = _torch().from_numpy(values)
        there = tensor is not None and tensor.device == device() and tensor.is_contiguous()
        if there and tensor.numel() == host.numel():
            tensor.view(-1).copy_(host)
            return tensor
        return host.to(device(), copy=True)


def to_host(tensor: Any, values: "np.ndarray") -> None:
    """Copy a tensor's values, as many as there is room for, into flat ones of the host."""
    _check_fork()
    with explaining("a copy to the host", 0):
        if tensor.numel() > len(values):
            tensor = tensor.reshape(-1)[: len(values)]
        _torch().from_numpy(values[: tensor.numel()]).view(tensor.shape).copy_(tensor)


def here(tensor: Any) -> Any:
    """The tensor on the device of now, to which it is moved if it is on another."""
    return tensor if tensor.device == device() else tensor.to(device())


def free() -> Optional[Tuple[int, int]]:
    """(bytes that are free on the device, of so many); None where PyTorch does not say."""
    torch, kind = _torch(), _now.device.type
    try:
        if kind in ("cuda", "xpu"):
            left, total = getattr(torch, kind).mem_get_info(_now.device)
            of = getattr(torch, kind)
            # what PyTorch keeps for later is free to it
            return left + of.memory_reserved(_now.device) - of.memory_allocated(_now.device), total
        if kind == "mps":
            total = int(torch.mps.recommended_max_memory())
            return total - int(torch.mps.current_allocated_memory()), total
    except (AttributeError, RuntimeError):
        return None
    left = memory.free()
    return None if left is None else (left.bytes, left.bytes)


def held() -> int:
    """Bytes of the device that this process's tensors have; 0 where PyTorch does not say."""
    torch, kind = _torch(), _now.device.type
    try:
        if kind == "mps":
            return int(torch.mps.current_allocated_memory())
        return int(getattr(torch, kind).memory_allocated(_now.device)) if kind != "cpu" else 0
    except (AttributeError, RuntimeError):
        return 0


def release() -> None:
    """Give back to the device what PyTorch keeps of it for later."""
    torch, kind = _torch(), _now.device.type
    if kind in _ACCELERATORS:
        getattr(torch, kind).empty_cache()


_SHORT = ("out of memory", "can't allocate memory", "not enough memory", "alloc_cpu")
_LOST = (
    "cuda error", "hip error", "cudnn", "cublas", "xpu", "level_zero", "mps", "device-side",
    "nvml", "accelerator", "device lost",
)  # fmt: skip
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


@contextmanager
def explaining(what: str, size: int = 0) -> Iterator[None]:
    """Context in which PyTorch's errors become DeviceErrors; size: the bytes asked for, or 0."""
    try:
        yield
    except RuntimeError as e:
        explained = explain(e, what, size)
        if explained is None:
            raise
        raise explained from e


@contextmanager
def computing_here() -> Iterator[None]:
    """`computing` for a program's own arithmetic, whose errors become DeviceErrors too."""
    with computing(), explaining("arithmetic between two passes"):
        yield


def explain(error: RuntimeError, what: str, size: int = 0) -> Optional[DeviceError]:
    """The DeviceError of what PyTorch raised; None where it is none of the device's."""
    if isinstance(error, DeviceMemoryError) and error.what == _MEMORY:
        return DeviceMemoryError(what, error.asked, error.free, error.device)
    if isinstance(error, DeviceError):
        return None
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if type(error).__name__ == "OutOfMemoryError" or any(s in text.lower() for s in _SHORT):
        return DeviceMemoryError(what, _asked(str(error)) or size, free(), _name(_now.device))
    if type(error).__name__ == "AcceleratorError" or any(s in text.lower() for s in _LOST):
        return DeviceError(
            f"{what}: the GPU failed: {text}; start the program again, since nothing more can be "
            "had of it in this process"
        )
    return None


def _asked(text: str) -> int:
    """The bytes that PyTorch's error says were asked for; 0 where it does not say."""
    found = re.search(r"allocate ([\d.]+) (bytes|[KMGT]iB)", text)
    return int(float(found[1]) * _UNITS[found[2]]) if found else 0


def _after_fork() -> None:
    _now.forked = _now.device is not None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
