"""A net's beginning alone, up to a layer, as a model's folder of its own: VGG-16 up to pool5 is 59
of its 553 MB."""

import dataclasses
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any, Callable, List, Optional, Set

import net_surgery
from net_surgery.front_matter import fact, kept_lines, text_value
from netfile import wire
from netfile.errors import NetError, printable
from netfile.system import places
from netfile.system.places import MODELS

from ...errors import DownloadError, ModelError, OutputError
from .. import download, engine, transfer
from ..catalogue import Model
from ..transfer import Report
from . import getting, origin
from .source import own

Say = Callable[[str], None]
# where a layer's name stands in its message, by its field in the net's: V2's and V1's
_NAMES = {100: 1, 2: 4}


def folder_of(model: Model, layer: str) -> Path:
    """Where a net's beginning goes by default: beside the models, as one of them."""
    stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in layer)
    return places.writable(MODELS) / f"{getting.net_name(model)}-until-{stem}"


def get_until(
    model: Model,
    layer: str,
    folder: Path,
    trust: bool = False,
    place: Optional[str] = None,
    choice: Optional[str] = None,
    report: Optional[Report] = None,
    say: Say = lambda text: None,
) -> str:
    """Make a model's folder of a net's layers up to one of them, and of their weights.

    Weights that are here already are cut. Else the whole is fetched and verified first, and not
    kept. With `trust`, Caffe's own file is read only as far as these layers go: a part has no hash
    to verify it by.

    Args:
        model: the model.
        layer: a layer's name, or a blob's.
        folder: a new folder.
        trust, place, choice, report, say: as in `getting.get`.

    Returns:
        Where the weights came from.

    Raises:
        DownloadError: they could not be had.
        ModelError: the net has no such layer.
        OutputError: the folder exists, and is not empty, or cannot be written.
    """
    if os.path.lexists(str(folder)) and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: exists already; remove it, or name another folder")
    caffe = engine.load("auto")
    if model.is_of_a_graph and not model.deploy.is_file():
        raise ModelError(f"{model.name}: its net comes with its weights; get the whole first")
    try:
        net = net_surgery.truncate(model.deploy, None, layer, caffe=caffe).net
    except NetError as e:
        raise ModelError(f"{model.name}: {e}") from None
    scratch = folder.with_name(f".{folder.name}.whole")
    whole = scratch / getting.net_name(model) / Path(model.weights).name
    apart = dataclasses.replace(model, weights=whole)
    try:
        if place is None and choice is None and download.is_right(download.wanted(model)):
            came_from, weights = str(model.weights), Path(model.weights)
        else:
            whole.parent.mkdir(parents=True, exist_ok=True)
            partly = trust and place is None and choice is None
            came_from = _beginning(apart, net, whole, report, say) if partly else ""
            weights = whole
            if not came_from:
                found = getting.get(apart, trust, place, choice, report, say)
                came_from = found or _place(whole)
        _write(model, layer, weights, folder, caffe, came_from)
    except OSError as e:
        why = f"{e.strerror or e}{places.other_place(folder)}"
        raise OutputError(f"{folder}: cannot be written: {why}") from None
    finally:
        if not download.unfinished(download.wanted(apart)):  # else the next attempt goes on with it
            shutil.rmtree(str(scratch), ignore_errors=True)
    return came_from


def _place(weights: Path) -> str:
    made = origin.read(weights)
    return made.source if made else str(weights)


def _write(
    model: Model, layer: str, weights: Path, folder: Path, caffe: Any, came_from: str
) -> None:
    try:
        operated = net_surgery.truncate(model.deploy, weights, layer, caffe=caffe)
        _check_whole(operated, model)
        content = operated.caffemodel or b""
        operated.save(
            folder, folder.name, _readme(model, layer, folder, operated, content, came_from)
        )
    except NetError as e:
        raise DownloadError(f"{model.name}: {e}") from None


def _check_whole(operated: Any, model: Model) -> None:
    """Raise DownloadError unless every layer that has weights got them."""
    has = {layer.name for layer in operated.weights.layer if layer.blobs}
    wanted = _with_weights(operated.net)
    if wanted - has:
        raise DownloadError(
            f"{model.name}: the weights have none for {', '.join(sorted(wanted - has)[:3])}"
        )


