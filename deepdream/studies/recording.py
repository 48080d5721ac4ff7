"""A recording: a folder with every step of one dream, with which any engine can be compared.

recording.json    the dream's recipe, its steps, and every other file's size and SHA1; written last
pixels.npy        the source picture, float32 RGB (H, W, 3); guide.npy beside it if there was a
guide 0000.npz ...      one step each: `state`, the net's input (3, h, w), shifted by the jitter;
`activation` of the
                  target (C, h', w'); `gradient` of the input (3, h, w); all float32
result.npy        the finished picture, float32 RGB (H, W, 3)
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from netfile.files import file_sha1

from ..dream.octaves import Progress
from ..errors import RecordingError
from ..pictures.files import PathLike
from ..request.recipe import checked

FORMAT = 1
_INDEX = "recording.json"


class Writer:
    """Writes a recording under a partial name, which becomes its own name only at `finish`.

    A context manager: on leaving, a recording that was not finished is removed.

    Raises:
        RecordingError: the folder exists already, or its parent does not.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)
        self._partial = self.folder.with_name(self.folder.name + ".partial")
        self._steps: List[Dict[str, Any]] = []
        if self.folder.exists():
            raise RecordingError(
                f"{self.folder}: exists already; name another folder, or remove it first"
            )
        if not self.folder.absolute().parent.is_dir():
            raise RecordingError(
                f"{self.folder.parent}: no such folder to record into; make it first"
            )

    def __enter__(self) -> "Writer":
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)

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
        (self._partial / _INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
        os.rename(self._partial, self.folder)

    def _save(self, name: str, picture: np.ndarray) -> None:
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
            if number == FORMAT and not expected <= set(files):
                raise KeyError("files")
        except (ValueError, KeyError, TypeError) as e:
            raise RecordingError(
                f"{path}: cannot be read ({type(e).__name__}: {e}); record it again"
            ) from None
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
        values: np.ndarray = np.load(path)
        return values

    def step(self, number: int) -> Dict[str, np.ndarray]:
        """{"state", "activation", "gradient"} of a step, counted from 0."""
        with np.load(self.folder / f"{number:04d}.npz") as arrays:
            return dict(arrays)


def _facts_of(path: Path) -> Dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha1": file_sha1(path)}
