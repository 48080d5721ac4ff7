"""Read every set with one engine: `python readers.py ENGINE FOLDER` writes FOLDER/ENGINE.npz.

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
    np.savez(str(folder / f"{engine}.npz"), **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
