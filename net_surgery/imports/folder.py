"""The folder of a model that was made of a file of another format."""

import hashlib
import os
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Dict, List

import numpy as np

from netfile import caffemodel
from netfile.errors import WriteError
from netfile.system.files import file_sha1, whole_file, whole_folder

from ..front_matter import text_value

DEPLOY, README = "deploy.prototxt", "readme.md"


@dataclass(frozen=True)
class Folder(ABC):
    """A net and its weights, to be written as a model's folder.

    net: a NetParameter of the engine. parameters: each layer's arrays, float32. left_over: the
    file's arrays that no layer took. source: the file's name. sha256: the file's.
    """

    net: Any
    parameters: Dict[str, List[np.ndarray]]
    left_over: List[str]
    source: str
    sha256: str

    @property
    @abstractmethod
    def format(self) -> str:
        """What wrote the file, for people."""

    @abstractmethod
    def file_names(self) -> List[str]:
        """The names of the files that `save` writes."""

    def write(self, file: BinaryIO) -> None:
        """Write the weights as a caffemodel."""
        file.write(type(self.net)(name=self.net.name).SerializeToString())
        for layer in self.net.layer:
            # a caffemodel without any layer is none
            if layer.name in self.parameters or not self.parameters:
                entry = type(layer)(name=layer.name, type=layer.type)
                caffemodel.write_layer(file, entry, self.parameters.get(layer.name, ()))

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

    @abstractmethod
    def _write_all(self, places: Dict[str, Path]) -> None:
        """Write every file under the name that it has for now."""

    def facts_of_file(self, weights: Path) -> List[str]:
        """The lines of a readme's front matter that are true of this weights file alone."""
        return [
            f"caffemodel: {text_value(weights.name)}",
            f"sha1: {file_sha1(weights)}",
            f"bytes: {weights.stat().st_size}",
            f"source: {ascii(self.source)}",
            f"source_sha256: {self.sha256}",
            f"source_format: {text_value(self.format)}",
        ]


def base_name(path: Any) -> str:
    return os.path.basename(str(path))


def file_sha256(path: Any) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
