"""What both engines are made to compute: a table of single layers, and whole nets. Runs on any Python that has an engine."""

import numpy as np


def layer(body, *shapes, tie=False, in_place=False, shared=False):
    """One case: the text of a layer behind `type:`, the shapes of its bottoms.

    tie: inputs are small whole numbers, so that maxima tie. in_place: the top is the bottom. shared: a second layer
    reads the same bottom, so that Caffe inserts a Split.
    """
    return {"body": body, "shapes": shapes or ((2, 4, 9, 11),), "tie": tie, "in_place": in_place, "shared": shared}


def conv(settings, *shape, **options):
    body = f'type: "Convolution" convolution_param {{ {settings} weight_filler {{ type: "xavier" }} bias_filler {{ type: "uniform" min: -1 }} }}'
    return layer(body, shape or (2, 4, 9, 11), **options)


def pool(settings, *shape, **options):
    return layer(f'type: "Pooling" pooling_param {{ {settings} }}', shape or (2, 4, 9, 11), **options)


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
}  # fmt: skip


def layer_prototxt(case):
    """A net of Input layers and the case's layer, gradients forced."""
    lines = ["force_backward: true"]
    bottoms = []
    for i, shape in enumerate(case["shapes"]):
        dims = " ".join(f"dim: {d}" for d in shape)
        lines.append(f'layer {{ name: "in{i}" type: "Input" top: "in{i}" input_param {{ shape {{ {dims} }} }} }}')
        bottoms.append(f'bottom: "in{i}"')
    top = "in0" if case["in_place"] else "out"
    lines.append(f'layer {{ name: "layer" {" ".join(bottoms)} top: "{top}" {case["body"]} }}')
    if case["shared"]:
        lines.append('layer { name: "other" type: "ReLU" bottom: "in0" top: "other" }')
    return "\n".join(lines) + "\n"


def values(seed, shape, tie=False):
    """Seeded input values, float32; small whole numbers with `tie`."""
    rng = np.random.RandomState(seed)
    return np.float32(rng.randint(-3, 4, shape) if tie else rng.uniform(-2, 2, shape))
