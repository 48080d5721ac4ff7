"""What both engines are made to train: small nets, and solvers of every kind.

Runs on any Python that has an engine, Debian's 3.9 included.
"""

from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from tests.support.cases import values

_FILL = 'weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.1 }'
# two layers share a parameter, one learns twice as fast, and one does not learn
MIXED = f"""
name: "mixed"
layer {{ name: "data" type: "Input" top: "data" top: "label"
        input_param {{ shape {{ dim: 6 dim: 2 dim: 9 dim: 9 }} shape {{ dim: 6 }} }} }}
layer {{ name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        param {{ lr_mult: 1 }} param {{ lr_mult: 2 decay_mult: 0 }}
        convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 {_FILL} }} }}
layer {{ name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }}
layer {{ name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param {{ pool: MAX kernel_size: 3 stride: 2 }} }}
layer {{ name: "left" type: "Convolution" bottom: "pool1" top: "left"
        param {{ name: "w" decay_mult: 3 }} param {{ name: "b" }}
        convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 {_FILL} }} }}
layer {{ name: "right" type: "Convolution" bottom: "left" top: "right"
        param {{ name: "w" lr_mult: 0.5 }} param {{ name: "b" }}
        convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 {_FILL} }} }}
layer {{ name: "fixed" type: "Convolution" bottom: "pool1" top: "fixed"
        param {{ lr_mult: 0 }} param {{ lr_mult: 0 }}
        convolution_param {{ num_output: 3 kernel_size: 1 {_FILL} }} }}
layer {{ name: "concat" type: "Concat" bottom: "right" bottom: "fixed" top: "concat" }}
layer {{ name: "norm" type: "LRN" bottom: "concat" top: "norm" lrn_param {{ alpha: 0.1 }} }}
layer {{ name: "fc" type: "InnerProduct" bottom: "norm" top: "fc"
        inner_product_param {{ num_output: 3 {_FILL} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }}
layer {{ name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy"
        include {{ phase: TEST }} }}
"""
# statistics of batches, and two losses of which one weighs less
NORMED = f"""
name: "normed"
layer {{ name: "data" type: "Input" top: "data" top: "label"
        input_param {{ shape {{ dim: 6 dim: 2 dim: 9 dim: 9 }} shape {{ dim: 6 }} }} }}
layer {{ name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param {{ num_output: 4 kernel_size: 3 stride: 2 bias_term: false {_FILL} }} }}
layer {{ name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1"
        batch_norm_param {{ moving_average_fraction: 0.9 }} }}
layer {{ name: "scale1" type: "Scale" bottom: "conv1" top: "conv1"
        scale_param {{ bias_term: true }} }}
layer {{ name: "prelu1" type: "PReLU" bottom: "conv1" top: "conv1" }}
layer {{ name: "fc1" type: "InnerProduct" bottom: "conv1" top: "fc1"
        inner_product_param {{ num_output: 5 {_FILL} }} }}
layer {{ name: "tanh1" type: "TanH" bottom: "fc1" top: "fc1" }}
layer {{ name: "fc2" type: "InnerProduct" bottom: "fc1" top: "fc2"
        inner_product_param {{ num_output: 3 {_FILL} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "fc2" bottom: "label" top: "loss" }}
layer {{ name: "one" type: "InnerProduct" bottom: "fc1" top: "one"
        inner_product_param {{ num_output: 1 {_FILL} }} }}
layer {{ name: "flat" type: "Reshape" bottom: "one" top: "flat"
        reshape_param {{ shape {{ dim: -1 }} }} }}
layer {{ name: "distance" type: "EuclideanLoss" bottom: "flat" bottom: "label" top: "distance"
        loss_weight: 0.25 }}
"""
# one layer, one batch of ones
SMALL = """
name: "small"
layer { name: "data" type: "DummyData" top: "data" top: "label"
        dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 }
                           data_filler { type: "constant" value: 1 }
                           data_filler { type: "constant" value: 2 } } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy"
        include { phase: TEST } }
"""
FIXED = 'base_lr: 0.01 lr_policy: "fixed"'
NETS = {"mixed": MIXED, "normed": NORMED}
_FIXED = 'lr_policy: "fixed"'

Case = Dict[str, Any]


def case(solver: str, settings: str, net: str = "mixed", steps: int = 6) -> Case:
    """One training: a solver's class in pycaffe, its settings, the net and how many steps."""
    return {"solver": solver, "settings": settings, "net": net, "steps": steps}


def policy(text: str) -> Case:
    return case("SGDSolver", f"base_lr: 0.05 momentum: 0.5 {text}", steps=8)


