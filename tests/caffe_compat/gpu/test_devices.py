"""Modes and devices: what is taken, and what is said where there is nothing to take."""

import os
import pickle
import sys
import types

import pytest

import caffe_compat as caffe
from caffe_compat import devices
from caffe_compat.errors import DeviceError, DeviceMemoryError, ModeError
from deepdream.errors import EngineError
from deepdream.nets import engine


def pytorch(cuda=0, xpu=0, mps=False):
    """A PyTorch with so many devices."""
    module = types.SimpleNamespace(__version__="2.9", backends=types.SimpleNamespace())
    for name, count in (("cuda", cuda), ("xpu", xpu)):
        kind = types.SimpleNamespace(
            is_available=lambda count=count: count > 0, device_count=lambda count=count: count
        )
        setattr(module, name, kind)
    module.backends.mps = types.SimpleNamespace(is_available=lambda: mps)
    module.device = lambda kind, number=None: types.SimpleNamespace(type=kind, index=number)
    return module


@pytest.fixture
def found(monkeypatch):
    """Returns the device that set_mode_gpu takes of a PyTorch like this."""

    def take(number=0, wish=None, **there):
        monkeypatch.setitem(sys.modules, "torch", pytorch(**there))
        monkeypatch.delenv("CAFFE_COMPAT_DEVICE", raising=False)
        if wish is not None:
            monkeypatch.setenv("CAFFE_COMPAT_DEVICE", wish)
        caffe.set_device(number)
        caffe.set_mode_gpu()
        return devices.device().type, devices.device().index

    monkeypatch.delenv("CAFFE_COMPAT_CPU", raising=False)
    monkeypatch.setattr(devices, "_now", devices._Process())
    return take


def test_the_first_accelerator_that_is_there_is_taken(found):
    assert found(cuda=2, mps=True) == ("cuda", 0)
    assert found(number=1, cuda=2) == ("cuda", 1)
    assert found(xpu=1) == ("xpu", 0)
    assert found(mps=True) == ("mps", None)
    assert found(cuda=1, wish="cpu") == ("cpu", None)


@pytest.mark.parametrize(
    "there, message",
    [
        ({}, "PyTorch 2.9 finds no GPU here.*python -m caffe_compat --cpu"),
        ({"wish": "cuda", "mps": True}, "finds no cuda here"),
        ({"wish": "rocm"}, "CAFFE_COMPAT_DEVICE is 'rocm'; it must be one of cuda, xpu, mps"),
        ({"cuda": 2, "number": 2}, "there is no GPU 2: PyTorch finds 2 .cuda., numbers 0 to 1"),
        ({"mps": True, "number": 1}, "there is no GPU 1: PyTorch finds 1 .mps., number 0 alone"),
        ({"cuda": 1, "number": -1}, "there is no GPU -1"),
    ],
)
def test_a_device_that_is_not_there_is_refused_in_one_line(found, there, message):
    with pytest.raises(ModeError, match=message) as caught:
        found(**there)
    assert "\n" not in str(caught.value) and not devices.on_gpu()


def test_without_pytorch_the_command_that_installs_it_is_named(found, monkeypatch):
    found(cuda=1)
    caffe.set_mode_cpu()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModeError, match=r"pip install .*\[gpu\].*caffe_compat --cpu"):
        caffe.set_mode_gpu()


def test_a_device_is_chosen_before_or_after_the_mode(found):
    found(cuda=3)
    caffe.set_device(2)
    assert devices.device().index == 2
    with pytest.raises(ModeError, match="there is no GPU 3"):
        caffe.set_device(3)
    assert devices.device().index == 2
    caffe.set_mode_cpu()
    caffe.set_device(9)  # takes effect in GPU mode only
    with pytest.raises(ModeError, match="there is no GPU 9"):
        caffe.set_mode_gpu()
    with pytest.raises(TypeError):
        caffe.set_device("0")


def test_the_option_of_commands_takes_the_same_devices(found):
    found(cuda=2)
    caffe.set_mode_cpu()
    engine.use_gpu(caffe, 1)
    assert devices.on_gpu() and devices.device().index == 1
    with pytest.raises(EngineError, match="^GPU 2: there is no GPU 2: PyTorch finds 2 ") as caught:
        engine.use_gpu(caffe, 2)
    assert "--cpu" not in str(caught.value) and caught.value.gpu == 2


