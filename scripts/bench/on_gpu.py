"""Time a step on a GPU: the built-in engine's GPU mode beside the same net in plain PyTorch.

Plain PyTorch runs eagerly and compiled, each as it is, in channels_last and with TensorFloat-32,
which the built-in engine has with set_fast. Memory is PyTorch's peak above what the loaded net
takes. The copy is what a dream's step moves to the host, its gradient. CAFFE_COMPAT_DEVICE=cpu runs
all this on PyTorch's CPU, to see whether it works.
"""

import argparse
import statistics
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from scripts.bench.bench_worker import END, CaffeSide, picture

WARM_UP = 3  # steps of each before any is timed: compilation, algorithms chosen by trial
Step = Callable[[], Any]


class Ours:
    """The built-in engine in GPU mode, exact or fast."""

    def __init__(self, fast: bool) -> None:
        self.fast = fast
        self.name = "caffe_compat, fast" if fast else "caffe_compat"
        self._side = CaffeSide("compat")

    @contextmanager
    def at(self, width: int, height: int) -> Iterator[Step]:
        """What makes a step at this size, on the device but for nothing."""
        self._side.caffe.set_fast(self.fast)
        self._side.prepare(width, height)
        net = self._side.net

        def step() -> None:
            net.forward(end=END)
            net.blobs[END]._set_gpu_diff(net.blobs[END]._gpu_data.clone())
            net.backward(start=END)

        yield step
        net.blobs["data"].reshape(1, 3, 32, 32)
        for blob in net._parts.blobs.values():
            blob.leave_gpu(False)

    def copy(self) -> None:
        """Move the gradient to the host."""
        blob = self._side.net.blobs["data"]
        assert blob._mutable_gpu_diff is not None and blob._cpu_diff is not None


class Plain:
    """The same net as functions of PyTorch's."""

    def __init__(self, device: Any, compiled: bool, channels_last: bool, tf32: bool) -> None:
        import torch

        self.torch, self.device, self.tf32 = torch, device, tf32
        how = ["compiled" if compiled else "eager"]
        how += ["channels_last"] * channels_last + ["TF32"] * tf32
        self.name = "PyTorch, " + ", ".join(how)
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        side = CaffeSide("compat")
        self._params = {
            name: [self._there(blob.data) for blob in blobs]
            for name, blobs in side.net.params.items()
        }
        last = list(side.net._layer_names).index(END)
        self._layers = [layer.layer_param for layer in side.net._parts.layers[1 : last + 1]]
        self._forward = torch.compile(self._made) if compiled else self._made

    def _there(self, values: Any) -> Any:
        tensor = self.torch.from_numpy(values).to(self.device)
        return tensor.contiguous(memory_format=self._format) if tensor.ndim == 4 else tensor

    def _made(self, source: Any) -> Any:
        from scripts.bench.torch_engine import operation

        tensors = {"data": source}
        for layer in self._layers:
            bottoms = [tensors[name] for name in layer.bottom]
            made = operation(layer, bottoms, self._params.get(layer.name, []))
            tensors.update(dict.fromkeys(layer.top, made))
        return tensors[END]

    @contextmanager
    def at(self, width: int, height: int) -> Iterator[Step]:
        """What makes a step at this size."""
        source = self._there(picture(width, height)).requires_grad_()
        backends = self.torch.backends
        products, cudnn = backends.cuda.matmul, backends.cudnn
        before = products.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
        products.allow_tf32 = cudnn.allow_tf32 = self.tf32
        cudnn.benchmark = True  # the best of plain PyTorch

        def step() -> None:
            source.grad = None
            target = self._forward(source)
            target.backward(target.detach())

        yield step
        products.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


def sides(device: Any) -> List[Any]:
    """Ours, and every kind of plain PyTorch, the fastest of which is to be met."""
    kinds = [(compiled, last, tf) for compiled in (0, 1) for last in (0, 1) for tf in (0, 1)]
    tf32_there = device.type == "cuda"
    plain = [Plain(device, bool(c), bool(last), bool(tf)) for c, last, tf in kinds
             if tf32_there or not tf]  # fmt: skip
    return [Ours(False), Ours(True), *plain]


def _synchronized(device: Any) -> Callable[[], None]:
    import torch

    there = getattr(torch, device.type, None)
    wait: Callable[[], None] = getattr(there, "synchronize", lambda: None)
    return wait


def seconds(step: Step, wait: Callable[[], None]) -> float:
    """What one call takes, until the device is done with it."""
    wait()
    started = time.perf_counter()
    step()
    wait()
    return time.perf_counter() - started


def _peak(device: Any, step: Step, wait: Callable[[], None]) -> Optional[float]:
    """Megabytes at the peak of a step above what is held before it; None where nothing tells."""
    import torch

    if device.type != "cuda":
        return None
    wait()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    step()
    wait()
    return float((torch.cuda.max_memory_allocated(device) - before) / 1e6)


def measured(side: Any, size: Tuple[int, int], repeats: int, device: Any) -> Dict[str, Any]:
    """The median step, its peak and, of ours, the copy; or why there is none."""
    wait = _synchronized(device)
    try:
        with side.at(*size) as step:
            peak = _peak(device, step, wait)
            for _ in range(WARM_UP):
                step()
            times = [seconds(step, wait) for _ in range(repeats)]
            row = {"step": statistics.median(times), "peak": peak}
            if isinstance(side, Ours):
                copies = [seconds(side.copy, wait) for _ in range(repeats)]
                row["copy"] = statistics.median(copies)
            return row
    except Exception as e:  # a compiler that is not there, memory: the others are still measured
        return {"failed": (str(e).strip().splitlines() or [type(e).__name__])[0][:80]}


def show(args: argparse.Namespace) -> None:
    """Print a table for each size; nothing but a line where there is no GPU."""
    import caffe_compat as caffe

    try:
        caffe.set_mode_gpu()
    except caffe.CaffeError as e:
        print(f"\nno table of a GPU: {e}")
        return
    from caffe_compat import devices

    device = devices.device()
    about = caffe.about()
    print(
        f"\nA step on {about['device']}, PyTorch {about['pytorch']}, medians of {args.repeats}:\n"
    )
    print("| picture | what | step | exact ours / its | fast ours / its | peak memory | copy |")
    print("|---|---|---|---|---|---|---|")
    every = sides(device)
    for size in args.size:
        width, height = map(int, size.split("x"))
        rows = {s.name: measured(s, (width, height), args.repeats, device) for s in every}
        ours = [rows[side.name].get("step") for side in every[:2]]
        for name, row in rows.items():
            if "failed" in row:
                print(f"| {size} | {name} | {row['failed']} | | | | |", flush=True)
                continue
            ratios = [f"{our / row['step']:.2f}" if our else "" for our in ours]
            peak = "" if row["peak"] is None else f"{row['peak']:.0f} MB"
            copy = f"{1000 * row['copy']:.2f} ms" if "copy" in row else ""
            print(
                f"| {size} | {name} | {1000 * row['step']:.2f} ms | {' | '.join(ratios)} | {peak} "
                f"| {copy} |",
                flush=True,
            )
    caffe.set_fast(False)
    caffe.set_mode_cpu()
