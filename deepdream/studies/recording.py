"""A recording: a folder with every step of one dream, with which any engine can be compared.

recording.json    the dream's recipe, its steps, and every other file's size and SHA1; written last
pixels.npy        the source picture, float32 RGB (H, W, 3); guide.npy beside it if there was a
guide 0000.npz ...      one step each: `state`, the net's input (C, h, w), shifted by the jitter;
`activation` of the
                  target (C, h', w'); `gradient` of the input (C, h, w); all float32
result.npy        the finished picture, float32 RGB (H, W, 3)
"""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import numpy as np

from netfile.system.files import file_sha1, whole_folder

from ..dream.octaves import Progress
from ..errors import RecordingError
from ..pictures.files import PathLike
from ..request.following import checked

FORMAT = 1
_INDEX = "recording.json"


class Writer:
    """Writes a recording under a partial name, which becomes its own name after `finish`.

    A context manager: on leaving, a recording that was not finished is removed.

    Raises:
        RecordingError: the folder exists already, or its parent does not.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)
        self._whole = whole_folder(self.folder)
        self._partial = self.folder
        self._finished = False
        self._steps: List[Dict[str, Any]] = []
        if os.path.lexists(str(self.folder)) or not self.folder.name:
            raise RecordingError(
                f"{self.folder}: exists already; name another folder, or remove it first"
            )
        if not self.folder.absolute().parent.is_dir():
            raise RecordingError(
                f"{self.folder.parent}: no such folder to record into; make it first"
            )

    def __enter__(self) -> "Writer":
        with self._as_error():
            self._partial = self._whole.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is None and not self._finished:
            error = RecordingError, RecordingError("not finished"), None
        with self._as_error():
            self._whole.__exit__(*error)
            if isinstance(error[1], OSError):
                raise error[1]

    @contextmanager
    def _as_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            # NumPy's own words on a full disk are "32400 requested and 25568 written"
            why = e.strerror or f"the disk is full ({e})"
            raise RecordingError(f"{self.folder}: cannot be written: {why}") from None

    def start(self, pixels: np.ndarray, guide: Optional[np.ndarray] = None) -> None:
        """Keep the source picture and the guide, RGB (H, W, 3)."""
        self._save("pixels", pixels)
        if guide is not None:
            self._save("guide", guide)

    def step(
        self, progress: Progress, state: np.ndarray, activation: np.ndarray, gradient: np.ndarray
    ) -> None:
        """Keep one step's arrays, in the shapes that this module's first lines give."""
        path = self._partial / f"{len(self._steps):04d}.npz"
        with self._as_error():
            np.savez(path, state=state, activation=activation, gradient=gradient)
        self._steps.append(
            {"octave": progress.octave, "step": progress.step, "size": list(progress.size)}
        )

    def finish(self, result: np.ndarray, recipe: str, **facts: Any) -> None:
        """Keep the finished picture and give the recording its name.

        recipe: as job.recipe gives it, JSON. facts: what else is to be said of the run.
        """
        self._save("result", result)
        files = {path.name: _facts_of(path) for path in sorted(self._partial.iterdir())}
        index = {
            "format": FORMAT,
            "recipe": json.loads(recipe),
            **facts,
            "steps": self._steps,
            "files": files,
        }
        with self._as_error():
            (self._partial / _INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
        self._finished = True

    def _save(self, name: str, picture: np.ndarray) -> None:
        with self._as_error():
            np.save(self._partial / f"{name}.npy", np.asarray(picture, np.float32))


class Recording:
    """A complete recording: `recipe`, `steps`, the other `facts` of its index, and its arrays."""

    def __init__(self, folder: PathLike) -> None:
        """Verify a recording.

        Raises:
            RecordingError: there is none, it is incomplete or damaged, or it has another format.
            RecipeError: its recipe cannot be read.
        """
        self.folder = Path(folder)
        index = self._index()
        self.recipe = checked(index.pop("recipe", None), str(self.folder / _INDEX))
        self.steps: List[Dict[str, Any]] = index.pop("steps")
        self.facts: Dict[str, Any] = index

    def _index(self) -> Dict[str, Any]:
        if not self.folder.is_dir():
            raise RecordingError(f"{self.folder}: no such recording", missing=str(self.folder))
        path = self.folder / _INDEX
        if not path.is_file():
            steps = len(list(self.folder.glob("*.npz")))
            state = "no recording: it has"
            if steps:
                state = f"half-written: it has {steps} steps but"
            raise RecordingError(f"{self.folder}: is {state} no {_INDEX}; record it again")
        try:
            index: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            number, files = index["format"], dict(index["files"])
            expected = {"pixels.npy", "result.npy"}
            expected.update(f"{i:04d}.npz" for i in range(len(index["steps"])))
            if number == FORMAT:
                if not expected <= set(files):
                    raise KeyError("files")
                _check_index(index)
        except KeyError as e:
            raise RecordingError(
                f"{path}: cannot be read (it does not say its {e.args[0]}); record it again"
            ) from None
        except (ValueError, TypeError, RecursionError) as e:
            raise RecordingError(f"{path}: cannot be read ({e}); record it again") from None
        if number != FORMAT:
            raise RecordingError(
                f"{self.folder}: is a recording of format {number}, this deepdream reads {FORMAT}; "
                "use the same version for both"
            )
        self._check_files(files)
        return index

    def _check_files(self, files: Dict[str, Dict[str, Any]]) -> None:
        missing = [name for name in files if not (self.folder / name).is_file()]
        if missing:
            raise RecordingError(
                f"{self.folder}: is incomplete: {len(missing)} of its {len(files)} files are "
                f"missing, {missing[0]} for one; copy it again"
            )
        for name, recorded in files.items():
            path = self.folder / name
            actual = _facts_of(path)
            if actual != recorded:
                raise RecordingError(
                    f"{path}: is damaged: {actual['bytes']} bytes with SHA1 {actual['sha1']}, "
                    f"recorded as {recorded['bytes']} with {recorded['sha1']}; copy it again"
                )

    def array(self, name: str) -> Optional[np.ndarray]:
        """`pixels`, `guide` or `result`, float32 RGB (H, W, 3); None where there was no guide."""
        path = self.folder / f"{name}.npy"
        if not path.is_file():
            return None
        with _refusals(path):
            values: np.ndarray = np.load(path, allow_pickle=False)
            if values.ndim != 3 or values.shape[2] != 3 or values.dtype != np.float32:
                raise ValueError(f"{values.dtype} of shape {values.shape}")
            if not np.isfinite(values).all():
                raise ValueError("not all of its values are finite")
        return values

    def step(self, number: int) -> Dict[str, np.ndarray]:
        """{"state", "activation", "gradient"} of a step, counted from 0."""
        path = self.folder / f"{number:04d}.npz"
        with _refusals(path), np.load(path, allow_pickle=False) as arrays:
            step = {name: arrays[name] for name in ("state", "activation", "gradient")}
            for name, values in step.items():
                if values.ndim != 3 or values.dtype != np.float32 or not np.isfinite(values).all():
                    raise ValueError(
                        f"{name}: {values.dtype} of shape {values.shape}, or not finite"
                    )
            return step


def _check_index(index: Dict[str, Any]) -> None:
    """Raise KeyError or TypeError where a part of it is missing or of another kind."""
    if not isinstance(index["recipe"], dict):
        raise TypeError("its recipe is no object")
    for name, facts in index["files"].items():
        if os.path.basename(name) != name:
            raise ValueError(f"{name!r} is not a file of its folder")
        facts["bytes"], facts["sha1"]
    for step in index["steps"]:
        height, width = step["size"]
        if not all(type(n) is int for n in (step["octave"], step["step"], height, width)):
            raise TypeError("its steps are not counted in whole numbers")


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    except Exception as e:  # NumPy fails in many ways on a file that is none of its own
        raise RecordingError(f"{path}: is damaged ({e}); record it again") from None


def _facts_of(path: Path) -> Dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha1": file_sha1(path)}