TRAININGS: Dict[str, Case] = {
    "SGD": case("SGDSolver", f"base_lr: 0.1 {_FIXED}"),
    "SGD momentum": case("SGDSolver", f"base_lr: 0.05 momentum: 0.9 weight_decay: 0.01 {_FIXED}"),
    "SGD L1": case("SGDSolver",
        f'base_lr: 0.1 weight_decay: 0.01 regularization_type: "L1" {_FIXED}'),
    "SGD clipped": case("SGDSolver", f"base_lr: 0.05 momentum: 0.9 clip_gradients: 0.3 {_FIXED}"),
    "SGD of three passes": case("SGDSolver",
        f"base_lr: 0.02 momentum: 0.9 weight_decay: 0.01 iter_size: 3 {_FIXED}"),
    "SGD normed": case("SGDSolver", f"base_lr: 0.1 momentum: 0.9 weight_decay: 0.01 {_FIXED}",
        net="normed"),
    "Nesterov": case("NesterovSolver", f"base_lr: 0.05 momentum: 0.9 weight_decay: 0.01 {_FIXED}"),
    "AdaGrad": case("AdaGradSolver", f"base_lr: 0.05 weight_decay: 0.01 delta: 1e-5 {_FIXED}"),
    "RMSProp": case("RMSPropSolver",
        f"base_lr: 0.01 rms_decay: 0.9 weight_decay: 0.01 delta: 1e-3 {_FIXED}"),
    "AdaDelta": case("AdaDeltaSolver",
        f"base_lr: 1 momentum: 0.9 delta: 1e-4 weight_decay: 0.01 {_FIXED}"),
    "Adam": case("AdamSolver",
        f"base_lr: 0.01 momentum: 0.9 momentum2: 0.99 delta: 1e-4 weight_decay: 0.01 {_FIXED}"),
    "Adam normed": case("AdamSolver", f"base_lr: 0.01 momentum: 0.9 delta: 1e-4 {_FIXED}",
        net="normed"),
    "by its type": case("get_solver",
        f'type: "RMSProp" base_lr: 0.01 rms_decay: 0.9 delta: 1e-3 {_FIXED}'),
    "by its older type": case("get_solver",
        f"solver_type: NESTEROV base_lr: 0.05 momentum: 0.9 {_FIXED}"),
    "step": policy('lr_policy: "step" gamma: 0.5 stepsize: 3'),
    "exp": policy('lr_policy: "exp" gamma: 0.9'),
    "inv": policy('lr_policy: "inv" gamma: 0.1 power: 0.75'),
    "multistep": policy('lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 5'),
    "poly": policy('lr_policy: "poly" power: 0.5 max_iter: 9'),
    "sigmoid": policy('lr_policy: "sigmoid" gamma: 0.5 stepsize: 4'),
}  # fmt: skip


def files(folder: Path, name: str) -> str:
    """Write a training's net and solver into a folder; returns the solver's path."""
    training = TRAININGS[name]
    stem = name.replace(" ", "_")
    net = folder / f"{training['net']}.prototxt"
    net.write_text(NETS[training["net"]])
    solver = folder / f"{stem}.prototxt"
    solver.write_text(
        f'net: "{net}"\nsnapshot_prefix: "{folder / stem}"\n{training["settings"]}\n'
        "test_iter: 1 test_interval: 1000 test_initialization: false\n"
    )
    return str(solver)


def feed(net: Any, step: int) -> None:
    """Give a net's Input layers the batch of a step."""
    data, label = net.blobs["data"].data, net.blobs["label"].data
    data[...] = values(step, data.shape)
    label[...] = values(100 + step, label.shape, below=3)


def parameters(net: Any) -> Dict[str, np.ndarray]:
    """{"LAYER NUMBER": its values} of all of a net's parameters."""
    return {
        f"{layer} {i}": np.array(blob.data)
        for layer, blobs in net.params.items()
        for i, blob in enumerate(blobs)
    }


def train(solver: Any, first: int, steps: int) -> List[Dict[str, np.ndarray]]:
    """The parameters after each step, with the losses and the learning rate as "loss" and "lr"."""
    recorded = []
    for step in range(first, first + steps):
        feed(solver.net, step)
        rate = getattr(solver, "lr", 0.0)
        solver.step(1)
        found = parameters(solver.net)
        found["loss"] = np.array(solver.net.blobs["loss"].data).reshape(-1)
        found["lr"] = np.array([rate])
        recorded.append(found)
    return recorded
