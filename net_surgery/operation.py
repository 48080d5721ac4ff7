"""What every operation takes and gives: a net's description and weights, and the list of what was done to them."""

import importlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, List, Optional

from google.protobuf import text_format

from netfile import formats

from .errors import FormatError, SurgeryError


@dataclass(frozen=True)
class Change:
    """One thing that was done: to `layer`, called `now` since (the same name if it was not renamed)."""

    layer: str
    now: str
    what: str


@dataclass
class Operated:
    """A net under operation. `net` and `weights` (or None) are NetParameters in V2 of the engine's own caffe_pb2.

    Unpacks into the pair (prototxt, caffemodel): text, and bytes or None.
    """

    caffe: Any
    net: Any
    weights: Any = None
    changes: List[Change] = field(default_factory=list)
    source: str = ""

    def __iter__(self):
        return iter((self.prototxt, self.caffemodel))

    @property
    def prototxt(self) -> str:
        """The new prototxt, with what was done at its top."""
        lines = [
            f"# {c.now}: {c.what}" + (f" (was {c.layer})" if c.now != c.layer else "")
            for c in self.changes
        ]
        return "".join(line + "\n" for line in lines) + text_format.MessageToString(self.net)

    @property
    def caffemodel(self) -> Optional[bytes]:
        """The new weights as a caffemodel (V2), or None if there are none."""
        return None if self.weights is None else self.weights.SerializeToString()

    def blobs(self, layer) -> Any:
        """The stored BlobProtos of a layer: a repeated field, or None if the weights do not have it."""
        if self.weights is None:
            return None
        return next(
            (
                stored.blobs
                for stored in self.weights.layer
                if stored.name == layer and stored.blobs
            ),
            None,
        )

    def stored(self, layer):
        """The layer's entry in the weights, or None."""
        return (
            None
            if self.weights is None
            else next((s for s in self.weights.layer if s.name == layer), None)
        )

    def note(self, layer, now, what):
        self.changes.append(Change(layer, now, what))

    def save(self, folder, stem="net"):
        """Write deploy.prototxt, `stem`.caffemodel and surgery.json (what was done) as a new folder; whole or not at all.

        Returns the folder. Raises FormatError if it is there already and not empty, or cannot be written.
        """
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FormatError(f"{folder}: is there already and not empty; name a new folder")
        if not folder.absolute().parent.is_dir():
            raise FormatError(f"{folder}: cannot be written: {folder.parent} is no folder")
        partial = None
        try:
            partial = Path(
                tempfile.mkdtemp(prefix=f".{folder.name}.", dir=str(folder.absolute().parent))
            )
            partial.chmod(0o755)
            (partial / "deploy.prototxt").write_text(self.prototxt, encoding="utf-8")
            if self.weights is not None:
                (partial / f"{stem}.caffemodel").write_bytes(self.caffemodel or b"")
            told = {"from": self.source, "changes": [asdict(c) for c in self.changes]}
            (partial / "surgery.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
            os.replace(partial, folder)
        except OSError as e:
            raise FormatError(f"{folder}: cannot be written: {e.strerror}") from None
        finally:
            if partial is not None:
                shutil.rmtree(partial, ignore_errors=True)
        return folder


def engine_or_default(caffe=None):
    """The engine module `caffe`, or else real Caffe if this Python has one, or else caffe_compat."""
    if caffe is not None:
        return caffe
    try:
        return importlib.import_module("caffe")
    except ImportError:
        return importlib.import_module("caffe_compat")


def opened(prototxt, weights=None, caffe=None) -> Operated:
    """An Operated of two files, or a copy of one, so that operations follow each other. Raises FormatError."""
    if isinstance(prototxt, Operated):
        before = prototxt
        copy = Operated(
            before.caffe,
            _copied(before.net),
            before.weights and _copied(before.weights),
            list(before.changes),
            before.source,
        )
        return copy
    caffe = engine_or_default(caffe)
    net = formats.read_prototxt(prototxt, caffe)
    if not net.layer:
        raise SurgeryError(f"{prototxt}: has no layers")
    return Operated(
        caffe,
        net,
        formats.read_caffemodel(weights, caffe) if weights else None,
        [],
        os.path.basename(str(prototxt)),
    )


def _copied(message):
    out = type(message)()
    out.CopyFrom(message)
    return out


def layer_named(operated, name):
    """The layer of this name. Raises SurgeryError with the nearest names."""
    import difflib

    for layer in operated.net.layer:
        if layer.name == name:
            return layer
    near = difflib.get_close_matches(name, [layer.name for layer in operated.net.layer], 3, 0.5)
    raise SurgeryError(
        f'the net has no layer "{name}"' + (f"; did you mean {' or '.join(near)}?" if near else "")
    )
