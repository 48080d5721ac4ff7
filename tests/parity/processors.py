"""Compute every kind of layer, a step and a dream: `processors.py FOLDER FILE` writes an .npz.

The processor that runs it first writes the weights into FOLDER, and the others load them.
"""

import sys
import warnings
from pathlib import Path
from typing import List

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import caffe_compat as caffe  # noqa: E402
from caffe_compat.kernels import vectors  # noqa: E402
from tests.parity import record  # noqa: E402
from tests.support import cases, nets, notebook  # noqa: E402

WEIGHTS = ROOT / "models" / "motif_googlenet" / "motif_googlenet.caffemodel"


def step(folder: Path, out: record.Arrays) -> None:
    """A small picture's way through the first modules of GoogLeNet, and its gradient."""
    end = "inception_3b/output"
    net = record.open_net(caffe, folder, "googlenet", nets.bundled("bvlc_googlenet"))
    source = record.fill(net, (61, 75))
    net.forward(end=end)
    net.blobs[end].diff[...] = net.blobs[end].data
    net.backward(start=end)
    record.keep_tops(net, "step|forward|", end, out)
    out["step|backward|data"] = source.diff.copy()


def dream(out: record.Arrays) -> None:
    """A dream of the notebook, in one octave and in two: between them SciPy resizes pictures."""
    deploy = ROOT / "prototxt" / "motif_googlenet" / "deploy.prototxt"
    net = notebook.open_net(caffe, deploy, WEIGHTS)
    picture = np.float32(np.random.RandomState(4).randint(0, 256, (66, 80, 3)))
    for octaves in (1, 2):
        np.random.seed(1)
        out[f"dream|{octaves}"] = notebook.dream(net, picture, 3, octaves=octaves)


def main(folder: Path, file: str) -> None:
    warnings.simplefilter("ignore")
    caffe.set_random_seed(3)
    caffe.allow_python_layers()
    sys.modules["doubling"] = cases.doubling(caffe)
    out: record.Arrays = {"about": np.array([vectors.LANES, int(vectors.FUSED)])}
    for name, case in cases.LAYERS.items():
        record.record_layer(caffe, folder, name, case, out)
    step(folder, out)
    dream(out)
    np.savez(file, **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    words: List[str] = sys.argv[1:]
    main(Path(words[0]), words[1])
