"""Models that take pictures of any size: InnerProducts made Convolutions, once, and kept beside the
weights."""

import json
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import net_surgery
from netfile.errors import FormatError, NetError
from netfile.system.files import file_sha1, whole_folder
from netfile.system.locks import locked
from netfile.system.places import writable

from ..errors import ModelError
from .catalogue import Model
from .description import describe

_FORM = 2  # of what is kept; raise it when the operation changes
_FILES = ("deploy.prototxt", "net.caffemodel", "surgery.json")
_SUMS = "sha1.json"
_kept_for_this_process: List[Any] = []


def any_size(model: Model, caffe: Any) -> Tuple[Model, Dict[str, str]]:
    """The model with a net that takes any size.

    The new files lie in `.any_size` beside the weights, or in the user's cache where those are an
    installation's, in a folder named by both files' hashes. They have hashes of their own: files
    that are not as they were written are made again. Where nothing can be written there, they last
    as long as this process.

    Returns:
        (the new model, {old layer name: new}).

    Raises:
        ModelError: such a net cannot be made.
    """
    key = f"{file_sha1(model.weights)[:12]}-{file_sha1(model.deploy)[:12]}-{_FORM}"
    folder = writable(Path(model.weights).parent) / ".any_size" / key
    if not _whole(folder):
        with _alone(folder):
            if not _whole(folder):
                folder = _make(model, caffe, folder)
    record = json.loads((folder / "surgery.json").read_text(encoding="utf-8"))
    names = {change["layer"]: change["now"] for change in record["changes"]}
    end = names.get(model.end, model.end)
    deploy, weights = folder / "deploy.prototxt", folder / "net.caffemodel"
    return replace(model, deploy=deploy, weights=weights, end=end), names


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Context manager: no other process makes this folder; what killed ones left is removed."""
    with suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        for leftover in folder.parent.glob(f".{folder.name}.*"):
            shutil.rmtree(str(leftover), ignore_errors=True)
        yield


def _make(model: Model, caffe: Any, folder: Path) -> Path:
    try:
        with tempfile.TemporaryDirectory(prefix="deepdream-") as scratch_folder:
            # as it was opened, because a training net's file has no Input layer
            deploy = Path(scratch_folder) / model.deploy.name
            deploy.write_text(str(describe(model, caffe)), encoding="utf-8")
            operated = net_surgery.convolutionize(deploy, model.weights, caffe=caffe)
    except NetError as e:
        raise ModelError(
            f"{model.name}: cannot be made to take pictures of any size: {e}"
        ) from None
    for _ in range(2):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with whole_folder(folder) as partial:
                operated.save(partial)
                sums = {name: file_sha1(partial / name) for name in _FILES}
                (partial / _SUMS).write_text(json.dumps(sums), encoding="utf-8")
            return folder
        except (OSError, FormatError):
            if _whole(folder):
                return folder  # another process was quicker
            shutil.rmtree(str(folder), ignore_errors=True)  # damaged
    scratch = tempfile.TemporaryDirectory(prefix="deepdream-")
    _kept_for_this_process.append(scratch)
    return operated.save(Path(scratch.name) / "net")


def _whole(folder: Path) -> bool:
    """Whether a folder's files are there, as they were written."""
    try:
        if not (folder / _SUMS).is_file():
            return False
        sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
        return isinstance(sums, dict) and all(
            (folder / name).is_file() and file_sha1(folder / name) == sums.get(name)
            for name in _FILES
        )
    except (OSError, ValueError, RecursionError):
        return False
