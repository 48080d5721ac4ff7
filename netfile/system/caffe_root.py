"""A folder laid out as Caffe's own checkout, with copies of nets, and links to weights.

Programs of Caffe's years look for `models/NAME/deploy.prototxt`, `models/NAME/NAME.caffemodel`,
`python/caffe/imagenet/ilsvrc_2012_mean.npy` and `data/ilsvrc12/synset_words.txt` in such a folder.
"""

import ast
import hashlib
import io
import os
import shutil
import struct
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple, Union

from ..errors import NetError
from . import files, places
from .places import MODELS, PROTOTXT

IMAGENET_MEAN = (104.00698793, 116.66876762, 122.67891434)  # the BGR mean of ilsvrc_2012_mean.npy
_MEAN_SIZE = 256
_WORDS = "synset_words.txt"
_NAMES = places.ROOT / "net_surgery" / "imports" / "imagenet_names.txt"
_LONGEST = 1 << 20  # characters of a readme that are read
FOLDERS = ("data", "examples", "models", "python")  # Caffe's, in which something is laid out


class RootError(NetError):
    """A folder cannot be laid out as Caffe's."""


class Source(NamedTuple):
    """The files of a model that is here: its deploy net, and its weights if they are.

    classes: a file or the list of the classes' names, where its readme has either.
    """

    name: str
    folder: Path
    deploy: Path
    weights: Optional[Path]


class Laid(NamedTuple):
    """What was laid out: the folder, the models with weights, and those with a net alone."""

    folder: Path
    whole: List[str]
    without_weights: List[str]


def stand_ins(wishes: Iterable[str]) -> Dict[str, Source]:
    """{a net's name: the model that stands in for it} of texts NAME=OTHER.

    Args:
        wishes: OTHER is a model's name or its folder.

    Raises:
        RootError: the text is of another form, there is no such model, or its weights are not here.
    """
    found: Dict[str, Source] = {}
    for wish in wishes:
        name, equals, other = wish.partition("=")
        if not (name and equals and other) or name in (".", "..") or os.path.basename(name) != name:
            raise RootError(f'"{wish}" is not NAME=OTHER, such as bvlc_googlenet=motif_googlenet')
        if name in found:
            raise RootError(f"two models stand in for {name}: {found[name].name} and {other}")
        source = _source(other)
        if source is None:
            raise RootError(
                f'no model "{other}" to stand in for {name}; with a net here are '
                f"{', '.join(_names())}, or give a folder with a prototxt and a caffemodel"
            )
        if source.weights is None:
            raise RootError(
                f"{other} cannot stand in for {name}: its weights are not here; get them with: "
                f"deepdream models get {other}"
            )
        found[name] = source
    return found


def _names() -> List[str]:
    at = (PROTOTXT, MODELS, places.writable(MODELS))
    found = {path.parent.name for folder in at for path in folder.glob("*/*.prototxt")}
    return sorted(found | {path.parent.name for path in MODELS.glob("*/readme.md")})


def _source(name: str) -> Optional[Source]:
    """The model of this name, or in this folder; None where there is no net."""
    is_name = os.path.basename(name) == name and (PROTOTXT / name).is_dir()
    folder = MODELS / name if is_name or (MODELS / name).is_dir() else Path(os.path.abspath(name))
    deploys = [folder / "deploy.prototxt", PROTOTXT / folder.name / "deploy.prototxt",
               places.writable(folder) / "deploy.prototxt"]  # fmt: skip
    if not is_name:
        deploys += sorted(folder.glob("*.prototxt"))
    deploy = next((path for path in deploys if path.is_file()), None)
    if deploy is None:
        return None
    return Source(folder.name, folder, deploy, _weights(folder))


def _weights(folder: Path) -> Optional[Path]:
    found = [path for at in (folder, places.writable(folder)) for path in at.glob("*.caffemodel")]
    named = [path for path in found if path.stem == folder.name]
    return (named or sorted(found) or [None])[0]  # type: ignore[list-item]


def lay_out(root: Union[str, Path, None], stand_in: Optional[Dict[str, Source]] = None) -> Laid:
    """Lay out a folder as Caffe's; what is there already stays, but for links that this has made.

    Args:
        root: the folder, which is made if it is not there; None for one of the project's own.
        stand_in: which models stand in for others, as `stand_ins` gives them.

    Raises:
        RootError: the folder is a file, or has weights of a net for which another is to stand in.
        OSError: the system refuses to write.
    """
    stand_in = stand_in or {}
    folder = Path(os.path.abspath(str(root))) if root is not None else _own(stand_in)
    if folder.exists() and not folder.is_dir():
        raise RootError(f"{folder} is a file; give a folder for Caffe's models, or a new name")
    sources = {name: source for name in _names() for source in [_source(name)] if source}
    sources.update(stand_in)
    for name, source in sources.items():
        _lay_model(folder, name, source, name in stand_in)
    _lay_mean(folder)
    _lay_words(folder, stand_in)
    (folder / "examples" / "images").mkdir(parents=True, exist_ok=True)
    whole = sorted(name for name, source in sources.items() if source.weights)
    return Laid(folder, whole, sorted(set(sources) - set(whole)))


