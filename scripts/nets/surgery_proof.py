"""Convolutionize the bundled nets at full size, and compare with the originals: surgery_proof.py [--engine caffe|compat] [NET ...]

Random weights (the default model's own for motif_googlenet); prints the norm of the difference of the outputs over the norm of the output.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import net_surgery  # noqa: E402
from deepdream.nets import engine  # noqa: E402

NETS = ["bvlc_reference_caffenet", "VGG_ILSVRC_16_layers", "bvlc_googlenet", "motif_googlenet"]


def output(caffe, prototxt, weights):
    """The first output of a net for one seeded picture of the declared size."""
    net = caffe.Net(str(prototxt), str(weights), caffe.TEST)
    source = net.blobs["data"]
    source.reshape(1, *source.data.shape[1:])
    source.data[...] = np.random.RandomState(0).uniform(-100, 120, source.data.shape)
    return next(iter(net.forward().values())).ravel().copy()


def prove(caffe, name, folder):
    prototxt = ROOT / "prototxt" / name / "deploy.prototxt"
    weights = ROOT / "models" / name / f"{name}.caffemodel"
    if name != "motif_googlenet":
        weights = Path(folder) / "random.caffemodel"
        caffe.set_random_seed(3)
        caffe.Net(str(prototxt), caffe.TEST).save(str(weights))
    started = time.monotonic()
    made = net_surgery.convolutionize(prototxt, weights, caffe=caffe).save(Path(folder) / name)
    seconds = time.monotonic() - started
    wanted, found = (
        output(caffe, prototxt, weights),
        output(caffe, made / "deploy.prototxt", made / "net.caffemodel"),
    )
    error = np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
    print(
        f"{name}: {error:.1e}; {weights.stat().st_size / 1e6:.0f} MB converted and written in {seconds:.1f} s",
        flush=True,
    )


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("nets", nargs="*", default=NETS, metavar="NET")
    p.add_argument("--engine", choices=("auto", "caffe", "compat"), default="auto")
    args = p.parse_args()
    caffe = engine.load(args.engine)
    for name in args.nets:
        with tempfile.TemporaryDirectory() as folder:
            prove(caffe, name, folder)


if __name__ == "__main__":
    main()
