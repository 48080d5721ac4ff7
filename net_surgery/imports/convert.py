"""A file of weights in any format, as a Caffe model's folder."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from netfile.errors import WeightsError, printable
from netfile.faults.kinds import kind_of
from netfile.prototxt import read_prototxt
from netfile.system.places import MODELS, PROTOTXT

from ..front_matter import fact, kept_lines
from ..operation import load_engine
from . import graphs, tables
from .folder import DEPLOY, README, Folder, base_name, file_sha256
from .mapping import best, mapped, share, some
from .readers import read
from .tables.table import Table

LABELS = "imagenet_names.txt"  # beside this file: WordNet's names of ImageNet's 1000 classes
_CAFFES_LABELS = "synset_words.txt"  # the same names in Caffe's own archive


@dataclass(frozen=True)
class Imported(Folder):
    """The weights of a deploy net, made of a file of another format. table: how they were made."""

    table: Table

    @property
    def format(self) -> str:
        return self.table.source

    def file_names(self) -> List[str]:
        return file_names(self.table.model)

    def _write_all(self, places: Dict[str, Path]) -> None:
        deploy = PROTOTXT / self.table.model / DEPLOY
        places[DEPLOY].write_bytes(deploy.read_bytes())
        weights = places[f"{self.table.model}.caffemodel"]
        with open(weights, "wb") as file:
            self.write(file)
        places[README].write_text(self._readme(weights), encoding="utf-8")
        if LABELS in places:
            places[LABELS].write_bytes(Path(__file__).with_name(LABELS).read_bytes())

    def _readme(self, weights: Path) -> str:
        """The model's front matter, with where its weights come from."""
        labelled = [
            f"classes: {LABELS}" if fact(line) == ("classes", _CAFFES_LABELS) else line
            for line in _facts(self.table.model)
        ]
        lines = ["---", *labelled, *self.facts_of_file(weights), "---", "", *self._told(), ""]
        return "\n".join(lines)

    def _told(self) -> List[str]:
        """How the weights were made, for people."""
        table = self.table
        told = [f"{table.model}, with weights from {self.source} ({table.source})."]
        if table.norms:
            told.append(f"Batch normalisation is folded, with eps {table.eps:g}.")
        if table.takes:
            told.append(
                "The scale of its input is in the first convolution, which takes BGR minus the "
                "mean."
            )
        if table.grown:
            told.append("SAME padding is a row and a column of zeros in kernels of stride 2.")
        if self.left_over:
            told.append(f"Not used: {', '.join(self.left_over)}.")
        return [printable(line) for line in told]


def file_names(model: str) -> List[str]:
    """The names of the files in the folder of an imported model."""
    if model not in tables.models():
        return graphs.file_names(model)
    has_labels = any(fact(line) == ("classes", _CAFFES_LABELS) for line in _facts(model))
    return [DEPLOY, f"{model}.caffemodel", README, *([LABELS] if has_labels else [])]


def _facts(model: str) -> List[str]:
    """What a model's readme says of it, whatever its weights come from."""
    return kept_lines(MODELS / model / README)


def convert(
    path: Any,
    model: str,
    caffe: Any = None,
    size: Optional[graphs.Size] = None,
    taken: Optional[graphs.Input] = None,
) -> Folder:
    """A file of weights as a model: of a known net, from PyTorch, safetensors, Keras, NumPy, ONNX
    or TensorFlow; or under a new name, of an ONNX graph alone.

    Args:
        path: the file. Nothing in it is run.
        model: the net, one of `models()`, or a new name for what a graph becomes.
        caffe: the engine module whose messages to use; by default a real Caffe, else caffe_compat.
        size: (height, width) of a graph's pictures, where it leaves them open.
        taken: what a graph's net takes, as far as it is known. A net that is known has its own.

    Raises:
        WeightsError: the file cannot be read, is damaged, or holds another net.
        SurgeryError: there is no engine.
    """
    known = tables.models()
    if model not in known:
        if os.path.isfile(path) and not _is_graph(path):
            near = difflib.get_close_matches(model, known, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise WeightsError(
                f'{path}: only an ONNX graph can be imported as "{model}"{hint}; known are '
                f"{', '.join(known)}"
            )
        return graphs.convert_graph(path, model, caffe, size, taken or graphs.Input())
    if size or taken:
        raise WeightsError(f"{model} is a known net, with a size, mean, order and scale of its own")
    messages = (caffe or load_engine()).io.caffe_pb2
    net = _deploy(model, messages)
    arrays = read(path)
    try:
        table = _table(model, arrays, net)
        found = mapped(table, arrays, net)
    except WeightsError as e:
        other = _fitting(arrays, messages)
        hint = f"; it looks like {other}" if other not in ("", model) else ""
        if _is_graph(path):
            hint += "; under a new name, its graph becomes a net of its own"
        raise WeightsError(f"{path}: {e}{hint}") from None
    source, digest = base_name(path), file_sha256(path)
    return Imported(net, found.parameters, found.left_over, source, digest, table)


def _is_graph(path: Any) -> bool:
    kind = kind_of(path)
    return kind is not None and kind.what == "an ONNX model"


def _table(model: str, arrays: Dict[str, np.ndarray], net: Any) -> Table:
    """The table of a net that this file is made by. Raises WeightsError if it is by none."""
    of_model = [table for table in tables.TABLES if table.model == model]
    table = best(of_model, arrays, net)
    if table is None:
        sources = " or ".join(t.source for t in of_model)
        raise WeightsError(
            f"has none of the arrays of {model} as {sources} calls them; it has "
            f"{some(list(arrays))}"
        )
    return table


def _deploy(model: str, messages: Any) -> Any:
    return read_prototxt(PROTOTXT / model / DEPLOY, messages)


def _fitting(arrays: Dict[str, np.ndarray], messages: Any) -> str:
    """The net that has an array for every layer in this file, or ""."""
    for table in tables.TABLES:
        if share(table, arrays, _deploy(table.model, messages)) == 1:
            return table.model
    return ""
