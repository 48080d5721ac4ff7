"""What both engines are made to compute: a table of single layers.

Runs on any Python that has an engine, Debian's 3.9 included.
"""

import types
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

Case = Dict[str, Any]
Shape = Tuple[int, ...]
USUAL = (2, 4, 9, 11)  # the shape of a bottom where a case names none


def layer(
    kind: str,
    settings: str = "",
    *shapes: Shape,
    tie: bool = False,
    in_place: bool = False,
    shared: bool = False,
    tops: int = 1,
    whole: Optional[Mapping[int, int]] = None,
    force: bool = True,
    learned: bool = False,
    backward: bool = True,
) -> Case:
    """One case: a layer of this type, its settings as prototxt text, the shapes of its bottoms.

    Args:
        kind: Caffe's name of the type.
        settings: What the layer says beside its name, type, bottoms and tops.
        shapes: One for each bottom; `()` for a layer that has none.
        tie: The inputs are small whole numbers, so that maxima tie.
        in_place: The top is the bottom.
        shared: A second layer reads the same bottom, so that Caffe inserts a Split.
        tops: How many there are.
        whole: {bottom: n} of the bottoms that hold labels, or numbers, from 0 to n - 1.
        force: The net says force_backward.
        learned: The first bottom is the top of a Parameter layer, so that it has a gradient
            without being forced.
        backward: Caffe has a backward pass for this case.
    """
    return {
        "kind": kind,
        "body": f'type: "{kind}" {settings}',
        "shapes": shapes or (USUAL,),
        "tie": tie,
        "in_place": in_place,
        "shared": shared,
        "tops": tops,
        "whole": dict(whole or {}),
        "force": force,
        "learned": learned,
        "backward": backward,
    }


def conv(settings: str, shape: Shape = USUAL, **options: Any) -> Case:
    """A Convolution, filled at random."""
    fillers = 'weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -1 }'
    return layer("Convolution", f"convolution_param {{ {settings} {fillers} }}", shape, **options)


def pool(settings: str, shape: Shape = USUAL, **options: Any) -> Case:
    """A Pooling."""
    return layer("Pooling", f"pooling_param {{ {settings} }}", shape, **options)


