"""Whole nets for the comparison: the bundled ones, and the other classics at a reduced size."""

from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]

# where two branches part after an in-place ReLU and meet again
BRANCHED = """
name: "branched"
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3
          weight_filler { type: "xavier" } bias_filler { type: "uniform" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "left" type: "Convolution" bottom: "conv" top: "left"
        convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "right" type: "Pooling" bottom: "conv" top: "right"
  pooling_param { kernel_size: 3 pad: 1 } }
layer { name: "both" type: "Concat" bottom: "left" bottom: "right" top: "both" }
layer { name: "fc" type: "InnerProduct" bottom: "both" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


def written(folder: Path, text: str, name: str = "net.prototxt") -> str:
    """The path of a new file with this text."""
    path = folder / name
    path.write_text(text)
    return str(path)


class Builder:
    """Writes a prototxt, layer by layer; each method returns the name of the top."""

    def __init__(self, side: int) -> None:
        self.lines = ["force_backward: true"]
        dims = f"dim: 1 dim: 3 dim: {side} dim: {side}"
        self.layer("data", "Input", [], "data", f"input_param {{ shape {{ {dims} }} }}")

    def layer(self, name: str, kind: str, bottoms: Sequence[str], top: str, body: str = "") -> str:
        inputs = " ".join(f'bottom: "{b}"' for b in bottoms)
        self.lines.append(f'layer {{ name: "{name}" type: "{kind}" {inputs} top: "{top}" {body} }}')
        return top

    def conv(self, name: str, bottom: str, settings: str) -> str:
        """A Convolution and its ReLU, which has a top of its own."""
        filler = 'weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.1 }'
        body = f"convolution_param {{ {settings} {filler} }}"
        self.layer(name, "Convolution", [bottom], name, body)
        return self.layer("relu_" + name, "ReLU", [name], name)

    def pool(self, name: str, bottom: str, settings: str = "kernel_size: 3 stride: 2") -> str:
        return self.layer(name, "Pooling", [bottom], name, f"pooling_param {{ {settings} }}")

    def lrn(self, name: str, bottom: str) -> str:
        body = "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
        return self.layer(name, "LRN", [bottom], name, body)

    def fc(self, name: str, bottom: str, outputs: int, relu: bool = True) -> str:
        """An InnerProduct, with a ReLU and a Dropout in place unless it is the last."""
        body = f'inner_product_param {{ num_output: {outputs} weight_filler {{ type: "xavier" }} }}'
        self.layer(name, "InnerProduct", [bottom], name, body)
        if not relu:
            return name
        self.layer("relu_" + name, "ReLU", [name], name)
        return self.layer("drop_" + name, "Dropout", [name], name)

    def classifier(self, bottom: str) -> str:
        """AlexNet's three InnerProducts, narrow, and the softmax: the whole prototxt."""
        x = self.fc("fc7", self.fc("fc6", bottom, 128), 128)
        return self.text(self.fc("fc8", x, 50, relu=False))

    def text(self, last: str) -> str:
        """The whole prototxt, ending in a softmax of `last`."""
        self.layer("prob", "Softmax", [last], "prob")
        return "\n".join(self.lines) + "\n"


def caffenet() -> str:
    """CaffeNet's layers: pooling before LRN, two groups."""
    b = Builder(227)
    x = b.conv("conv1", "data", "num_output: 24 kernel_size: 11 stride: 4")
    x = b.lrn("norm1", b.pool("pool1", x))
    x = b.pool("pool2", b.conv("conv2", x, "num_output: 64 pad: 2 kernel_size: 5 group: 2"))
    x = b.lrn("norm2", x)
    x = b.conv("conv3", x, "num_output: 96 pad: 1 kernel_size: 3")
    x = b.conv("conv4", x, "num_output: 96 pad: 1 kernel_size: 3 group: 2")
    x = b.pool("pool5", b.conv("conv5", x, "num_output: 64 pad: 1 kernel_size: 3 group: 2"))
    return b.classifier(x)


def vgg16() -> str:
    """VGG-16's thirteen convolutions at an eighth of their width."""
    b, x = Builder(96), "data"
    for block, (count, width) in enumerate(((2, 8), (2, 16), (3, 32), (3, 64), (3, 64)), 1):
        for i in range(1, count + 1):
            x = b.conv(f"conv{block}_{i}", x, f"num_output: {width} pad: 1 kernel_size: 3")
        x = b.pool(f"pool{block}", x, "kernel_size: 2 stride: 2")
    return b.classifier(x)


FIRES = ((8, 32), (8, 32), (16, 64), (16, 64), (24, 96), (32, 128))


