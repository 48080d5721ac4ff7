"""A file of weights in any format, as a Caffe model's folder."""

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Dict, List

import numpy as np

from netfile import caffemodel
from netfile.errors import WeightsError, WriteError, printable
from netfile.files import file_sha1, whole_file, whole_folder
from netfile.places import MODELS, PROTOTXT
from netfile.prototxt import read_prototxt

from ..front_matter import fact, kept_lines, text_value
from ..operation import load_engine
from . import tables
from .mapping import best, mapped, share, some
from .readers import read
from .tables.table import Table

DEPLOY, README = "deploy.prototxt", "readme.md"
LABELS = "imagenet_names.txt"  # beside this file: WordNet's names of ImageNet's 1000 classes
_CAFFES_LABELS = "synset_words.txt"  # the same names in Caffe's own archive


@dataclass(frozen=True)
class Imported:
    """The weights of a deploy net, made of a file of another format.

    table: how they were made. net: the deploy net, a NetParameter of the engine. parameters: each
    layer's arrays, float32. left_over: the file's arrays that no layer took. source: the file's
    name. sha256: the file's.
    """

    table: Table
    net: Any
    parameters: Dict[str, List[np.ndarray]]
    left_over: List[str]
    source: str
    sha256: str

    def file_names(self) -> List[str]:
        """The names of the files that `save` writes."""
        return file_names(self.table.model)

    def write(self, file: BinaryIO) -> None:
        """Write the weights as a caffemodel."""
        file.write(type(self.net)(name=self.net.name).SerializeToString())
        for layer in self.net.layer:
            if layer.name in self.parameters:
                entry = type(layer)(name=layer.name, type=layer.type)
                caffemodel.write_layer(file, entry, self.parameters[layer.name])

    def save(self, folder: Any, overwrite: bool = False) -> Path:
        """Write a complete model's folder, whole or not at all.

        Args:
            folder: a new one, or one that is there, into which the files go.
            overwrite: whether files of the same names may be replaced.

        Returns:
            The folder.

        Raises:
            WriteError: it cannot be written; `exists` where a file of such a name is there.
        """
        path = Path(folder)
        try:
            if not os.path.lexists(str(path)) or (path.is_dir() and not any(path.iterdir())):
                with whole_folder(path) as partial:
                    self._write_all({name: partial / name for name in self.file_names()})
            else:
                with ExitStack() as stack:
                    self._write_all(
                        {
                            name: stack.enter_context(whole_file(path / name, overwrite))
                            for name in self.file_names()
                        }
                    )
        except FileExistsError as e:
            raise WriteError(f"{e.filename}: exists already", exists=True) from None
        except OSError as e:
            raise WriteError(f"{path}: cannot be written: {e.strerror or e}") from None
        return path

    def _write_all(self, places: Dict[str, Path]) -> None:
        """Write every file under the name that it has for now."""
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
        made = [
            f"caffemodel: {text_value(weights.name)}",
            f"sha1: {file_sha1(weights)}",
            f"bytes: {weights.stat().st_size}",
            f"source: {ascii(self.source)}",
            f"source_sha256: {self.sha256}",
            f"source_format: {text_value(self.table.source)}",
        ]
        lines = ["---", *labelled, *made, "---", "", *self._told(), ""]
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
    has_labels = any(fact(line) == ("classes", _CAFFES_LABELS) for line in _facts(model))
    return [DEPLOY, f"{model}.caffemodel", README, *([LABELS] if has_labels else [])]


def _facts(model: str) -> List[str]:
    """What a model's readme says of it, whatever its weights come from."""
    return kept_lines(MODELS / model / README)


def convert(path: Any, model: str, caffe: Any = None) -> Imported:
    """The weights of a known net, from a file of PyTorch, safetensors, Keras, NumPy, ONNX or
    TensorFlow.

    Args:
        path: the file. Nothing in it is run.
        model: the net, one of `models()`.
        caffe: the engine module whose messages to use; by default a real Caffe, else caffe_compat.

    Raises:
        WeightsError: the file cannot be read, is damaged, or holds another net.
        SurgeryError: there is no engine.
    """
    known = tables.models()
    if model not in known:
        raise WeightsError(f'no file can be imported as "{model}"; known are {", ".join(known)}')
    messages = (caffe or load_engine()).io.caffe_pb2
    net = _deploy(model, messages)
    arrays = read(path)
    try:
        table = _table(model, arrays, net)
        found = mapped(table, arrays, net)
    except WeightsError as e:
        other = _fitting(arrays, messages)
        hint = f"; it looks like {other}" if other not in ("", model) else ""
        raise WeightsError(f"{path}: {e}{hint}") from None
    return Imported(
        table, net, found.parameters, found.left_over, os.path.basename(str(path)), _sha256(path)
    )


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


def _sha256(path: Any) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
