"""What the tests of operations share: text of layers, files with seeded weights, distances."""

import numpy as np

INPUT = (
    'layer {{ name: "data" type: "Input" top: "data" '
    "input_param {{ shape {{ dim: {} dim: {} dim: {} dim: {} }} }} }}\n"
)
FILLERS = 'weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -0.1 max: 0.1 }'


def layer(name, kind, bottom, top=None, settings=""):
    """The text of a layer; its top is called like the layer by default."""
    return (
        f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top or name}" '
        f"{settings} }}\n"
    )


def conv(name, bottom, settings):
    """The text of a Convolution."""
    body = f"convolution_param {{ {settings} {FILLERS} }}"
    return layer(name, "Convolution", bottom, settings=body)


def fc(name, bottom, settings, top=None, extra=""):
    """The text of an InnerProduct."""
    body = f"{extra} inner_product_param {{ {settings} {FILLERS} }}"
    return layer(name, "InnerProduct", bottom, top, body)


class Bench:
    """Writes prototxts with weights, and runs nets on the engine."""

    def __init__(self, caffe, folder):
        self.caffe, self.folder, self.count = caffe, folder, 0

    def files(self, text, weights=None):
        """(prototxt path, caffemodel path) of a prototxt's text.

        weights: the caffemodel's bytes; by default random ones are made.
        """
        self.count += 1
        prototxt = self.folder / f"{self.count}.prototxt"
        caffemodel = self.folder / f"{self.count}.caffemodel"
        prototxt.write_text(text)
        if weights is not None:
            caffemodel.write_bytes(weights)
        else:
            self._random(prototxt).save(str(caffemodel))
        return str(prototxt), str(caffemodel)

    def _random(self, prototxt):
        """The net with seeded weights, and plausible statistics in its BatchNorms."""
        self.caffe.set_random_seed(5)
        net = self.caffe.Net(str(prototxt), self.caffe.TEST)
        rng = np.random.RandomState(5)
        for name, blobs in net.params.items():
            if net.layer_dict[name].type == "BatchNorm":
                mean, variance, factor = blobs
                mean.data[...] = rng.normal(size=mean.data.shape)
                variance.data[...] = rng.uniform(0.5, 2, variance.data.shape)
                factor.data[...] = 1.5
        return net

    def net(self, pair):
        """A net of (prototxt path, caffemodel path), or of an Operated."""
        if not isinstance(pair, tuple):
            pair = self.files(*pair)
        return self.caffe.Net(pair[0], pair[1], self.caffe.TEST)

    def outputs(self, pair, picture, *blobs):
        """{blob: values} after a pass, of the net's outputs or of `blobs`.

        picture: (N, 3, H, W); None for a random one of the declared size.
        """
        net = self.net(pair)
        source = net.blobs["data"]
        if picture is None:
            picture = np.random.RandomState(1).uniform(-100, 120, source.data.shape)
        source.reshape(*picture.shape)
        source.data[...] = picture
        net.forward()
        return {name: net.blobs[name].data.copy() for name in (blobs or net.outputs)}


def distance(result, wanted):
    """Norm of the difference over the norm of `wanted`, for arrays of as many values."""
    assert result.size == wanted.size, (result.shape, wanted.shape)
    difference = np.linalg.norm(result.ravel() - wanted.ravel())
    return float(difference / np.linalg.norm(wanted.ravel()))
