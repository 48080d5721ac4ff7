"""What every operation takes and gives: a net's description and weights, and what was done."""

import difflib
import importlib
import io
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Iterator, List, Optional, Union

from google.protobuf import text_format

from netfile import caffemodel
from netfile.errors import printable
from netfile.prototxt import read_prototxt
from netfile.system.files import whole_folder
from netfile.system.places import engine_lacks
from netfile.system.pycaffe import import_caffe

from .errors import FormatError, SurgeryError

ENGINES = ("auto", "caffe", "compat")


@dataclass(frozen=True)
class Change:
    """One thing that was done: to `layer`, which is called `now` (the same if it kept its name)."""

    layer: str
    now: str
    what: str


@dataclass
class Operated:
    """A net under operation.

    `net` and `weights` (or None) are NetParameters in V2 of the engine's own caffe_pb2. Unpacks
    into the pair (prototxt, caffemodel): text, and bytes or None.
    """

    caffe: Any
    net: Any
    weights: Any = None
    changes: List[Change] = field(default_factory=list)
    source: str = ""

    def __iter__(self) -> Iterator[Union[str, bytes, None]]:
        return iter((self.prototxt, self.caffemodel))

    @property
    def prototxt(self) -> str:
        """The new prototxt, with what was done at its top."""
        lines = [
            printable(f"# {c.now}: {c.what}" + (f" (was {c.layer})" if c.now != c.layer else ""))
            for c in self.changes
        ]
        text: str = text_format.MessageToString(self.net)
        return "".join(line + "\n" for line in lines) + text

    @property
    def caffemodel(self) -> Optional[bytes]:
        """The new weights as a caffemodel (V2), or None if there are none."""
        if self.weights is None:
            return None
        file = io.BytesIO()
        caffemodel.write_net(file, self.weights)
        return file.getvalue()

    def blobs(self, layer: str) -> Any:
        """The stored BlobProtos of a layer, a repeated field; None if the weights have none."""
        if self.weights is None:
            return None
        stored = (s.blobs for s in self.weights.layer if s.name == layer and s.blobs)
        return next(stored, None)

    def stored(self, layer: str) -> Any:
        """The layer's entry in the weights, or None."""
        if self.weights is None:
            return None
        return next((s for s in self.weights.layer if s.name == layer), None)

    def note(self, layer: str, now: str, what: str) -> None:
        """Add to `changes`."""
        self.changes.append(Change(layer, now, what))

    def save(self, folder: Any, stem: str = "net", readme: Optional[str] = None) -> Path:
        """Write the net as a new folder; whole or not at all.

        Args:
            folder: gets deploy.prototxt, the caffemodel and surgery.json, which says what was done.
            stem: the caffemodel's name without its suffix.
            readme: the text of a readme.md, if it is to have one.

        Returns:
            The folder.

        Raises:
            FormatError: it already exists and is not empty, or cannot be written.
        """
        path = Path(folder)
        check_new_folder(path)
        told = {"from": self.source, "changes": [asdict(c) for c in self.changes]}
        try:
            with whole_folder(path) as partial:
                (partial / "deploy.prototxt").write_text(self.prototxt, encoding="utf-8")
                if self.weights is not None:
                    with open(partial / f"{stem}.caffemodel", "wb") as f:
                        caffemodel.write_net(f, self.weights)
                (partial / "surgery.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
                if readme is not None:
                    (partial / "readme.md").write_text(readme, encoding="utf-8")
        except OSError as e:
            raise FormatError(f"{path}: cannot be written: {e.strerror}") from None
        return path


def check_new_folder(folder: Any) -> None:
    """Raise FormatError if this folder exists and is not empty, or cannot be made."""
    path = Path(folder)
    if os.path.lexists(str(path)) and (not path.is_dir() or any(path.iterdir())):
        raise FormatError(f"{path}: already exists and is not empty; name a new folder")
    if not path.absolute().parent.is_dir():
        raise FormatError(f"{path}: cannot be written: {path.parent} is not a folder")


def load_engine(name: str = "auto") -> Any:
    """The engine module of this name.

    Args:
        name: "caffe" (a real Caffe), "compat" (caffe_compat), or "auto": the real one if this
            Python has one.

    Raises:
        SurgeryError: it cannot be imported.
    """
    if name != "compat":
        os.environ.setdefault("GLOG_minloglevel", "2")  # else Caffe prints each layer it sets up
        try:
            return import_caffe()
        except ImportError as e:
            if name == "caffe":
                raise SurgeryError(
                    f"this Python has no Caffe: {e}; leave out --engine to use the built-in engine"
                ) from None
    try:
        caffe = importlib.import_module("caffe_compat")
        caffe.Net  # noqa: B018  its parts are loaded when first asked for
        return caffe
    except ImportError as e:
        raise SurgeryError(engine_lacks(e)) from None


def opened(prototxt: Any, weights: Any = None, caffe: Any = None) -> Operated:
    """The net in two files, to be operated on; or a copy of an Operated, to operate once more.

    Args:
        prototxt: a path, or an Operated.
        weights: the path of its caffemodel, or None.
        caffe: the engine module whose messages to use; by default a real Caffe, else caffe_compat.

    Raises:
        FormatError: a file cannot be read.
        SurgeryError: the net has no layers.
    """
    if isinstance(prototxt, Operated):
        before = prototxt
        return Operated(
            before.caffe,
            _copied(before.net),
            before.weights and _copied(before.weights),
            list(before.changes),
            before.source,
        )
    if caffe is None:
        caffe = load_engine()
    messages = caffe.io.caffe_pb2
    net = read_prototxt(prototxt, messages)
    if not net.layer:
        raise SurgeryError(f"{prototxt}: has no layers")
    stored = caffemodel.read_net(weights, messages) if weights else None
    return Operated(caffe, net, stored, [], os.path.basename(str(prototxt)))


def _copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def layer_named(operated: Operated, name: str) -> Any:
    """The layer of this name. Raises SurgeryError with the nearest names."""
    for layer in operated.net.layer:
        if layer.name == name:
            return layer
    near = difflib.get_close_matches(name, [layer.name for layer in operated.net.layer], 3, 0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise SurgeryError(f'the net has no layer "{name}"{hint}')
