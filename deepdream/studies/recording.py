"""A recording: a folder that holds every step of one dream, so that another engine can be compared with it, anywhere.

recording.json    the dream's recipe, its steps, and every other file's size and SHA1; written last
pixels.npy        the source picture, float32 RGB (H, W, 3); guide.npy beside it if there was a guide
0000.npz ...      one step each: `state`, the net's input (3, h, w), shifted by the jitter; `activation` of the
                  target (C, h', w'); `gradient` of the input (3, h, w); all float32
result.npy        the finished picture, float32 RGB (H, W, 3)
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from netfile.files import file_sha1

from ..errors import RecordingError

FORMAT = 1
_INDEX = "recording.json"


class Writer:
    """Writes a recording under a partial name; only `finish` gives it its own.

    Raises RecordingError if the folder is there already, or its parent is not.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._partial = self.folder.with_name(self.folder.name + ".partial")
        self._steps: List[Dict[str, Any]] = []
        if self.folder.exists():
            raise RecordingError(
                f"{self.folder}: is there already; name another folder, or remove it first"
            )
        if not self.folder.absolute().parent.is_dir():
            raise RecordingError(
                f"{self.folder.parent}: no such folder to record into; make it first"
            )

    def __enter__(self):
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir()
        return self

    def __exit__(self, *_):
        shutil.rmtree(self._partial, ignore_errors=True)

    def start(self, pixels, guide=None):
        np.save(self._partial / "pixels.npy", np.float32(pixels))
        if guide is not None:
            np.save(self._partial / "guide.npy", np.float32(guide))

    def step(self, progress, state, activation, gradient):
        np.savez(
            self._partial / f"{len(self._steps):04d}.npz",
            state=state,
            activation=activation,
            gradient=gradient,
        )
        self._steps.append(
            {"octave": progress.octave, "step": progress.step, "size": list(progress.size)}
        )

    def finish(self, result, recipe, **facts):
        """recipe: as job.recipe gives it, JSON. facts: whatever else is to be told of the run."""
        np.save(self._partial / "result.npy", np.float32(result))
        files = {
            p.name: {"bytes": p.stat().st_size, "sha1": file_sha1(p)}
            for p in sorted(self._partial.iterdir())
        }
        index = {
            "format": FORMAT,
            "recipe": json.loads(recipe),
            **facts,
            "steps": self._steps,
            "files": files,
        }
        (self._partial / _INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
        os.rename(self._partial, self.folder)


class Recording:
    """A recording that was checked to be whole: `recipe`, `facts` and `steps` of its index, and its arrays."""

    def __init__(self, folder):
        """Raises RecordingError if there is none, it is half-written or damaged, or of another format."""
        self.folder = Path(folder)
        index = self._index()
        self.recipe: Dict[str, Any] = index.pop("recipe")
        self.steps: List[Dict[str, Any]] = index.pop("steps")
        self.facts: Dict[str, Any] = index

    def _index(self):
        if not self.folder.is_dir():
            raise RecordingError(
                f"{self.folder}: no such recording; make one with: deepdream compare IMAGE --record {self.folder}"
            )
        path = self.folder / _INDEX
        if not path.is_file():
            steps = len(list(self.folder.glob("*.npz")))
            state = (
                f"half-written: it has {steps} steps but no {_INDEX}"
                if steps
                else f"no recording: it has no {_INDEX}"
            )
            raise RecordingError(f"{self.folder}: is {state}; record it again")
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
            found, files = index["format"], dict(index["files"])
            if found == FORMAT and not {
                "pixels.npy",
                "result.npy",
                *(f"{i:04d}.npz" for i in range(len(index["steps"]))),
            } <= set(files):
                raise KeyError("files")
        except (ValueError, KeyError, TypeError) as e:
            raise RecordingError(
                f"{path}: cannot be read ({type(e).__name__}: {e}); record it again"
            ) from None
        if found != FORMAT:
            raise RecordingError(
                f"{self.folder}: is a recording of format {found}, this deepdream reads {FORMAT}; use the same version for both"
            )
        self._check_files(files)
        return index

    def _check_files(self, files):
        missing = [name for name in files if not (self.folder / name).is_file()]
        if missing:
            raise RecordingError(
                f"{self.folder}: is incomplete: {len(missing)} of its {len(files)} files are not there, {missing[0]} for one; copy it again"
            )
        for name, wanted in files.items():
            path = self.folder / name
            found = {"bytes": path.stat().st_size, "sha1": file_sha1(path)}
            if found != wanted:
                raise RecordingError(f"{path}: is damaged: {found['bytes']} bytes with SHA1 {found['sha1']}, recorded as "
                                     f"{wanted['bytes']} with {wanted['sha1']}; copy it again")  # fmt: skip

    def array(self, name):
        """`pixels`, `guide` or `result`; None for a guide that there was not."""
        path = self.folder / f"{name}.npy"
        return np.load(path) if path.is_file() else None

    def step(self, number):
        """{"state", "activation", "gradient"} of a step, counted from 0."""
        with np.load(self.folder / f"{number:04d}.npz") as arrays:
            return dict(arrays)