def _own(stand_in: Dict[str, Source]) -> Path:
    text = repr(sorted((name, str(source.folder)) for name, source in stand_in.items()))
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    base = places.ROOT / "out" if places.IS_CHECKOUT else places.cache()
    return base / "caffe_root" / key


def _lay_model(folder: Path, name: str, source: Source, stands_in: bool) -> None:
    at = folder / "models" / name
    made = {file: _copy(at / file, source.deploy)
            for file in ("deploy.prototxt", f"{name}_deploy.prototxt")}  # fmt: skip
    if source.weights is not None:
        made[f"{name}.caffemodel"] = _link(at / f"{name}.caffemodel", source.weights)
        if not stands_in:
            _link(at / source.weights.name, source.weights)
    for file, is_ours in made.items():
        if stands_in and not is_ours:
            raise RootError(
                f"{at / file} is there already, so that {source.name} cannot stand in for {name}; "
                "give another folder, or leave the stand-in out"
            )


def _copy(path: Path, net: Path) -> bool:
    """Copy a net, which programs change in place, or leave what is there; whether it is the net."""
    content = net.read_bytes()
    if path.is_file():
        there = path.read_bytes()
        if there == content:
            return True
        shipped = PROTOTXT.glob("*/*.prototxt")
        if not any(there == other.read_bytes() for other in shipped):
            return False
        path.unlink()
    _write(path, content)
    return True


def _link(link: Path, target: Path) -> bool:
    """Make a link, or leave what is there; returns whether it leads to the target."""
    target = Path(os.path.realpath(str(target)))
    if os.path.lexists(str(link)):
        if os.path.realpath(str(link)) == str(target):
            return True
        if not (link.is_symlink() and _is_ours(Path(os.readlink(str(link))))):
            return False
        link.unlink()
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.symlink(str(target), str(link))
    except FileExistsError:  # another process has just made it
        return os.path.realpath(str(link)) == str(target)
    except OSError:  # as Windows refuses links to most users
        shutil.copyfile(str(target), str(link))
    return True


def _is_ours(target: Path) -> bool:
    """Whether a link leads where this module lets it lead."""
    ours = {Path(os.path.realpath(str(at))) for at in (MODELS, PROTOTXT, places.writable(MODELS))}
    return bool(ours & set(target.parents)) or not target.exists()


def _write(path: Path, content: bytes) -> None:
    """Write a file that is not there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.whole_file(path) as partial:
        partial.write_bytes(content)


def _lay_mean(folder: Path) -> None:
    """ImageNet's mean picture, of which only the mean colour is known here: it everywhere."""
    import numpy as np  # not where a program is only shown such a folder: it starts sooner

    shape = (3, _MEAN_SIZE, _MEAN_SIZE)
    mean = np.broadcast_to(np.reshape(IMAGENET_MEAN, (3, 1, 1)), shape)

    npy = io.BytesIO()
    np.save(npy, mean.astype(np.float64))
    _write(folder / "python" / "caffe" / "imagenet" / "ilsvrc_2012_mean.npy", npy.getvalue())
    proto = _blob_proto((1, *shape), mean.astype("<f4").tobytes())
    _write(
        folder / "data" / "ilsvrc12" / "imagenet_mean.binaryproto",
        proto,
    )


def _blob_proto(shape: Tuple[int, ...], values: bytes) -> bytes:
    """A BlobProto on the wire: num, channels, height, width (1 to 4), and packed floats (5)."""
    head = b"".join(struct.pack("B", field << 3) + _varint(n) for field, n in enumerate(shape, 1))
    return head + struct.pack("B", 5 << 3 | 2) + _varint(len(values)) + values


def _varint(n: int) -> bytes:
    out = b""
    while n > 127:
        out += struct.pack("B", n & 127 | 128)
        n >>= 7
    return out + struct.pack("B", n)


def _lay_words(folder: Path, stand_in: Dict[str, Source]) -> None:
    """The classes' names: of the first that stands in and has its own, else ImageNet's."""
    words = folder / "data" / "ilsvrc12" / _WORDS
    for source in stand_in.values():
        classes = _classes(source)
        if isinstance(classes, Path):
            _link(words, classes)
            return
        if classes:
            lines = "".join(f"n{n:08d} {name}\n" for n, name in enumerate(classes))
            if words.is_symlink() and _is_ours(Path(os.readlink(str(words)))):
                words.unlink()
            _write(words, lines.encode("utf-8"))
            return
    _link(words, _imagenets())


def _imagenets() -> Path:
    """The names of ImageNet's classes: as Caffe's own archive has them if that was downloaded."""
    found = [at / _WORDS for at in (MODELS, places.writable(MODELS)) if (at / _WORDS).is_file()]
    return found[0] if found else _NAMES


def _classes(source: Source) -> Union[Path, List[str], None]:
    """The names of a model's classes, as its readme gives them: a list, or a file of them."""
    readme = source.folder / "readme.md"
    if not readme.is_file():
        return None
    with open(str(readme), encoding="utf-8-sig", errors="replace") as f:
        lines = f.read(_LONGEST).splitlines()
    text = next(
        (line[len("classes:") :].strip() for line in lines if line.startswith("classes:")), ""
    )
    try:
        names = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        names = text
    if isinstance(names, list):
        return [str(name) for name in names]
    if text == _WORDS:
        return _imagenets()
    own = source.folder / text
    return own if text and os.path.basename(text) == text and own.is_file() else None