def _with_weights(net: Any) -> Set[str]:
    return {
        layer.name for layer in net.layer if layer.type in ("Convolution", "InnerProduct", "Scale")
    }


def _readme(
    model: Model, layer: str, folder: Path, operated: Any, content: bytes, came_from: str
) -> str:
    net = getting.net_name(model)
    readme = Path(model.weights).with_name("readme.md")
    if not readme.is_file():  # the weights of what is shipped lie in the user's cache
        readme = MODELS / net / "readme.md"
    names = [part.name for part in operated.net.layer]
    tops = {top for part in operated.net.layer for top in part.top}
    kept: List[str] = kept_lines(readme) if readme.is_file() else []
    kept = [
        line
        for line in kept
        if fact(line)[0] not in ("name", "classes")
        and not (fact(line)[0] == "end" and model.end not in {*names, *tops})
    ]
    if not any(fact(line)[0] == "end" for line in kept):
        kept.append(f"end: {text_value(names[-1])}")
    made = origin.read(model.weights)
    source = made.source if made and came_from == str(model.weights) else came_from
    lines = [
        "---",
        f"name: {text_value(f'{net} until {layer}')}",
        *kept,
        f"caffemodel: {text_value(f'{folder.name}.caffemodel')}",
        f"sha1: {hashlib.sha1(content).hexdigest()}",
        f"bytes: {len(content)}",
        f"source: {ascii(source)}",
        "---",
        "",
        f"{net} up to the layer {layer}, and no further; see surgery.json.",
        "",
    ]
    return "\n".join(printable(line) for line in lines)


# ---- a part of Caffe's own file


def _beginning(model: Model, net: Any, to: Path, report: Optional[Report], say: Say) -> str:
    """Read Caffe's own file from the first address that answers, as far as a net's layers go.

    Returns:
        The address; "" where none gives them, or there is none.
    """
    wanted = _with_weights(net)
    for source in own(model):
        try:
            if source.url.endswith((".tar.gz", ".tgz")):
                continue
            _read(source.url, source.size, wanted, to, report)
            return source.url
        except DownloadError as e:
            say(f"{source.place}: {e}")
    return ""


def _read(
    url: str, size: Optional[int], wanted: Set[str], to: Path, report: Optional[Report]
) -> None:
    """Write the fields of a caffemodel until these layers are among them.

    Raises:
        DownloadError: it is none, or ends without them.
    """
    left, at, seen = set(wanted), 0, 0
    held = bytearray()  # what has arrived of the field that is not complete
    with transfer.new(to) as file:
        for piece in transfer.pieces(url, size):
            held += piece
            seen += len(piece)
            if report:
                report(seen, size)
            for end, name in _complete(bytes(held)) if _whole_field(held) else ():
                left.discard(name)
                at = end
                if not left:
                    break
            file.write(held[:at])
            del held[:at]
            at = 0
            if not left:
                return
    raise DownloadError(f"is no caffemodel with the layers {', '.join(sorted(left)[:3])}")


def _whole_field(held: bytearray) -> bool:
    """Whether the first field has arrived; a tag and a length tell, without a copy of it."""
    head = bytes(held[:20])
    try:
        tag, at = wire.decode_varint(head, 0, len(head))
        if tag & 7 != wire.LENGTH:
            return len(held) > 20
        length, at = wire.decode_varint(head, at, len(head))
    except wire.WireError:
        if len(held) > 20:
            raise DownloadError("is no caffemodel") from None
        return False
    if length > transfer.MOST:
        raise DownloadError("is no caffemodel")
    return at + length <= len(held)


def _complete(held: bytes) -> Any:
    """(end, name) of every field that is complete; "" for one that is no layer's."""
    try:
        for field in wire.fields(held, 0, len(held)):
            yield field.end, _layer_name(held, field)
    except wire.WireError:
        return  # the next one is not complete


def _layer_name(held: bytes, field: wire.Field) -> str:
    number = _NAMES.get(field.number)
    if number is None or field.kind != wire.LENGTH:
        return ""
    for part in wire.fields(held, field.value, field.end):
        if part.number == number and part.kind == wire.LENGTH:
            return held[part.value : part.end].decode("utf-8", "replace")
    return ""
