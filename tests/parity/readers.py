"""Read every set with one engine, and train on one: `python readers.py ENGINE FOLDER`.

It writes FOLDER/ENGINE.npz.

FOLDER has what tests/support/datasets.py writes.
"""

import importlib
import sys
from pathlib import Path
from typing import Dict

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support import datasets

BATCHES = 6


def main(engine: str, folder: Path) -> None:
    caffe = importlib.import_module(engine)
    out: Dict[str, np.ndarray] = {}
    for name in datasets.READERS:
        path = folder / f"{engine}.prototxt"
        path.write_text(datasets.reader(name, folder))
        for phase in (caffe.TRAIN, caffe.TEST):
            caffe.set_random_seed(5)
            net = caffe.Net(str(path), phase)
            for batch in range(BATCHES):
                net.forward()
                for blob in ("data", "label"):
                    out[f"{name}|{phase} {batch} {blob}"] = np.array(net.blobs[blob].data)
    solver = caffe.SGDSolver(datasets.seeded_solver(folder))
    for step in range(BATCHES):
        solver.step(1)
        for layer, blobs in solver.net.params.items():
            for i, blob in enumerate(blobs):
                out[f"seeded|{step} {layer} {i}"] = np.array(blob.data)
        for which, net in (("train", solver.net), ("test", solver.test_nets[0])):
            out[f"seeded|{step} {which}"] = np.array(net.blobs["loss"].data).reshape(-1)
    np.savez(str(folder / f"{engine}.npz"), **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