LAYERS = {
    "Convolution 1x1": conv("num_output: 6 kernel_size: 1"),
    "Convolution 3x3 pad": conv("num_output: 6 kernel_size: 3 pad: 1"),
    "Convolution 5x5 stride 2 pad 2": conv("num_output: 6 kernel_size: 5 stride: 2 pad: 2"),
    "Convolution 7x7 stride 2 pad 3": conv("num_output: 16 kernel_size: 7 stride: 2 pad: 3",
        (1, 3, 37, 50)),
    "Convolution 11x11 stride 4": conv("num_output: 8 kernel_size: 11 stride: 4", (1, 3, 43, 51)),
    "Convolution groups": conv("num_output: 6 kernel_size: 3 group: 2 pad: 1"),
    "Convolution dilated": conv("num_output: 6 kernel_size: 3 dilation: 2 pad: 2"),
    "Convolution oblong": conv(
        "num_output: 6 kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1"),
    "Convolution no bias": conv("num_output: 6 kernel_size: 3 bias_term: false"),
    "Convolution many outputs": conv("num_output: 40 kernel_size: 3 pad: 1", (1, 8, 31, 29)),
    "Convolution few outputs": conv("num_output: 3 kernel_size: 5 pad: 2", (1, 16, 31, 29)),
    "Convolution by tiles": conv("num_output: 40 kernel_size: 3 pad: 1", (2, 24, 19, 30)),
    "Convolution by tiles, groups": conv(
        "num_output: 48 kernel_size: 3 group: 2 pad: 1", (1, 64, 13, 13)),
    "Convolution by tiles, many channels": conv(
        "num_output: 32 kernel_size: 3", (1, 384, 16, 21)),
    "Convolution by tiles, shared bottom": conv(
        "num_output: 16 kernel_size: 3 pad: 2", (1, 16, 14, 15), shared=True),
    "Convolution shared bottom": conv("num_output: 6 kernel_size: 3", shared=True),
    "ReLU": layer("ReLU"),
    "ReLU slope": layer("ReLU", "relu_param { negative_slope: 0.2 }"),
    "ReLU in place": layer("ReLU", in_place=True),
    "ReLU shared bottom": layer("ReLU", shared=True),
    "Pooling MAX 3 stride 2": pool("kernel_size: 3 stride: 2"),
    "Pooling MAX even": pool("kernel_size: 3 stride: 2", (2, 3, 8, 10)),
    "Pooling MAX pad": pool("kernel_size: 3 stride: 1 pad: 1"),
    "Pooling MAX ties": pool("kernel_size: 3 stride: 2 pad: 1", tie=True),
    "Pooling MAX last window dropped": pool("kernel_size: 2 stride: 3 pad: 1", (1, 2, 5, 8)),
    "Pooling MAX oblong": pool("kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2"),
    "Pooling MAX global": pool("global_pooling: true", tie=True),
    "Pooling AVE": pool("pool: AVE kernel_size: 3 stride: 2"),
    "Pooling AVE pad": pool("pool: AVE kernel_size: 3 stride: 2 pad: 1"),
    "Pooling AVE global": pool("pool: AVE global_pooling: true"),
    "Pooling AVE 7 stride 1": pool("pool: AVE kernel_size: 7 stride: 1"),
    "LRN across": layer("LRN", "lrn_param { local_size: 5 alpha: 0.01 }", (2, 9, 6, 7)),
    "LRN across, k and beta": layer("LRN", "lrn_param { local_size: 3 alpha: 0.1 beta: 0.6 k: 2 }",
        (2, 9, 6, 7)),
    "LRN wider than channels": layer("LRN", "lrn_param { local_size: 7 alpha: 0.1 }", (2, 3, 6, 7)),
    "LRN within": layer("LRN", "lrn_param { local_size: 3 alpha: 0.1 norm_region: WITHIN_CHANNEL }",
        (2, 3, 6, 7)),
    "Concat channels": layer("Concat", "", (2, 3, 5, 4), (2, 2, 5, 4), (2, 1, 5, 4)),
    "Concat batch": layer("Concat", "concat_param { axis: 0 }", (2, 3, 5, 4), (1, 3, 5, 4)),
    "Split": layer("ReLU", "", (3, 5), shared=True),
    "Dropout": layer("Dropout", "dropout_param { dropout_ratio: 0.4 }"),
    "Dropout in place": layer("Dropout", in_place=True),
    "InnerProduct": layer("InnerProduct",
        'inner_product_param { num_output: 7 weight_filler { type: "xavier" } '
        'bias_filler { type: "uniform" } }'),
    "InnerProduct transpose": layer("InnerProduct",
        'inner_product_param { num_output: 7 transpose: true weight_filler { type: "xavier" } }'),
    "InnerProduct axis 2, no bias": layer("InnerProduct",
        'inner_product_param { num_output: 7 axis: 2 bias_term: false '
        'weight_filler { type: "xavier" } }'),
    "Softmax": layer("Softmax", "", (3, 10)),
    "Softmax over channels of a map": layer("Softmax"),
    "Eltwise SUM": layer("Eltwise", "", (2, 3, 4), (2, 3, 4), (2, 3, 4)),
    "Eltwise SUM coefficients": layer("Eltwise", "eltwise_param { coeff: 2 coeff: -0.5 }",
        (2, 3, 4), (2, 3, 4)),
    "Eltwise PROD": layer("Eltwise", "eltwise_param { operation: PROD }", (2, 3, 4), (2, 3, 4),
        (2, 3, 4)),
    "Eltwise PROD by division": layer("Eltwise",
        "eltwise_param { operation: PROD stable_prod_grad: false }", (2, 3, 4), (2, 3, 4)),
    "Eltwise MAX": layer("Eltwise", "eltwise_param { operation: MAX }", (2, 3, 4), (2, 3, 4),
        (2, 3, 4), tie=True),
    "Flatten": layer("Flatten"),
    "Flatten middle axes": layer("Flatten", "flatten_param { axis: 1 end_axis: 2 }"),
    "Input": layer("ReLU", "", (2, 3)),
    "BatchNorm": layer("BatchNorm"),
    "BatchNorm of the batch": layer("BatchNorm",
        "batch_norm_param { use_global_stats: false eps: 0.01 }"),
    "BatchNorm of the batch, in place": layer("BatchNorm",
        "batch_norm_param { use_global_stats: false }", in_place=True),
    "BatchNorm of vectors": layer("BatchNorm", "batch_norm_param { use_global_stats: false }",
        (6, 5)),
    "Scale": layer("Scale", 'scale_param { filler { type: "uniform" min: -1 } }'),
    "Scale and bias": layer("Scale",
        'scale_param { bias_term: true filler { type: "uniform" } '
        'bias_filler { type: "uniform" } }'),
    "Scale in place": layer("Scale", 'scale_param { bias_term: true filler { type: "uniform" } }',
        in_place=True),
    "Scale of two axes": layer("Scale", 'scale_param { num_axes: 2 filler { type: "uniform" } }'),
    "Scale of one value": layer("Scale", 'scale_param { num_axes: 0 filler { type: "uniform" } }',
        (2, 3, 2, 2)),
    "Scale of all the rest": layer("Scale",
        'scale_param { axis: -2 num_axes: -1 filler { type: "uniform" } }'),
    "Scale by a blob": layer("Scale",
        'scale_param { axis: 0 bias_term: true bias_filler { type: "uniform" } }', (2, 4, 5, 3),
        (2, 4)),
    "Bias": layer("Bias", 'bias_param { filler { type: "uniform" } }'),
    "Bias in place": layer("Bias", 'bias_param { num_axes: -1 filler { type: "uniform" } }',
        in_place=True),
    "Bias by a blob": layer("Bias", "bias_param { axis: 0 }", (2, 4, 5, 3), (2, 4)),
    "Reshape": layer("Reshape", "reshape_param { shape { dim: 0 dim: -1 } }"),
    "Reshape of one axis": layer("Reshape",
        "reshape_param { shape { dim: 2 dim: -1 } axis: 1 num_axes: 1 }"),
    "Reshape from the end": layer("Reshape",
        "reshape_param { shape { dim: -1 dim: 1 } axis: -1 num_axes: 0 }", (2, 3)),
    "AbsVal": layer("AbsVal"),
    "Accuracy": layer("Accuracy", "", (6, 5), (6,), whole={1: 5}, backward=False),
    "Accuracy top 2, ties, of each class": layer("Accuracy", "accuracy_param { top_k: 2 }", (30, 5),
        (30,), tie=True, whole={1: 5}, tops=2, backward=False),
    "Accuracy of a map, one label ignored": layer("Accuracy", "accuracy_param { ignore_label: 2 }",
        (2, 4, 3, 3), (2, 3, 3), whole={1: 4}, backward=False),
    "ArgMax": layer("ArgMax", "argmax_param { top_k: 3 }", (2, 4, 3, 3), tie=True, backward=False),
    "ArgMax with values": layer("ArgMax", "argmax_param { top_k: 2 out_max_val: true }", (3, 7),
        backward=False),
    "ArgMax along an axis": layer("ArgMax", "argmax_param { top_k: 2 axis: 1 }", (2, 4, 3, 3),
        backward=False),
    "ArgMax values along an axis": layer("ArgMax", "argmax_param { axis: -1 out_max_val: true }",
        (2, 4, 3, 3), backward=False),
    "BNLL": layer("BNLL"),
    "BatchReindex": layer("BatchReindex", "loss_weight: 1", (5, 3, 2), (7,), whole={1: 5},
        force=False, learned=True),
    "Clip": layer("Clip", "clip_param { min: -1 max: 0.5 }"),
    "ContrastiveLoss": layer("ContrastiveLoss", "contrastive_loss_param { margin: 3 }",
        (6, 4, 1, 1), (6, 4, 1, 1), (6,), whole={2: 2}),
    "ContrastiveLoss legacy": layer("ContrastiveLoss",
        "contrastive_loss_param { margin: 9 legacy_version: true }", (6, 4, 1, 1), (6, 4, 1, 1),
        (6,), whole={2: 2}),
    "Convolution of one axis": conv("num_output: 6 kernel_size: 3 stride: 2 pad: 1", (2, 4, 13)),
    "Convolution of three axes": conv("num_output: 6 kernel_size: 3 pad: 1 pad: 0 pad: 1 group: 2",
        (2, 4, 5, 6, 7)),
    "Convolution from axis 2": conv("num_output: 3 kernel_size: 2 axis: 2", (2, 3, 4, 5, 6)),
    "Crop": layer("Crop", "crop_param { offset: 2 offset: 1 }", (2, 3, 7, 8), (1, 5, 4, 5)),
    "Crop from axis 1": layer("Crop", "crop_param { axis: 1 offset: 1 }", (2, 4, 7, 8),
        (1, 3, 4, 5)),
    "Deconvolution": layer("Deconvolution",
        'convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 '
        'weight_filler { type: "xavier" } bias_filler { type: "uniform" } }'),
    "Deconvolution bilinear": layer("Deconvolution",
        'convolution_param { num_output: 4 kernel_size: 4 stride: 2 group: 4 bias_term: false '
        'weight_filler { type: "bilinear" } }'),
    "Deconvolution dilated": layer("Deconvolution",
        'convolution_param { num_output: 6 kernel_size: 3 dilation: 2 '
        'weight_filler { type: "xavier" } }'),
    "DummyData": layer("DummyData",
        'dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "constant" value: 2.5 } }',
        ()),
    "ELU": layer("ELU", "elu_param { alpha: 0.7 }"),
    "ELU in place": layer("ELU", in_place=True),
    "Embed": layer("Embed",
        'loss_weight: 1 embed_param { num_output: 4 input_dim: 6 '
        'weight_filler { type: "uniform" } bias_filler { type: "uniform" } }', (3, 5), whole={0: 6},
        force=False),
    "EuclideanLoss": layer("EuclideanLoss", "", (3, 4, 2), (3, 4, 2)),
    "Exp": layer("Exp", "exp_param { base: 2 scale: 0.5 shift: 1 }"),
    "Exp to e": layer("Exp", in_place=True),
    "Filter": layer("Filter", "loss_weight: 1", (6, 3), (6,), whole={1: 2}, force=False,
        learned=True),
    "HingeLoss": layer("HingeLoss", "", (5, 4), (5,), whole={1: 4}),
    "HingeLoss L2": layer("HingeLoss", "hinge_loss_param { norm: L2 }", (5, 4), (5,), whole={1: 4}),
    "Im2col": layer("Im2col", "convolution_param { kernel_size: 3 stride: 2 pad: 1 }"),
    "Im2col dilated": layer("Im2col",
        "convolution_param { kernel_h: 3 kernel_w: 2 stride: 1 dilation: 2 }"),
    "InfogainLoss": layer("InfogainLoss",
        "propagate_down: true propagate_down: false propagate_down: false", (4, 3), (4,),
        (1, 1, 3, 3), whole={1: 3}, force=False, learned=True),
    "LSTM": layer("LSTM",
        'recurrent_param { num_output: 3 weight_filler { type: "uniform" min: -1 } '
        'bias_filler { type: "uniform" } }', (4, 2, 5), (4, 2), whole={1: 2}),
    "LSTM with a static input": layer("LSTM",
        'recurrent_param { num_output: 3 weight_filler { type: "uniform" min: -1 } }', (4, 2, 5),
        (4, 2), (2, 3), whole={1: 2}),
    "LSTM with hidden blobs": layer("LSTM",
        'recurrent_param { num_output: 3 expose_hidden: true '
        'weight_filler { type: "uniform" min: -1 } }', (4, 2, 5), (4, 2), (1, 2, 3), (1, 2, 3),
        whole={1: 2}, tops=3),
    "LSTMUnit": layer("LSTMUnit", "", (1, 4, 3), (1, 4, 12), (1, 4), whole={2: 2}, tops=2),
    "Log": layer("Log", "log_param { base: 10 scale: 0.5 shift: 3 }"),
    "Log to e": layer("Log", "log_param { shift: 3 }"),
    "MVN": layer("MVN"),
    "MVN across channels": layer("MVN", "mvn_param { across_channels: true eps: 0.01 }"),
    "MVN of the mean alone": layer("MVN", "mvn_param { normalize_variance: false }"),
    "MemoryData": layer("MemoryData",
        "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 }", (), tops=2),
    "MultinomialLogisticLoss": layer("MultinomialLogisticLoss", "", (5, 4), (5,),
        whole={0: 3, 1: 4}),
    "PReLU": layer("PReLU", 'prelu_param { filler { type: "uniform" } }'),
    "PReLU of one slope": layer("PReLU", "prelu_param { channel_shared: true }"),
    "PReLU in place": layer("PReLU", in_place=True),
    "Parameter": layer("Parameter", "parameter_param { shape { dim: 2 dim: 3 } }", ()),
    "Pooling MAX with a mask": pool("kernel_size: 3 stride: 2", tops=2, backward=False),
    "Power": layer("Power", "power_param { power: 1.5 scale: 0.5 shift: 2 }"),
    "Power 2": layer("Power", "power_param { power: 2 scale: 0.5 shift: 2 }"),
    "Power 1": layer("Power", "power_param { scale: 0.5 shift: 2 }"),
    "Power 3 without shift": layer("Power", "power_param { power: 3 }"),
    "Power 0": layer("Power", "power_param { power: 0 }"),
    "Python": layer("Python",
        'python_param { module: "doubling" layer: "Double" param_str: "2.5" }'),
    "RNN": layer("RNN",
        'recurrent_param { num_output: 3 weight_filler { type: "uniform" min: -1 } '
        'bias_filler { type: "uniform" } }', (4, 2, 5), (4, 2), whole={1: 2}),
    "RNN with a hidden blob": layer("RNN",
        'recurrent_param { num_output: 3 expose_hidden: true '
        'weight_filler { type: "uniform" min: -1 } }', (4, 2, 5), (4, 2), (1, 2, 3), whole={1: 2},
        tops=2),
    "Reduction SUM": layer("Reduction", "reduction_param { axis: 1 coeff: 0.5 }", (3, 4, 2)),
    "Reduction ASUM": layer("Reduction", "reduction_param { operation: ASUM }", (3, 4, 2)),
    "Reduction SUMSQ": layer("Reduction", "reduction_param { operation: SUMSQ axis: -1 }",
        (3, 4, 2)),
    "Reduction MEAN": layer("Reduction", "reduction_param { operation: MEAN axis: 1 coeff: 2 }",
        (3, 4, 2)),
    "SPP": layer("SPP", "spp_param { pyramid_height: 3 }", (2, 3, 9, 11)),
    "SPP AVE": layer("SPP", "spp_param { pyramid_height: 2 pool: AVE }", (2, 3, 9, 11)),
    "SPP of one level": layer("SPP", "spp_param { pyramid_height: 1 }", (2, 3, 9, 11)),
    "Sigmoid": layer("Sigmoid"),
    "SigmoidCrossEntropyLoss": layer("SigmoidCrossEntropyLoss", "", (3, 4), (3, 4), whole={1: 2}),
    "SigmoidCrossEntropyLoss, one value ignored": layer("SigmoidCrossEntropyLoss",
        "loss_param { ignore_label: 0 normalization: VALID }", (3, 4), (3, 4), whole={1: 2}),
    "Silence": layer("Silence", "", (2, 3), (4,), tops=0),
    "Slice": layer("Slice", "", (2, 6, 3), tops=3),
    "Slice at points": layer("Slice", "slice_param { axis: 2 slice_point: 1 slice_point: 4 }",
        (2, 6, 5), tops=3),
    "SoftmaxWithLoss": layer("SoftmaxWithLoss", "", (5, 4), (5,), whole={1: 4}),
    "SoftmaxWithLoss of a map, one label ignored": layer("SoftmaxWithLoss",
        "loss_param { ignore_label: 1 }", (2, 4, 3, 3), (2, 3, 3), whole={1: 4}),
    "SoftmaxWithLoss by the batch": layer("SoftmaxWithLoss", "loss_param { normalize: false }",
        (2, 4, 3, 3), (2, 3, 3), whole={1: 4}),
    "SoftmaxWithLoss FULL": layer("SoftmaxWithLoss",
        "loss_param { normalization: FULL ignore_label: 0 }", (2, 4, 3, 3), (2, 3, 3),
        whole={1: 4}),
    "SoftmaxWithLoss NONE": layer("SoftmaxWithLoss",
        "loss_weight: 0.5 loss_param { normalization: NONE }", (5, 4), (5,), whole={1: 4},
        force=False, learned=True),
    "Swish": layer("Swish", "swish_param { beta: 1.5 }"),
    "TanH": layer("TanH"),
    "TanH in place": layer("TanH", in_place=True),
    "Threshold": layer("Threshold", "threshold_param { threshold: 0.3 }", backward=False),
    "Tile": layer("Tile", "tile_param { axis: 1 tiles: 3 }", (2, 4, 5)),
}  # fmt: skip


