"""What both engines are made to compute: a table of single layers, and whole nets. Runs on any Python that has an engine."""

import numpy as np


def layer(
    body,
    *shapes,
    tie=False,
    in_place=False,
    shared=False,
    tops=1,
    whole=(),
    force=True,
    learned=False,
    backward=True,
):
    """One case: the text of a layer behind `type:`, the shapes of its bottoms.

    tie: inputs are small whole numbers, so that maxima tie. in_place: the top is the bottom. shared: a second layer
    reads the same bottom, so that Caffe inserts a Split. tops: their number. whole: {bottom: n}, bottoms that hold labels or numbers from 0 to n - 1.
    force: with force_backward. learned: the first bottom is a Parameter layer's, so that it has a gradient without being forced.
    backward: whether Caffe has a backward pass for it.
    """
    return {
        "body": body, "shapes": shapes or ((2, 4, 9, 11),), "tie": tie, "in_place": in_place, "shared": shared, "tops": tops, "whole": dict(whole),
        "force": force, "learned": learned, "backward": backward,
    }  # fmt: skip


def conv(settings, *shape, **options):
    body = f'type: "Convolution" convolution_param {{ {settings} weight_filler {{ type: "xavier" }} bias_filler {{ type: "uniform" min: -1 }} }}'
    return layer(body, shape or (2, 4, 9, 11), **options)


def pool(settings, *shape, **options):
    return layer(
        f'type: "Pooling" pooling_param {{ {settings} }}', shape or (2, 4, 9, 11), **options
    )


