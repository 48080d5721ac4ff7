"""Models that take pictures of any size: InnerProducts made Convolutions, once, and kept beside the weights."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import net_surgery
from net_surgery.errors import FormatError, SurgeryError

from ..errors import ModelError
from .model import Model, file_sha1

_FORM = 1  # of what is kept; raise it when the operation changes
_kept_for_this_process: list = []


def any_size(model, caffe):
    """(the model with a net that takes any size, {old layer name: new}). Raises ModelError where that cannot be made.

    The new files lie in `.any_size` beside the weights, in a folder named by both files' hashes; where nothing can be written there,
    they last as long as this process.
    """
    key = f"{file_sha1(model.weights)[:12]}-{file_sha1(model.deploy)[:12]}-{_FORM}"
    folder = Path(model.weights).parent / ".any_size" / key
    if not (folder / "surgery.json").is_file():
        folder = _make(model, caffe, folder)
    names = {
        change["layer"]: change["now"]
        for change in json.loads((folder / "surgery.json").read_text(encoding="utf-8"))["changes"]
    }
    made: Model = replace(
        model,
        deploy=folder / "deploy.prototxt",
        weights=folder / "net.caffemodel",
        end=names.get(model.end, model.end),
    )
    return made, names


def _make(model, caffe, folder):
    try:
        operated = net_surgery.convolutionize(model.deploy, model.weights, caffe=caffe)
    except SurgeryError as e:
        raise ModelError(
            f"{model.name}: cannot be made to take pictures of any size: {e}"
        ) from None
    try:
        folder.parent.mkdir(exist_ok=True)
        return operated.save(folder)
    except (OSError, FormatError):
        if (folder / "surgery.json").is_file():
            return folder  # another process was quicker
    scratch = tempfile.TemporaryDirectory(prefix="deepdream-")
    _kept_for_this_process.append(scratch)
    return operated.save(Path(scratch.name) / "net")
