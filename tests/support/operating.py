"""What the tests of operations share: files with seeded weights, passes of nets, distances."""

import numpy as np


class Bench:
    """Writes a prototxt with weights, and runs nets on the engine."""

    def __init__(self, caffe, folder):
        self.caffe, self.folder, self.count = caffe, folder, 0

    def files(self, text, weights=None):
        """(prototxt path, caffemodel path) of a prototxt's text, with the given weights (bytes) or random ones."""
        self.count += 1
        prototxt, caffemodel = (
            self.folder / f"{self.count}.prototxt",
            self.folder / f"{self.count}.caffemodel",
        )
        prototxt.write_text(text)
        if weights is not None:
            caffemodel.write_bytes(weights)
        else:
            self.caffe.set_random_seed(5)
            net = self.caffe.Net(str(prototxt), self.caffe.TEST)
            rng = np.random.RandomState(5)
            for layer, blobs in net.params.items():
                if net.layer_dict[layer].type == "BatchNorm":
                    for blob, values in zip(
                        blobs,
                        (
                            rng.normal(size=blobs[0].data.shape),
                            rng.uniform(0.5, 2, blobs[1].data.shape),
                            1.5,
                        ),
                    ):
                        blob.data[...] = values
            net.save(str(caffemodel))
        return str(prototxt), str(caffemodel)

    def net(self, pair):
        """A net of (prototxt path, caffemodel path), or of an Operated."""
        if not isinstance(pair, tuple):
            pair = self.files(*pair)
        return self.caffe.Net(pair[0], pair[1], self.caffe.TEST)

    def outputs(self, pair, picture, *blobs):
        """Values of the net's outputs, or of these blobs, after a pass with this picture (N, 3, H, W), or a random one of the declared size."""
        net = self.net(pair)
        source = net.blobs["data"]
        if picture is None:
            picture = np.random.RandomState(1).uniform(-100, 120, source.data.shape)
        source.reshape(*picture.shape)
        source.data[...] = picture
        net.forward()
        return {name: net.blobs[name].data.copy() for name in (blobs or net.outputs)}


def distance(found, wanted):
    """Norm of the difference over the norm of the wanted, for arrays of as many values."""
    assert found.size == wanted.size, (found.shape, wanted.shape)
    return float(np.linalg.norm(found.ravel() - wanted.ravel()) / np.linalg.norm(wanted.ravel()))