LAYERS = {
    "Convolution 1x1": conv("num_output: 6 kernel_size: 1"),
    "Convolution 3x3 pad": conv("num_output: 6 kernel_size: 3 pad: 1"),
    "Convolution 5x5 stride 2 pad 2": conv("num_output: 6 kernel_size: 5 stride: 2 pad: 2"),
    "Convolution 7x7 stride 2 pad 3": conv("num_output: 16 kernel_size: 7 stride: 2 pad: 3", 1, 3, 37, 50),
    "Convolution 11x11 stride 4": conv("num_output: 8 kernel_size: 11 stride: 4", 1, 3, 43, 51),
    "Convolution groups": conv("num_output: 6 kernel_size: 3 group: 2 pad: 1"),
    "Convolution dilated": conv("num_output: 6 kernel_size: 3 dilation: 2 pad: 2"),
    "Convolution oblong": conv("num_output: 6 kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1"),
    "Convolution no bias": conv("num_output: 6 kernel_size: 3 bias_term: false"),
    "Convolution many outputs": conv("num_output: 40 kernel_size: 3 pad: 1", 1, 8, 31, 29),
    "Convolution few outputs": conv("num_output: 3 kernel_size: 5 pad: 2", 1, 16, 31, 29),
    "Convolution shared bottom": conv("num_output: 6 kernel_size: 3", shared=True),
    "ReLU": layer('type: "ReLU"'),
    "ReLU slope": layer('type: "ReLU" relu_param { negative_slope: 0.2 }'),
    "ReLU in place": layer('type: "ReLU"', in_place=True),
    "ReLU shared bottom": layer('type: "ReLU"', shared=True),
    "Pooling MAX 3 stride 2": pool("kernel_size: 3 stride: 2"),
    "Pooling MAX even": pool("kernel_size: 3 stride: 2", 2, 3, 8, 10),
    "Pooling MAX pad": pool("kernel_size: 3 stride: 1 pad: 1"),
    "Pooling MAX ties": pool("kernel_size: 3 stride: 2 pad: 1", tie=True),
    "Pooling MAX last window dropped": pool("kernel_size: 2 stride: 3 pad: 1", 1, 2, 5, 8),
    "Pooling MAX oblong": pool("kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2"),
    "Pooling MAX global": pool("global_pooling: true", tie=True),
    "Pooling AVE": pool("pool: AVE kernel_size: 3 stride: 2"),
    "Pooling AVE pad": pool("pool: AVE kernel_size: 3 stride: 2 pad: 1"),
    "Pooling AVE global": pool("pool: AVE global_pooling: true"),
    "Pooling AVE 7 stride 1": pool("pool: AVE kernel_size: 7 stride: 1"),
    "LRN across": layer('type: "LRN" lrn_param { local_size: 5 alpha: 0.01 }', (2, 9, 6, 7)),
    "LRN across, k and beta": layer('type: "LRN" lrn_param { local_size: 3 alpha: 0.1 beta: 0.6 k: 2 }', (2, 9, 6, 7)),
    "LRN wider than channels": layer('type: "LRN" lrn_param { local_size: 7 alpha: 0.1 }', (2, 3, 6, 7)),
    "LRN within": layer('type: "LRN" lrn_param { local_size: 3 alpha: 0.1 norm_region: WITHIN_CHANNEL }', (2, 3, 6, 7)),
    "Concat channels": layer('type: "Concat"', (2, 3, 5, 4), (2, 2, 5, 4), (2, 1, 5, 4)),
    "Concat batch": layer('type: "Concat" concat_param { axis: 0 }', (2, 3, 5, 4), (1, 3, 5, 4)),
    "Split": layer('type: "ReLU"', (3, 5), shared=True),
    "Dropout": layer('type: "Dropout" dropout_param { dropout_ratio: 0.4 }'),
    "Dropout in place": layer('type: "Dropout"', in_place=True),
    "InnerProduct": layer(
        'type: "InnerProduct" inner_product_param { num_output: 7 weight_filler { type: "xavier" } bias_filler { type: "uniform" } }'
    ),
    "InnerProduct transpose": layer('type: "InnerProduct" inner_product_param { num_output: 7 transpose: true weight_filler { type: "xavier" } }'),
    "InnerProduct axis 2, no bias": layer(
        'type: "InnerProduct" inner_product_param { num_output: 7 axis: 2 bias_term: false weight_filler { type: "xavier" } }'
    ),
    "Softmax": layer('type: "Softmax"', (3, 10)),
    "Softmax over channels of a map": layer('type: "Softmax"'),
    "Eltwise SUM": layer('type: "Eltwise"', (2, 3, 4), (2, 3, 4), (2, 3, 4)),
    "Eltwise SUM coefficients": layer('type: "Eltwise" eltwise_param { coeff: 2 coeff: -0.5 }', (2, 3, 4), (2, 3, 4)),
    "Eltwise PROD": layer('type: "Eltwise" eltwise_param { operation: PROD }', (2, 3, 4), (2, 3, 4), (2, 3, 4)),
    "Eltwise PROD by division": layer('type: "Eltwise" eltwise_param { operation: PROD stable_prod_grad: false }', (2, 3, 4), (2, 3, 4)),
    "Eltwise MAX": layer('type: "Eltwise" eltwise_param { operation: MAX }', (2, 3, 4), (2, 3, 4), (2, 3, 4), tie=True),
    "Flatten": layer('type: "Flatten"'),
    "Flatten middle axes": layer('type: "Flatten" flatten_param { axis: 1 end_axis: 2 }'),
    "Input": layer('type: "ReLU"', (2, 3)),
    "BatchNorm": layer('type: "BatchNorm"'),
    "BatchNorm of the batch": layer('type: "BatchNorm" batch_norm_param { use_global_stats: false eps: 0.01 }'),
    "BatchNorm of the batch, in place": layer('type: "BatchNorm" batch_norm_param { use_global_stats: false }', in_place=True),
    "BatchNorm of vectors": layer('type: "BatchNorm" batch_norm_param { use_global_stats: false }', (6, 5)),
    "Scale": layer('type: "Scale" scale_param { filler { type: "uniform" min: -1 } }'),
    "Scale and bias": layer('type: "Scale" scale_param { bias_term: true filler { type: "uniform" } bias_filler { type: "uniform" } }'),
    "Scale in place": layer('type: "Scale" scale_param { bias_term: true filler { type: "uniform" } }', in_place=True),
    "Scale of two axes": layer('type: "Scale" scale_param { num_axes: 2 filler { type: "uniform" } }'),
    "Scale of one value": layer('type: "Scale" scale_param { num_axes: 0 filler { type: "uniform" } }', (2, 3, 2, 2)),
    "Scale of all the rest": layer('type: "Scale" scale_param { axis: -2 num_axes: -1 filler { type: "uniform" } }'),
    "Scale by a blob": layer('type: "Scale" scale_param { axis: 0 bias_term: true bias_filler { type: "uniform" } }', (2, 4, 5, 3), (2, 4)),
    "Bias": layer('type: "Bias" bias_param { filler { type: "uniform" } }'),
    "Bias in place": layer('type: "Bias" bias_param { num_axes: -1 filler { type: "uniform" } }', in_place=True),
    "Bias by a blob": layer('type: "Bias" bias_param { axis: 0 }', (2, 4, 5, 3), (2, 4)),
    "Reshape": layer('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } }'),
    "Reshape of one axis": layer('type: "Reshape" reshape_param { shape { dim: 2 dim: -1 } axis: 1 num_axes: 1 }'),
    "Reshape from the end": layer('type: "Reshape" reshape_param { shape { dim: -1 dim: 1 } axis: -1 num_axes: 0 }', (2, 3)),
    "AbsVal": layer('type: "AbsVal"'),
    "Accuracy": layer('type: "Accuracy"', (6, 5), (6,), whole={1: 5}, backward=False),
    "Accuracy top 2, ties, of each class": layer('type: "Accuracy" accuracy_param { top_k: 2 }',
        (30, 5), (30,), tie=True, whole={1: 5}, tops=2, backward=False),
    "Accuracy of a map, one label ignored": layer('type: "Accuracy" accuracy_param { ignore_label: 2 }',
        (2, 4, 3, 3), (2, 3, 3), whole={1: 4}, backward=False),
    "ArgMax": layer('type: "ArgMax" argmax_param { top_k: 3 }', (2, 4, 3, 3), tie=True, backward=False),
    "ArgMax with values": layer('type: "ArgMax" argmax_param { top_k: 2 out_max_val: true }', (3, 7), backward=False),
    "ArgMax along an axis": layer('type: "ArgMax" argmax_param { top_k: 2 axis: 1 }', (2, 4, 3, 3), backward=False),
    "ArgMax values along an axis": layer('type: "ArgMax" argmax_param { axis: -1 out_max_val: true }', (2, 4, 3, 3), backward=False),
    "BNLL": layer('type: "BNLL"'),
    "BatchReindex": layer('type: "BatchReindex" loss_weight: 1', (5, 3, 2), (7,), whole={1: 5}, force=False, learned=True),
    "Clip": layer('type: "Clip" clip_param { min: -1 max: 0.5 }'),
    "ContrastiveLoss": layer('type: "ContrastiveLoss" contrastive_loss_param { margin: 3 }', (6, 4, 1, 1), (6, 4, 1, 1), (6,), whole={2: 2}),
    "ContrastiveLoss legacy": layer(
        'type: "ContrastiveLoss" contrastive_loss_param { margin: 9 legacy_version: true }', (6, 4, 1, 1), (6, 4, 1, 1), (6,), whole={2: 2}),
    "Convolution of one axis": conv("num_output: 6 kernel_size: 3 stride: 2 pad: 1", 2, 4, 13),
    "Convolution of three axes": conv("num_output: 6 kernel_size: 3 pad: 1 pad: 0 pad: 1 group: 2", 2, 4, 5, 6, 7),
    "Convolution from axis 2": conv("num_output: 3 kernel_size: 2 axis: 2", 2, 3, 4, 5, 6),
    "Crop": layer('type: "Crop" crop_param { offset: 2 offset: 1 }', (2, 3, 7, 8), (1, 5, 4, 5)),
    "Crop from axis 1": layer('type: "Crop" crop_param { axis: 1 offset: 1 }', (2, 4, 7, 8), (1, 3, 4, 5)),
    "Deconvolution": layer('type: "Deconvolution" convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 weight_filler { type: "xavier" } '
                           'bias_filler { type: "uniform" } }'),
    "Deconvolution bilinear": layer('type: "Deconvolution" convolution_param { num_output: 4 kernel_size: 4 stride: 2 group: 4 bias_term: false '
                                    'weight_filler { type: "bilinear" } }'),
    "Deconvolution dilated": layer(
        'type: "Deconvolution" convolution_param { num_output: 6 kernel_size: 3 dilation: 2 weight_filler { type: "xavier" } }'),
    "DummyData": layer('type: "DummyData" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "constant" value: 2.5 } }', ()),
    "ELU": layer('type: "ELU" elu_param { alpha: 0.7 }'),
    "ELU in place": layer('type: "ELU"', in_place=True),
    "Embed": layer(
        'type: "Embed" loss_weight: 1 embed_param { num_output: 4 input_dim: 6 weight_filler { type: "uniform" } bias_filler { type: "uniform" } }',
                   (3, 5), whole={0: 6}, force=False),
    "EuclideanLoss": layer('type: "EuclideanLoss"', (3, 4, 2), (3, 4, 2)),
    "Exp": layer('type: "Exp" exp_param { base: 2 scale: 0.5 shift: 1 }'),
    "Exp to e": layer('type: "Exp"', in_place=True),
    "Filter": layer('type: "Filter" loss_weight: 1', (6, 3), (6,), whole={1: 2}, force=False, learned=True),
    "HingeLoss": layer('type: "HingeLoss"', (5, 4), (5,), whole={1: 4}),
    "HingeLoss L2": layer('type: "HingeLoss" hinge_loss_param { norm: L2 }', (5, 4), (5,), whole={1: 4}),
    "Im2col": layer('type: "Im2col" convolution_param { kernel_size: 3 stride: 2 pad: 1 }'),
    "Im2col dilated": layer('type: "Im2col" convolution_param { kernel_h: 3 kernel_w: 2 stride: 1 dilation: 2 }'),
    "InfogainLoss": layer('type: "InfogainLoss" propagate_down: true propagate_down: false propagate_down: false',
        (4, 3), (4,), (1, 1, 3, 3), whole={1: 3},
                          force=False, learned=True),
    "LSTM": layer('type: "LSTM" recurrent_param { num_output: 3 weight_filler { type: "uniform" min: -1 } bias_filler { type: "uniform" } }',
                  (4, 2, 5), (4, 2), whole={1: 2}),
    "LSTM with a static input": layer('type: "LSTM" recurrent_param { num_output: 3 weight_filler { type: "uniform" min: -1 } }',
                                      (4, 2, 5), (4, 2), (2, 3), whole={1: 2}),
    "LSTM with hidden blobs": layer('type: "LSTM" recurrent_param { num_output: 3 expose_hidden: true weight_filler { type: "uniform" min: -1 } }',
                                    (4, 2, 5), (4, 2), (1, 2, 3), (1, 2, 3), whole={1: 2}, tops=3),
    "LSTMUnit": layer('type: "LSTMUnit"', (1, 4, 3), (1, 4, 12), (1, 4), whole={2: 2}, tops=2),
    "Log": layer('type: "Log" log_param { base: 10 scale: 0.5 shift: 3 }'),
    "Log to e": layer('type: "Log" log_param { shift: 3 }'),
    "MVN": layer('type: "MVN"'),
    "MVN across channels": layer('type: "MVN" mvn_param { across_channels: true eps: 0.01 }'),
    "MVN of the mean alone": layer('type: "MVN" mvn_param { normalize_variance: false }'),
    "MemoryData": layer('type: "MemoryData" memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 }', (), tops=2),
    "MultinomialLogisticLoss": layer('type: "MultinomialLogisticLoss"', (5, 4), (5,), whole={0: 3, 1: 4}),
    "PReLU": layer('type: "PReLU" prelu_param { filler { type: "uniform" } }'),
    "PReLU of one slope": layer('type: "PReLU" prelu_param { channel_shared: true }'),
    "PReLU in place": layer('type: "PReLU"', in_place=True),
    "Parameter": layer('type: "Parameter" parameter_param { shape { dim: 2 dim: 3 } }', ()),
    "Pooling MAX with a mask": pool("kernel_size: 3 stride: 2", tops=2, backward=False),
    "Power": layer('type: "Power" power_param { power: 1.5 scale: 0.5 shift: 2 }'),
    "Power 2": layer('type: "Power" power_param { power: 2 scale: 0.5 shift: 2 }'),
    "Power 1": layer('type: "Power" power_param { scale: 0.5 shift: 2 }'),
    "Power 3 without shift": layer('type: "Power" power_param { power: 3 }'),
    "Power 0": layer('type: "Power" power_param { power: 0 }'),
    "Python": layer('type: "Python" python_param { module: "doubling" layer: "Double" param_str: "2.5" }'),
    "RNN": layer('type: "RNN" recurrent_param { num_output: 3 weight_filler { type: "uniform" min: -1 } bias_filler { type: "uniform" } }',
                 (4, 2, 5), (4, 2), whole={1: 2}),
    "RNN with a hidden blob": layer('type: "RNN" recurrent_param { num_output: 3 expose_hidden: true weight_filler { type: "uniform" min: -1 } }',
                                    (4, 2, 5), (4, 2), (1, 2, 3), whole={1: 2}, tops=2),
    "Reduction SUM": layer('type: "Reduction" reduction_param { axis: 1 coeff: 0.5 }', (3, 4, 2)),
    "Reduction ASUM": layer('type: "Reduction" reduction_param { operation: ASUM }', (3, 4, 2)),
    "Reduction SUMSQ": layer('type: "Reduction" reduction_param { operation: SUMSQ axis: -1 }', (3, 4, 2)),
    "Reduction MEAN": layer('type: "Reduction" reduction_param { operation: MEAN axis: 1 coeff: 2 }', (3, 4, 2)),
    "SPP": layer('type: "SPP" spp_param { pyramid_height: 3 }', (2, 3, 9, 11)),
    "SPP AVE": layer('type: "SPP" spp_param { pyramid_height: 2 pool: AVE }', (2, 3, 9, 11)),
    "SPP of one level": layer('type: "SPP" spp_param { pyramid_height: 1 }', (2, 3, 9, 11)),
    "Sigmoid": layer('type: "Sigmoid"'),
    "SigmoidCrossEntropyLoss": layer('type: "SigmoidCrossEntropyLoss"', (3, 4), (3, 4), whole={1: 2}),
    "SigmoidCrossEntropyLoss, one value ignored": layer(
        'type: "SigmoidCrossEntropyLoss" loss_param { ignore_label: 0 normalization: VALID }', (3, 4), (3, 4), whole={1: 2}),
    "Silence": layer('type: "Silence"', (2, 3), (4,), tops=0),
    "Slice": layer('type: "Slice"', (2, 6, 3), tops=3),
    "Slice at points": layer('type: "Slice" slice_param { axis: 2 slice_point: 1 slice_point: 4 }', (2, 6, 5), tops=3),
    "SoftmaxWithLoss": layer('type: "SoftmaxWithLoss"', (5, 4), (5,), whole={1: 4}),
    "SoftmaxWithLoss of a map, one label ignored": layer(
        'type: "SoftmaxWithLoss" loss_param { ignore_label: 1 }', (2, 4, 3, 3), (2, 3, 3), whole={1: 4}),
    "SoftmaxWithLoss by the batch": layer('type: "SoftmaxWithLoss" loss_param { normalize: false }', (2, 4, 3, 3), (2, 3, 3), whole={1: 4}),
    "SoftmaxWithLoss FULL": layer('type: "SoftmaxWithLoss" loss_param { normalization: FULL ignore_label: 0 }',
        (2, 4, 3, 3), (2, 3, 3), whole={1: 4}),
    "SoftmaxWithLoss NONE": layer('type: "SoftmaxWithLoss" loss_weight: 0.5 loss_param { normalization: NONE }',
        (5, 4), (5,), whole={1: 4}, force=False,
                                  learned=True),
    "Swish": layer('type: "Swish" swish_param { beta: 1.5 }'),
    "TanH": layer('type: "TanH"'),
    "TanH in place": layer('type: "TanH"', in_place=True),
    "Threshold": layer('type: "Threshold" threshold_param { threshold: 0.3 }', backward=False),
    "Tile": layer('type: "Tile" tile_param { axis: 1 tiles: 3 }', (2, 4, 5)),
}  # fmt: skip


