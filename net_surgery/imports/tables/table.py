"""What a table says: which arrays of a source are which layers of a deploy net.

A table is data. `mapping.py` reads it, `tables/` has one for each source and net.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple, Optional, Tuple

Renames = Tuple[Tuple[str, str], ...]


class Names(NamedTuple):
    """How a source calls the arrays of a layer, and in which order it keeps their axes.

    {} stands for the layer's name there. The axes of a convolution's weights are O, I, H and W
    (outputs, inputs, height, width), Caffe's being OIHW; those of an InnerProduct are O and I.
    """

    weight: str
    bias: str
    convolution: str
    dense: str


class NormNames(NamedTuple):
    """How a source calls the arrays of a batch normalisation; {} stands for its name there."""

    gain: str
    offset: str
    mean: str
    variance: str


PYTORCH = Names("{}.weight", "{}.bias", "OIHW", "OI")
PYTORCH_NORM = NormNames("{}.weight", "{}.bias", "{}.running_mean", "{}.running_var")
CAFFE2 = Names("{}_w_0", "{}_b_0", "OIHW", "OI")  # as ONNX has them
CAFFE2_NORM = NormNames("{}_s_0", "{}_b_0", "{}_rm_0", "{}_riv_0")
MXNET = Names("{}_weight", "{}_bias", "OIHW", "OI")
KERAS_2 = Names("{0}/{0}/kernel:0", "{0}/{0}/bias:0", "HWIO", "IO")
KERAS_1 = Names("{0}/{0}_W_1:0", "{0}/{0}_b_1:0", "HWIO", "IO")
KERAS_3 = Names("{}/vars/0", "{}/vars/1", "HWIO", "IO")
TENSORFLOW = Names("{}_w", "{}_b", "HWIO", "IO")


class Input(NamedTuple):
    """What the source's net takes: (pixel - mean) * scale, channel by channel, in RGB.

    The scales go into the first convolution, and its channels are turned round, so that the Caffe
    net takes BGR minus the mean. The mean is not folded: a convolution pads with zeros, which stand
    for the mean colour.
    """

    scale: Tuple[float, float, float]


@dataclass(frozen=True)
class Table:
    """The arrays of one source for one deploy net.

    Args:
        model: the net, a folder under prototxt/ and models/.
        source: what wrote the file, for people.
        names: how the source calls a layer's arrays.
        renames: (pattern, replacement) from Caffe's name of a layer to the source's; the first
            pattern that matches the whole name counts, and without one the names are the same.
        norms: the same, to the source's batch normalisation behind a layer, which is folded into
            it. A layer of the type BatchNorm or Scale is not folded: its own name is in `renames`.
        norm_names: how the source calls a normalisation's arrays.
        eps: of the normalisations that are folded.
        takes: what the source's net takes, where that is not what the Caffe net does.
        grown: a pattern of layers whose kernels get a row and a column of zeros before the others,
            for TensorFlow's SAME padding, which pads less before than after where the stride is 2.
        flattened: InnerProducts that follow a map which the source flattens as height, width,
            channels, each with the map's (channels, height, width); Caffe flattens it so.
        constant: a pattern of layers that the source has nothing for, Deconvolutions whose weights
            are bilinear interpolation.
        unused: a pattern of arrays that the deploy net does without.
    """

    model: str
    source: str
    names: Names
    renames: Renames = ()
    norms: Renames = ()
    norm_names: NormNames = PYTORCH_NORM
    eps: float = 1e-5
    takes: Optional[Input] = None
    grown: str = ""
    flattened: Tuple[Tuple[str, Tuple[int, int, int]], ...] = ()
    constant: str = ""
    unused: str = ""

    def source_name(self, layer: str) -> str:
        """What the source calls a layer."""
        return _renamed(self.renames, layer) or layer

    def norm(self, layer: str) -> str:
        """What the source calls the normalisation that is folded into a layer; "" without one."""
        return _renamed(self.norms, layer)


def _renamed(renames: Renames, name: str) -> str:
    for pattern, replacement in renames:
        found = re.fullmatch(pattern, name)
        if found:
            return found.expand(replacement)
    return ""