def squeezenet() -> str:
    """SqueezeNet 1.1's fire modules, half as wide; fully convolutional, with global pooling."""
    b = Builder(96)
    x = b.pool("pool1", b.conv("conv1", "data", "num_output: 32 kernel_size: 3 stride: 2"))
    for i, (squeeze, expand) in enumerate(FIRES, 2):
        s = b.conv(f"fire{i}/squeeze1x1", x, f"num_output: {squeeze} kernel_size: 1")
        sides = []
        for k in (1, 3):
            settings = f"num_output: {expand} kernel_size: {k} pad: {k // 2}"
            sides.append(b.conv(f"fire{i}/expand{k}x{k}", s, settings))
        x = b.layer(f"fire{i}/concat", "Concat", sides, f"fire{i}/concat")
        if i in (3, 5):
            x = b.pool(f"pool{i}", x)
    x = b.conv("conv10", x, "num_output: 50 kernel_size: 1")
    return b.text(b.pool("pool10", x, "pool: AVE global_pooling: true"))


def bundled(name: str) -> str:
    """A deploy net of prototxt/, one picture at a time, gradients forced."""
    text = (ROOT / "prototxt" / name / "deploy.prototxt").read_text()
    return "force_backward: true\n" + text.replace("dim: 10 dim: 3", "dim: 1 dim: 3")


def v1() -> str:
    """The form of 2014's files: `layers` of enumerated types, `input_dim`, rates on the layer.

    With a fork, a join, pads and groups.
    """
    return """
    input: "data" input_dim: 1 input_dim: 3 input_dim: 40 input_dim: 48 force_backward: true
    layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1"
             blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
             convolution_param { num_output: 12 kernel_size: 5 stride: 2
                                 weight_filler { type: "xavier" } } }
    layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
    layers { name: "norm1" type: LRN bottom: "conv1" top: "norm1"
             lrn_param { local_size: 5 alpha: 0.01 } }
    layers { name: "pool1" type: POOLING bottom: "norm1" top: "pool1"
             pooling_param { kernel_size: 3 stride: 2 } }
    layers { name: "left" type: CONVOLUTION bottom: "pool1" top: "left"
             convolution_param { num_output: 8 kernel_size: 3 pad: 1 group: 4
                                 weight_filler { type: "xavier" } } }
    layers { name: "right" type: POOLING bottom: "pool1" top: "right"
             pooling_param { pool: AVE kernel_size: 3 stride: 1 pad: 1 } }
    layers { name: "join" type: CONCAT bottom: "left" bottom: "right" top: "join"
             concat_param { concat_dim: 1 } }
    layers { name: "fc" type: INNER_PRODUCT bottom: "join" top: "fc"
             inner_product_param { num_output: 9 weight_filler { type: "xavier" } } }
    layers { name: "drop" type: DROPOUT bottom: "fc" top: "fc" }
    layers { name: "prob" type: SOFTMAX bottom: "fc" top: "prob" }
    """


def v0() -> str:
    """The form of 2013's files: nested layers, all settings side by side, padding as a layer."""
    return """
    input: "data" input_dim: 1 input_dim: 3 input_dim: 40 input_dim: 48 force_backward: true
    layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
    layers { layer { name: "conv1" type: "conv" num_output: 12 kernelsize: 5 stride: 2
                     biasterm: false weight_filler { type: "xavier" } }
             bottom: "pad1" top: "conv1" }
    layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
    layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 3 stride: 2 }
             bottom: "conv1" top: "pool1" }
    layers { layer { name: "norm1" type: "lrn" local_size: 3 alpha: 0.01 beta: 0.5 }
             bottom: "pool1" top: "norm1" }
    layers { layer { name: "conv2" type: "conv" num_output: 8 kernelsize: 3 pad: 1 group: 2
                     weight_filler { type: "xavier" } }
             bottom: "norm1" top: "conv2" }
    layers { layer { name: "join" type: "concat" } bottom: "norm1" bottom: "conv2" top: "join" }
    layers { layer { name: "fc" type: "innerproduct" num_output: 9
                     weight_filler { type: "xavier" }
                     bias_filler { type: "constant" value: 0.1 } }
             bottom: "join" top: "fc" }
    layers { layer { name: "drop" type: "dropout" dropout_ratio: 0.3 } bottom: "fc" top: "fc" }
    layers { layer { name: "prob" type: "softmax" } bottom: "fc" top: "prob" }
    """


def shared() -> str:
    """Layers that share weights by name: two in the same shape, two in shapes of as many values."""
    conv = """convolution_param { num_output: 4 kernel_size: 3 pad: 1
                 weight_filler { type: "xavier" } bias_filler { type: "uniform" } }"""
    product = 'inner_product_param { num_output: 6 weight_filler { type: "xavier" } }'
    return f"""
    force_backward: true
    layer {{ name: "data" type: "Input" top: "data"
             input_param {{ shape {{ dim: 1 dim: 3 dim: 12 dim: 10 }} }} }}
    layer {{ name: "pool" type: "Pooling" bottom: "data" top: "pool"
             pooling_param {{ kernel_size: 3 stride: 1 pad: 1 }} }}
    layer {{ name: "a" type: "Convolution" bottom: "data" top: "a"
             param {{ name: "w" }} param {{ name: "b" }} {conv} }}
    layer {{ name: "b" type: "Convolution" bottom: "pool" top: "b"
             param {{ name: "w" }} param {{ name: "b" }} {conv} }}
    layer {{ name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum"
             eltwise_param {{ coeff: 1 coeff: -0.5 }} }}
    layer {{ name: "left" type: "InnerProduct" bottom: "sum" top: "left"
             param {{ name: "v" }} {product} }}
    layer {{ name: "right" type: "InnerProduct" bottom: "a" top: "right"
             param {{ name: "v" share_mode: PERMISSIVE }}
             {product.replace("{ num", "{ transpose: true num")} }}
    layer {{ name: "join" type: "Concat" bottom: "left" bottom: "right" top: "join" }}
    """