def layer_prototxt(case):
    """A net of Input layers and the case's layer."""
    lines = ["force_backward: true"] if case["force"] else []
    bottoms = []
    for i, shape in enumerate(s for s in case["shapes"] if s):
        dims = " ".join(f"dim: {d}" for d in shape)
        kind, param = (
            ("Parameter", "parameter_param")
            if case["learned"] and not i
            else ("Input", "input_param")
        )
        lines.append(
            f'layer {{ name: "in{i}" type: "{kind}" top: "in{i}" {param} {{ shape {{ {dims} }} }} }}'
        )
        bottoms.append(f'bottom: "in{i}"')
    tops = ["in0"] if case["in_place"] else ["out", "out1", "out2"][: case["tops"]]
    lines.append(
        f'layer {{ name: "layer" {" ".join(bottoms)} {" ".join(f"""top: "{top}" """ for top in tops)} {case["body"]} }}'
    )
    if case["shared"]:
        lines.append('layer { name: "other" type: "ReLU" bottom: "in0" top: "other" }')
    return "\n".join(lines) + "\n"


def values(seed, shape, tie=False, below=None):
    """Seeded input values, float32; small whole numbers with `tie`, whole numbers from 0 on with `below`."""
    rng = np.random.RandomState(seed)
    if below is not None:
        return np.float32(rng.randint(0, below, shape))
    return np.float32(rng.randint(-3, 4, shape) if tie else rng.uniform(-2, 2, shape))


def doubling(caffe):
    """The module of the Python layer's case, on this engine: the bottom times param_str."""
    import types

    class Double(caffe.Layer):
        def setup(self, bottom, top):
            self.factor = float(self.param_str)

        def reshape(self, bottom, top):
            top[0].reshape(*bottom[0].data.shape)

        def forward(self, bottom, top):
            top[0].data[...] = self.factor * bottom[0].data

        def backward(self, top, propagate_down, bottom):
            bottom[0].diff[...] = self.factor * top[0].diff

    module = types.ModuleType("doubling")
    module.Double = Double
    return module
