"""Convolutionize the bundled nets at full size, and compare what they compute with the originals.

The weights are random, or the default model's own for motif_googlenet. Prints the norm of the
outputs' difference over the norm of the original's output.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, List, Optional

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import net_surgery  # noqa: E402
from deepdream.nets import engine  # noqa: E402
from deepdream.settings import DEFAULT_ENGINE, DEFAULT_MODEL  # noqa: E402

NETS = ["bvlc_reference_caffenet", "VGG_ILSVRC_16_layers", "bvlc_googlenet", DEFAULT_MODEL]


def output(caffe: Any, prototxt: Path, weights: Path) -> np.ndarray:
    """The first output of a net for one seeded picture of the declared size."""
    net = caffe.Net(str(prototxt), str(weights), caffe.TEST)
    source = net.blobs["data"]
    source.reshape(1, *source.data.shape[1:])
    source.data[...] = np.random.RandomState(0).uniform(-100, 120, source.data.shape)
    return next(iter(net.forward().values())).ravel().copy()


def prove(caffe: Any, name: str, folder: Path) -> None:
    """Convolutionize one net in `folder`, and print how far its output is from the original's."""
    prototxt = ROOT / "prototxt" / name / "deploy.prototxt"
    weights = ROOT / "models" / name / f"{name}.caffemodel"
    if name != DEFAULT_MODEL:
        weights = folder / "random.caffemodel"
        caffe.set_random_seed(3)
        caffe.Net(str(prototxt), caffe.TEST).save(str(weights))
    started = time.monotonic()
    made = net_surgery.convolutionize(prototxt, weights, caffe=caffe).save(folder / name)
    seconds = time.monotonic() - started
    original = output(caffe, prototxt, weights)
    converted = output(caffe, made / "deploy.prototxt", made / "net.caffemodel")
    error = np.linalg.norm(converted - original) / np.linalg.norm(original)
    size = weights.stat().st_size / 1e6
    print(
        f"{name}: {error:.1e}; {size:.0f} MB converted and written in {seconds:.1f} s", flush=True
    )


def main(argv: Optional[List[str]] = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "nets", nargs="*", default=NETS, metavar="NET", help=f"default: {' '.join(NETS)}"
    )
    p.add_argument("--engine", default=DEFAULT_ENGINE, choices=("auto", "caffe", "compat"))
    args = p.parse_args(argv)
    caffe = engine.load(args.engine)
    for name in args.nets:
        with tempfile.TemporaryDirectory() as folder:
            prove(caffe, name, Path(folder))


if __name__ == "__main__":
    main()
