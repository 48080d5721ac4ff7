"""Models: a folder's readme, deploy net and weights become a net that is ready to dream."""

import ast
import difflib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional, Tuple

import numpy as np

from net_surgery.errors import ShapeError, SurgeryError
from netfile import formats
from netfile.shapes import infer, input_shapes, weight_shapes

from .. import settings
from ..errors import ModelError, SizeError
from . import engine as engines
from .preflight import check_end, check_octaves

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Model:
    """What is known of a model.

    `mean` is in the net's `channel_order`, bgr as a rule. `end`: the layer to dream of by default. `notes`: for the user, a line each.
    """

    name: str
    deploy: Path
    weights: Path
    mean: Tuple[float, ...]
    end: str
    facts: Dict[str, object]
    channel_order: str = "bgr"
    notes: Tuple[str, ...] = ()

    @property
    def url(self) -> Optional[str]:
        return self.facts.get("caffemodel_url")  # type: ignore[return-value]


def front_matter(path):
    """The `key: value` lines between the first two `---` of a readme; values are Python literals or plain text."""
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = f.read().splitlines()
    facts: Dict[str, object] = {}
    if not lines or lines[0].strip() != "---":
        return facts
    for line in lines[1:]:
        if line.strip() == "---":
            break
        key, colon, value = line.partition(":")
        if colon and not key.startswith((" ", "#")):
            try:
                # a hash stays text, though it may be all digits
                facts[key.strip()] = (
                    value.strip() if key.strip() == "sha1" else ast.literal_eval(value.strip())
                )
            except (ValueError, SyntaxError):
                facts[key.strip()] = value.strip()
    return facts


def known():
    """Names of the models that have a folder under models/."""
    return sorted(p.parent.name for p in (ROOT / "models").glob("*/readme.md"))