def test_in_cpu_mode_pytorch_is_never_loaded():
    code = (
        "import sys, caffe_compat as caffe\n"
        "caffe.set_device(1); caffe.set_mode_cpu(); caffe.Net; caffe.layer_type_list()\n"
        "sys.exit('torch' in sys.modules or 'caffe_compat.layer_types.gpu' in sys.modules)"
    )
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code) == 0


def test_what_is_free_of_a_device_counts_what_pytorch_keeps_of_it_for_later(found):
    assert found(cuda=1) == ("cuda", 0)
    cuda = sys.modules["torch"].cuda
    cuda.mem_get_info = lambda device: (100, 1000)
    cuda.memory_reserved, cuda.memory_allocated = lambda device: 70, lambda device: 30
    cuda.get_device_name = lambda device: "Card"
    free, held, name = caffe._device_memory()
    assert (free, held) == (140, 30) and name.startswith("Card")
    caffe.set_mode_cpu()
    assert caffe._device_memory() is None
    found(mps=True)
    sys.modules["torch"].mps = types.SimpleNamespace(
        recommended_max_memory=lambda: 500, current_allocated_memory=lambda: 200
    )
    assert caffe._device_memory()[:2] == (300, 200)
    del sys.modules["torch"].mps.recommended_max_memory  # of an older PyTorch
    assert caffe._device_memory() is None
    found(wish="cpu")
    assert caffe._device_memory()[1] == 0


def test_memory_that_is_short_is_told_by_what_was_asked_and_what_is_free(found, monkeypatch):
    found(cuda=1)
    monkeypatch.setattr(devices, "free", lambda: (2_000_000_000, 8_000_000_000))
    monkeypatch.setattr(devices, "_name", lambda device: "Card")
    error = devices.explain(
        RuntimeError("CUDA out of memory. Tried to allocate 3.50 GiB. GPU 0 has\nmore"), "layer"
    )
    assert isinstance(error, DeviceMemoryError) and isinstance(error, MemoryError)
    assert str(error).startswith(
        "layer takes 3.76 GB on the device Card, of which 2.00 GB of 8.00 GB are free; "
    )
    assert (error.asked, error.free) == (int(3.5 * 2**30), (2_000_000_000, 8_000_000_000))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("fast", [False, True])
def test_pytorchs_settings_are_those_of_a_pass_while_it_runs(found, fast, newer):
    space = types.SimpleNamespace
    kind, given, wanted = "fp32_precision", "none", "tf32" if fast else "ieee"
    if not newer:
        kind, given, wanted = "allow_tf32", True, fast
    cudnn, products = space(benchmark=None, deterministic=None), space(**{kind: given})
    cudnn.conv = space(**{kind: given})
    convolutions = cudnn.conv if newer else cudnn
    setattr(convolutions, kind, given)
    devices.set_fast(fast)
    with devices._settings(space(cudnn=cudnn, cuda=space(matmul=products))):
        assert (cudnn.benchmark, cudnn.deterministic) == (fast, not fast)
        assert getattr(convolutions, kind) == getattr(products, kind) == wanted
    assert cudnn.benchmark is None and cudnn.deterministic is None
    assert getattr(convolutions, kind) == getattr(products, kind) == given


def test_a_device_that_fails_is_told_in_one_line(found):
    found(cuda=1)
    error = devices.explain(RuntimeError("CUDA error: unspecified launch failure\nmore"), "layer")
    assert isinstance(error, DeviceError) and not isinstance(error, DeviceMemoryError)
    assert "layer: the GPU failed: CUDA error: unspecified launch failure; start" in str(error)
    assert devices.explain(RuntimeError("shapes cannot be multiplied"), "layer") is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
def test_a_process_that_was_forked_is_told_to_spawn(found):
    found(cuda=1)
    devices._after_fork()
    for use in (devices.device, caffe.set_mode_gpu):
        with pytest.raises(DeviceError, match="forked.*spawn"):
            use()
