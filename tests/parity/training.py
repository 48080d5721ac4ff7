"""Train on one engine and record every step: `python training.py ENGINE FOLDER [OTHER]`.

The first engine that runs in FOLDER writes each net's weights there, and the other starts from
them; each writes FOLDER/ENGINE/ with its snapshots, and FOLDER/ENGINE.npz. With OTHER, an engine
that has run there, go on from its snapshots instead, and write FOLDER/ENGINE-from-OTHER.npz.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, Dict

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support import training

FURTHER = 2  # steps after a restored snapshot
FORMATS = ("BINARYPROTO", "HDF5")
SNAPSHOTS = ("SGD momentum", "AdaDelta", "multistep", "SGD normed")


def solver_of(caffe: Any, folder: Path, place: Path, name: str, form: str = "BINARYPROTO") -> Any:
    """The solver of a training, with its files in `place` and the weights of `folder`."""
    place.mkdir(parents=True, exist_ok=True)
    path = training.files(place, name)
    with open(path, "a") as f:
        f.write(f"snapshot_format: {form}\n")
    solver = getattr(caffe, training.TRAININGS[name]["solver"])(path)
    weights = folder / f"{training.TRAININGS[name]['net']}.caffemodel"
    if not weights.exists():
        solver.net.save(str(weights))
    solver.net.copy_from(str(weights))
    return solver


def keep(out: Dict[str, np.ndarray], name: str, steps: Any) -> None:
    for step, arrays in enumerate(steps):
        out.update({f"{name}|{step}|{key}": value for key, value in arrays.items()})


def record(caffe: Any, engine: str, folder: Path, out: Dict[str, np.ndarray]) -> None:
    """Every training's steps; of some also snapshots, and what follows on them."""
    for name, case in training.TRAININGS.items():
        solver = solver_of(caffe, folder, folder / engine, name)
        keep(out, name, training.train(solver, 0, case["steps"]))
    for name in SNAPSHOTS:
        for form in FORMATS:
            solver = solver_of(caffe, folder, folder / engine / form, name, form)
            training.train(solver, 0, 3)
            solver.snapshot()
            keep(out, f"{name} on", training.train(solver, 3, FURTHER))
            test = solver.test_nets[0]
            solver.share_weights(test)
            training.feed(test, 50)
            out[f"{name}|test|loss"] = np.array(test.forward()["loss"]).reshape(-1)


def restore(caffe: Any, other: str, folder: Path, out: Dict[str, np.ndarray]) -> None:
    """What follows on another engine's snapshots."""
    for name in SNAPSHOTS:
        for form, end in zip(FORMATS, ("", ".h5")):
            solver = solver_of(caffe, folder, folder / "restored" / form, name, form)
            stem = name.replace(" ", "_")
            solver.restore(str(folder / other / form / f"{stem}_iter_3.solverstate{end}"))
            assert solver.iter == 3
            keep(out, f"{name} {form}", training.train(solver, 3, FURTHER))


def main(engine: str, folder: Path, other: str = "") -> None:
    caffe = importlib.import_module(engine)
    caffe.set_random_seed(3)
    out: Dict[str, np.ndarray] = {}
    if other:
        restore(caffe, other, folder, out)
    else:
        record(caffe, engine, folder, out)
    target = folder / (f"{engine}-from-{other}.npz" if other else f"{engine}.npz")
    np.savez(str(target), **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