def lenet(source: str = "data", body: str = "") -> str:
    """LeNet at a quarter of its width: one grey picture of 28x28, ten classes.

    source: the name of its input. body: what stands in place of the Input layer.
    """
    body = body or (
        f'layer {{ name: "{source}" type: "Input" top: "{source}"\n'
        "        input_param { shape { dim: 1 dim: 1 dim: 28 dim: 28 } } }"
    )
    filler = 'weight_filler { type: "xavier" }'
    return f"""
    {body}
    layer {{ name: "conv1" type: "Convolution" bottom: "{source}" top: "conv1"
             convolution_param {{ num_output: 5 kernel_size: 5 {filler} }} }}
    layer {{ name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
             pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
    layer {{ name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
             convolution_param {{ num_output: 12 kernel_size: 5 {filler} }} }}
    layer {{ name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
             pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
    layer {{ name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
             inner_product_param {{ num_output: 50 {filler} }} }}
    layer {{ name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }}
    layer {{ name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
             inner_product_param {{ num_output: 10 {filler} }} }}
    layer {{ name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }}
    """


Pass = Tuple[Tuple[int, int], str]


def net(text: str, *passes: Pass, spans: Sequence[Tuple[str, str]] = ()) -> Dict[str, Any]:
    """What is run on one net.

    Args:
        text: Its prototxt.
        passes: ((height, width), end) in turn; the input is reshaped between them.
        spans: (first, last) layers: at the declared size, forward from the first to the last, and
            backward from the last to the first.
    """
    return {"text": text, "passes": passes, "spans": spans}


# too large to run in a test: both engines build them, and their names and shapes are compared
BUILT = [
    "bvlc_alexnet",
    "bvlc_reference_caffenet",
    "VGG_ILSVRC_16_layers",
    "VGG_ILSVRC_19_layers",
    "googlenet_places205",
    "googlenet_places365",
]

NETS = {
    "bvlc_googlenet": net(
        bundled("bvlc_googlenet"),
        ((224, 224), "prob"),
        ((211, 299), "inception_4c/output"),
        ((120, 97), "inception_3b/5x5_reduce"),
        ((224, 224), "inception_5b/output"),
        spans=[
            ("inception_3a/1x1", "inception_4a/output"),
            ("inception_4d/3x3_reduce", "inception_5a/output"),
            ("conv2/3x3", "pool2/3x3_s2"),
        ],
    ),
    "motif_googlenet": net(
        bundled("motif_googlenet"),
        ((96, 96), "prob"),
        ((157, 211), "inception_4c/output"),
        ((96, 96), "conv2/3x3"),
        spans=[("inception_4b/pool", "inception_4e/output")],
    ),
    "ResNet-50": net(
        bundled("ResNet-50"),
        ((97, 129), "res4b"),
        ((64, 64), "res3a_branch2b"),
        spans=[("res3a_branch2b", "res4b"), ("conv1", "res2a")],
    ),
    "squeezenet_v1.0": net(bundled("squeezenet_v1.0"), ((131, 99), "fire5/concat")),
    "squeezenet_v1.1": net(
        bundled("squeezenet_v1.1"), ((131, 99), "fire5/concat"), spans=[("pool3", "fire7/concat")]
    ),
    "nin_imagenet": net(bundled("nin_imagenet"), ((131, 99), "cccp4"), spans=[("conv2", "pool3")]),
    "caffenet": net(
        caffenet(),
        ((227, 227), "prob"),
        ((180, 260), "conv3"),
        ((227, 227), "fc6"),
        spans=[("conv3", "fc7"), ("norm1", "conv5")],
    ),
    "vgg16": net(
        vgg16(),
        ((96, 96), "prob"),
        ((130, 75), "conv4_2"),
        ((96, 96), "pool5"),
        spans=[("conv3_1", "conv5_3")],
    ),
    "squeezenet": net(
        squeezenet(),
        ((96, 96), "prob"),
        ((133, 177), "fire5/concat"),
        ((133, 177), "prob"),
        spans=[("pool3", "pool10")],
    ),
    "shared weights": net(shared(), ((12, 10), "join"), ((9, 14), "sum"), spans=[("b", "sum")]),
    "v0 files": net(v0(), ((40, 48), "prob"), ((61, 33), "join"), spans=[("conv2", "fc")]),
    "v1 files": net(
        v1(),
        ((40, 48), "prob"),
        ((61, 33), "join"),
        ((40, 48), "fc"),
        spans=[("left", "join"), ("norm1", "fc")],
    ),
}
