"""Writes a deploy prototxt, layer by layer."""

import argparse
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

ROOT = Path(__file__).resolve().parents[2]


class Writer:
    """Collects layers as prototxt text. Every method that adds one returns the name of its top."""

    def __init__(self, name: str) -> None:
        self.lines = [f'name: "{name}"']

    def layer(self, name: str, kind: str, bottoms: Sequence[str], top: str, *body: str) -> str:
        self.lines.append("layer {")
        self.lines += [f'  name: "{name}"', f'  type: "{kind}"']
        self.lines += [f'  bottom: "{b}"' for b in bottoms]
        self.lines += [f'  top: "{top}"', *("  " + line for line in body), "}"]
        return top

    def data(self, batch: int, size: int) -> str:
        """The input: colour pictures of size x size."""
        dims = " ".join(f"dim: {d}" for d in (batch, 3, size, size))
        return self.layer("data", "Input", [], "data", f"input_param {{ shape: {{ {dims} }} }}")

    def conv(
        self,
        name: str,
        bottom: str,
        channels: int,
        kernel: int,
        relu: str = "",
        pad: int = 0,
        stride: int = 1,
        group: int = 1,
        bias: bool = True,
        bias_value: str = "0.2",
    ) -> str:
        """A Convolution, and after it an in-place ReLU called `relu`, if that is a name."""
        settings = [f"num_output: {channels}"]
        settings += ["bias_term: false"] if not bias else []
        settings += [f"pad: {pad}"] if pad else []
        settings += [f"kernel_size: {kernel}"]
        settings += [f"group: {group}"] if group != 1 else []
        settings += [f"stride: {stride}"] if stride != 1 else []
        self._weighted(name, "Convolution", bottom, settings, bias_value if bias else "")
        return self.layer(relu, "ReLU", [name], name) if relu else name

    def inner_product(self, name: str, bottom: str, outputs: int) -> str:
        return self._weighted(name, "InnerProduct", bottom, [f"num_output: {outputs}"], "0")

    def _weighted(
        self, name: str, kind: str, bottom: str, settings: List[str], bias_value: str
    ) -> str:
        """A layer that learns weights and, unless `bias_value` is empty, biases."""
        settings = [*settings, 'weight_filler { type: "xavier" }']
        rates = ["param { lr_mult: 1 decay_mult: 1 }"]
        if bias_value:
            settings.append(f'bias_filler {{ type: "constant" value: {bias_value} }}')
            rates.append("param { lr_mult: 2 decay_mult: 0 }")
        param = {"Convolution": "convolution_param", "InnerProduct": "inner_product_param"}[kind]
        return self.layer(name, kind, [bottom], name, *rates, *_block(param, settings))

    def pool(
        self,
        name: str,
        bottom: str,
        method: str,
        kernel: int,
        stride: int,
        pad: int = 0,
        down: bool = False,
    ) -> str:
        """A Pooling; with `down`, its size is rounded down, not up as by default."""
        settings = [f"pool: {method}", f"kernel_size: {kernel}", f"stride: {stride}"]
        settings += [f"pad: {pad}"] if pad else []
        settings += ["round_mode: FLOOR"] if down else []
        return self.layer(name, "Pooling", [bottom], name, *_block("pooling_param", settings))

    def global_pool(self, name: str, bottom: str) -> str:
        """The average of each channel."""
        settings = ["pool: AVE", "global_pooling: true"]
        return self.layer(name, "Pooling", [bottom], name, *_block("pooling_param", settings))

    def lrn(self, name: str, bottom: str) -> str:
        settings = ["local_size: 5", "alpha: 0.0001", "beta: 0.75"]
        return self.layer(name, "LRN", [bottom], name, *_block("lrn_param", settings))

    def dropout(self, name: str, bottom: str, ratio: float) -> str:
        """A Dropout in place."""
        param = f"dropout_param {{ dropout_ratio: {ratio} }}"
        return self.layer(name, "Dropout", [bottom], bottom, param)

    def upsample(self, name: str, bottom: str, factor: int) -> str:
        """A Deconvolution of one channel that interpolates it to `factor` times its size."""
        settings = [
            "num_output: 1", "bias_term: false", f"pad: {factor // 2}",
            f"kernel_size: {2 * factor}", f"stride: {factor}", 'weight_filler { type: "bilinear" }',
        ]  # fmt: skip
        rates = "param { lr_mult: 0 decay_mult: 0 }"
        body = _block("convolution_param", settings)
        return self.layer(name, "Deconvolution", [bottom], name, rates, *body)

    def softmax(self, bottom: str) -> str:
        """The last layer; returns the whole prototxt."""
        self.layer("prob", "Softmax", [bottom], "prob")
        return self.text()

    def text(self) -> str:
        """The whole prototxt."""
        return "\n".join(self.lines) + "\n"


def _block(name: str, settings: List[str]) -> List[str]:
    return [f"{name} {{", *("  " + line for line in settings), "}"]


def command(doc: str, nets: Dict[str, Callable[[], str]], argv: Optional[List[str]]) -> None:
    """A generator's command line: write each net's deploy file under prototxt/, and print where."""
    argparse.ArgumentParser(description=doc.splitlines()[0]).parse_args(argv)
    for name, text in nets.items():
        path = ROOT / "prototxt" / name / "deploy.prototxt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text())
        print(path)