def find(name, mean=None, channel_order=None):
    """The Model of this name under models/, or in this folder. Raises ModelError with the nearest names.

    mean: three numbers in the net's channel order, or the path of a mean file; channel_order: "bgr" or "rgb". They stand above what the readme says,
    and make a folder without one a model, if it holds one prototxt and one caffemodel.
    """
    by_lower = {n.lower(): n for n in known()}
    folder = ROOT / "models" / by_lower.get(str(name).lower(), name)
    if not folder.is_dir():
        folder = Path(name)
    readme = folder / "readme.md"
    if not readme.is_file() and (mean is None or not folder.is_dir()):
        near = difflib.get_close_matches(str(name), known(), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        flag = " (a folder without one needs --mean B,G,R)" if folder.is_dir() else ""
        raise ModelError(
            f'unknown model "{name}": {hint}known are {", ".join(known())}, or a folder with a readme.md{flag}'
        )
    facts = front_matter(readme) if readme.is_file() else {}
    pixel, notes = _mean_pixel(facts.get("mean") if mean is None else mean, folder, readme)
    order = str(channel_order or facts.get("channel_order", "bgr")).lower()
    if order not in ("bgr", "rgb"):
        raise ModelError(f'{readme}: channel_order is "{order}", not bgr or rgb')
    weights = (
        folder / str(facts["caffemodel"])
        if "caffemodel" in facts
        else _only(folder, "*.caffemodel", "caffemodel")
    )
    deploy = folder / "deploy.prototxt"
    if not deploy.is_file():
        bundled = ROOT / "prototxt" / folder.name / "deploy.prototxt"
        deploy = (
            bundled
            if bundled.is_file() or readme.is_file()
            else _only(folder, "*.prototxt", "deploy prototxt")
        )
    return Model(
        name=folder.name if folder.parent == ROOT / "models" else str(folder),
        deploy=deploy,
        weights=weights,
        mean=pixel,
        end=str(facts.get("end", settings.DREAM.end)),
        facts=facts,
        channel_order=order,
        notes=notes,
    )


def _only(folder, pattern, what):
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        raise ModelError(
            f"{folder}: has no readme.md that says which {what} to use, and holds {len(found)} ({names}); leave one, or write a readme.md"
        )
    return found[0]


def _mean_pixel(mean, folder, readme):
    """(mean colour, notes) of three numbers, of a text like 104,117,123, or of a mean file."""
    if isinstance(mean, str) and mean:
        try:
            mean = [float(v) for v in mean.split(",")]
        except ValueError:
            path = Path(mean) if Path(mean).is_file() else folder / mean
            return read_mean_file(path)
    if (
        isinstance(mean, (list, tuple))
        and len(mean) == 3
        and all(isinstance(v, (int, float)) for v in mean)
    ):
        return tuple(mean), ()
    raise ModelError(
        f'{readme}: needs "caffemodel: FILE" and "mean: [BLUE, GREEN, RED]" between its --- lines; the mean is {mean!r}'
    )


def read_mean_file(path):
    """(mean colour, notes) of a mean picture, .binaryproto or .npy, in the net's channel order: (3,), or (3, H, W) reduced to its pixel."""
    try:
        if path.suffix == ".npy":
            values = np.load(path)
        elif path.suffix == ".binaryproto":
            blob = engines.load("auto").io.caffe_pb2.BlobProto()
            blob.ParseFromString(path.read_bytes())
            values = formats.blob_values(blob)
        else:
            raise ModelError(
                f"{path}: a mean is three numbers such as 104,117,123, or a file .npy or .binaryproto"
            )
    except OSError as e:
        raise ModelError(f"{path}: cannot be read: {e.strerror or e}") from None
    except ModelError:
        raise
    except Exception as e:  # protobuf's DecodeError, whose home differs between its releases, and NumPy's ValueError
        if not isinstance(e, ValueError) and type(e).__name__ != "DecodeError":
            raise
        raise ModelError(f"{path}: is no mean file, or a broken one ({e})") from None
    values = np.squeeze(np.asarray(values, np.float64))
    if values.ndim not in (1, 3) or values.shape[0] != 3 or not np.isfinite(values).all():
        raise ModelError(
            f"{path}: has the shape {values.shape}; a mean is (3,) or (3, height, width)"
        )
    if values.ndim == 1:
        return tuple(values.tolist()), ()
    pixel = tuple(round(float(v), 4) for v in values.mean((1, 2)))
    told = ", ".join(f"{v:g}" for v in pixel)
    return pixel, (
        f"{path.name} is a mean picture of {values.shape[2]}x{values.shape[1]}; its mean colour {told} is used, since pictures have any size",
    )


def classes(model):
    """Names of the model's classes in the order of its output; [] where they are not known.

    Its readme lists them, or names a file of them in its folder or under models/: a line each, as in Caffe's synset_words.txt.
    """
    names = model.facts.get("classes")
    if isinstance(names, str):
        places = [p / names for p in (Path(model.weights).parent, ROOT / "models")]
        found = next((p for p in places if p.is_file()), None)
        lines = found.read_text(encoding="utf-8", errors="replace").splitlines() if found else []
        return [re.sub(r"^n\d{8} ", "", line).strip() for line in lines if line.strip()]
    return [str(name) for name in names] if isinstance(names, list) else []


def class_number(model, name):
    """(number, name) of a class that is given by name or number. Raises ModelError with the nearest names."""
    names = classes(model)
    for number, known_as in enumerate(names):
        if name == known_as or name in (part.strip() for part in known_as.split(",")):
            return number, known_as
    if str(name).isdigit() and (not names or int(name) < len(names)):
        return int(name), names[int(name)] if names else str(name)
    if not names:
        how = (
            "; python scripts/nets/get_synset_words.py gets them"
            if model.facts.get("classes") == "synset_words.txt"
            else ""
        )
        raise ModelError(
            f'{model.name}: the names of its classes are not here; give "{name}" by its number{how}'
        )
    near = difflib.get_close_matches(
        str(name), [part.strip() for known_as in names for part in known_as.split(",")], 3, 0.4
    )
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise ModelError(
        f'{model.name}: has no class "{name}"; {hint}it has {len(names)}: {", ".join(names[:12])}{", ..." if len(names) > 12 else ""}'
    )


def file_sha1(path):
    """SHA1 of a file, as 40 hex digits."""
    digest = hashlib.sha1()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def description(model, caffe):
    """The deploy net as a NetParameter of the engine's own caffe_pb2, in V2, checked.

    Raises ModelError on a syntax error, and on all that would end a real Caffe when it builds the net.
    """
    try:
        net = formats.read_prototxt(model.deploy, caffe)
    except SurgeryError as e:
        raise ModelError(str(e)) from None
    _check_layers(model, net, caffe)
    size = declared_size(net)
    if size is None or size[0] != 3 or min(size) < 1:
        raise ModelError(
            f"{model.deploy}: its input's shape without the first axis is {size}, not (3, height, width), as a picture's is"
        )
    found = engines.refusal(caffe, [str(net)])
    if found:
        raise ModelError(
            f"{model.deploy}: {caffe.__name__} refuses it: {found[1]}; correct that layer"
        )
    return net


def declared_size(net):
    """(channels, height, width) of the input "data" as the net declares it, or None."""
    shape = input_shapes(net).get("data")
    return tuple(shape[1:]) if shape and len(shape) == 4 else None


def _check_layers(model, net, caffe):
    known_types = set(caffe.layer_type_list())
    made = set()
    for layer in net.layer:
        if layer.type not in known_types:
            near = difflib.get_close_matches(layer.type, known_types, 1)
            hint = f'did you mean "{near[0]}"? ' if near else ""
            raise ModelError(
                f'{model.deploy}: layer "{layer.name}" has the unknown type "{layer.type}"; {hint}this engine has {len(known_types)} types'
            )
        for bottom in layer.bottom:
            if bottom not in made:
                raise ModelError(
                    f'{model.deploy}: layer "{layer.name}" reads "{bottom}", which no layer in front of it makes; correct its bottom'
                )
        made.update(layer.top)
    if "data" not in input_shapes(net):
        raise ModelError(
            f'{model.deploy}: has no input named "data", which the notebook\'s code reads and writes; rename it'
        )


def check_weights(model, net, caffe):
    """Raise ModelError unless the weights file has every layer that the built net wants, in its shapes."""
    if not model.weights.is_file():
        how = f"get it from {model.url} and put it there" if model.url else "train it: make model"
        raise ModelError(f"{model.name}: its weights are not there ({model.weights}); {how}")
    try:
        given = {layer.name: layer for layer in formats.read_caffemodel(model.weights, caffe).layer}
    except SurgeryError as e:
        raise ModelError(str(e)) from None
    wanted = weight_shapes(net)
    missing = [name for name in wanted if name not in given or not given[name].blobs]
    if missing:
        raise ModelError(
            f"{model.weights}: has no weights for {len(missing)} of the net's {len(wanted)} layers, "
            f"{missing[0]} for one; it was cut off or belongs to another net than {model.deploy}"
        )
    for name, expected in wanted.items():
        found = [formats.blob_shape(blob) for blob in given[name].blobs]
        if [_four_axes(s) for s in found] != [_four_axes(s) for s in expected]:
            raise ModelError(
                f'{model.weights}: layer "{name}" has weights of shapes {found} but {model.deploy} wants {expected}; '
                "one of the two files belongs to another net"
            )


def _four_axes(shape):
    return (1,) * (4 - len(shape)) + tuple(shape)


def load_net(model=settings.DEFAULT_MODEL, engine=settings.DEFAULT_ENGINE):
    """A caffe.Classifier, ready to dream: force_backward set, mean and channel swap as in the notebook's first cell.

    model: a name under models/, a folder, or a Model. engine: "auto", "caffe", "compat", or a pycaffe module.
    The net carries its NetParameter as `description`, from which sizes are checked before a dream.
    Raises ModelError or EngineError.
    """
    caffe = engines.load(engine) if isinstance(engine, str) else engine
    model = find(model) if not isinstance(model, Model) else model
    return build(model, description(model, caffe), caffe)


def build(model, description, caffe):
    """The net of `load_net`, from a description that was checked."""
    check_weights(model, description, caffe)
    if not engines.errors(caffe):  # the others raise when the net is made
        found = engines.refusal(caffe, [str(description)], model.weights)
        if found:
            raise ModelError(
                f"{model.weights}: {caffe.__name__} refuses it: {found[1]}; one of it and {model.deploy} belongs to another net"
            )
    net = type(description)()
    net.CopyFrom(description)
    net.force_backward = True
    handle, path = tempfile.mkstemp(suffix=".prototxt")
    try:
        with os.fdopen(handle, "w") as f:
            f.write(str(net))
        swap = (2, 1, 0) if model.channel_order == "bgr" else (0, 1, 2)
        classifier = caffe.Classifier(
            path, str(model.weights), mean=np.float32(model.mean), channel_swap=swap
        )
    except engines.errors(caffe) as e:
        raise ModelError(str(e).replace(path, str(model.deploy))) from None
    finally:
        os.unlink(path)
    classifier.description = net
    classifier.preflight = lambda end, sizes: (check_end(net, end), check_octaves(net, end, sizes))
    classifier.channel_order = model.channel_order
    if not engines.errors(caffe):
        _check_before_reshape(classifier)
    return classifier


def _check_before_reshape(net):
    """Let net.reshape() raise SizeError where Caffe would end the process."""
    reshape = net.reshape

    def checked():
        try:
            infer(net.description, {name: tuple(net.blobs[name].data.shape) for name in net.inputs})
        except ShapeError as e:
            raise SizeError(str(e)) from None
        reshape()

    net.reshape = checked