def layer_prototxt(case: Case) -> str:
    """A net of Input layers (or a Parameter layer) and the case's layer."""
    lines = ["force_backward: true"] if case["force"] else []
    bottoms = []
    for i, shape in enumerate(s for s in case["shapes"] if s):
        dims = " ".join(f"dim: {d}" for d in shape)
        learned = case["learned"] and not i
        kind, param = ("Parameter", "parameter_param") if learned else ("Input", "input_param")
        declared = f"{param} {{ shape {{ {dims} }} }}"
        lines.append(f'layer {{ name: "in{i}" type: "{kind}" top: "in{i}" {declared} }}')
        bottoms.append(f'bottom: "in{i}"')
    names = ["in0"] if case["in_place"] else ["out", "out1", "out2"][: case["tops"]]
    tops = [f'top: "{name}"' for name in names]
    lines.append(f'layer {{ name: "layer" {" ".join([*bottoms, *tops, case["body"]])} }}')
    if case["shared"]:
        lines.append('layer { name: "other" type: "ReLU" bottom: "in0" top: "other" }')
    return "\n".join(lines) + "\n"


def values(seed: int, shape: Shape, tie: bool = False, below: Optional[int] = None) -> np.ndarray:
    """Seeded float32 values from -2 to 2.

    Args:
        tie: Whole numbers from -3 to 3 instead, so that some are equal.
        below: Whole numbers from 0 to below - 1 instead.
    """
    rng = np.random.RandomState(seed)
    if below is not None:
        return np.asarray(rng.randint(0, below, shape), np.float32)
    drawn = rng.randint(-3, 4, shape) if tie else rng.uniform(-2, 2, shape)
    return np.asarray(drawn, np.float32)


def doubling(caffe: Any) -> types.ModuleType:
    """The module that the Python layer's case names, on this engine: the bottom times param_str."""

    class Double(caffe.Layer):
        def setup(self, bottom: Any, top: Any) -> None:
            self.factor = float(self.param_str)

        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].data.shape)

        def forward(self, bottom: Any, top: Any) -> None:
            top[0].data[...] = self.factor * bottom[0].data

        def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
            bottom[0].diff[...] = self.factor * top[0].diff

    module = types.ModuleType("doubling")
    module.Double = Double  # type: ignore[attr-defined]
    return module
