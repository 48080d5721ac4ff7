"""The catalogue of models: what a model's folder says of it."""

import ast
import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from netfile.faults.kinds import misplaced
from netfile.system import places
from netfile.system.places import MODELS, PROTOTXT

from ..errors import ModelError
from .folder import own_file
from .mean import Notes, Pixel, input_scale, mean_pixel, read_mean_file
from .training_net import Transform, declared_transform

GRAPH = "graph"  # in place of a deploy net: one is made of the ONNX graph that has the weights
_LONGEST = 1 << 20  # characters of a readme that are read
_LONGEST_VALUE = 10_000  # characters; of 100000 signs in a row, Python 3.9's parser dies
_ITEM = re.compile(r"(- |  )(\w+):(?: (.*)|)")


@dataclass(frozen=True)
class Model:
    """What is known of a model.

    `mean` is in the net's `channel_order`, bgr as a rule, or one value for all channels. The net
    takes (pixel - mean) * `scale`. `end` is the layer that a dream takes by default, "" where the
    readme names none (`default_end`). `notes` are for the user, one line each.
    """

    name: str
    deploy: Path
    weights: Path
    mean: Pixel
    end: str
    facts: Dict[str, Any]
    channel_order: str = "bgr"
    notes: Tuple[str, ...] = ()
    scale: float = 1.0

    @property
    def is_of_a_graph(self) -> bool:
        """Whether its deploy net is made of an ONNX graph, and comes with its weights."""
        return self.facts.get("deploy") == GRAPH

    @property
    def url(self) -> Optional[str]:
        url = self.facts.get("caffemodel_url")
        return url if isinstance(url, str) else None


def front_matter(path: Path) -> Dict[str, Any]:
    """The `key: value` lines between the first two `---` of a readme; Python literals or plain
    text.

    Under a key without a value may stand a list of items, each some `key: value` lines of which
    the first begins with "- " and the others with two spaces: a list of dicts of plain text.
    """
    with open(path, encoding="utf-8-sig", errors="replace") as f:
        lines = f.read(_LONGEST).splitlines()
    facts: Dict[str, Any] = {}
    if not lines or lines[0].strip() != "---":
        return facts
    listed = ""  # the key whose list this may be
    for line in lines[1:]:
        if line.strip() == "---":
            break
        item = _ITEM.fullmatch(line) if listed else None
        if item:
            if item[1] == "- ":
                facts[listed] = facts[listed] or []
                facts[listed].append({})
            if facts[listed]:
                facts[listed][-1][item[2]] = (item[3] or "").strip()
            continue
        key, colon, value = line.partition(":")
        if colon and not key.startswith((" ", "#", "-")):
            facts[key.strip()] = _literal(key.strip(), value.strip())
            listed = "" if value.strip() else key.strip()
    return facts


def _literal(key: str, text: str) -> Any:
    if key == "sha1" or len(text) > _LONGEST_VALUE:  # a sha1 may be all digits
        return text
    try:
        return ast.literal_eval(text)
    except Exception:  # anyone's text is evaluated as a literal, which fails in every way
        return text


def known() -> List[str]:
    """Names of the models that have a folder under models/, or in the user's cache."""
    readmes = [p for at in (MODELS, places.writable(MODELS)) for p in at.glob("*/readme.md")]
    return sorted({path.parent.name for path in readmes})


def find(
    name: Union[str, Path],
    mean: Any = None,
    channel_order: Optional[str] = None,
    scale: Optional[float] = None,
) -> Model:
    """The model of this name under models/, or in this folder.

    Args:
        name: a name under models/, in any case, or a folder.
        mean: three numbers in the net's channel order, such as "104,117,123", or one for all
            channels, or the path of a mean file. It overrides the readme; a folder that has no
            readme, one prototxt without a transform_param and one caffemodel needs it.
        channel_order: "bgr" or "rgb"; it overrides the readme.
        scale: what the net's input is multiplied by; it overrides the readme.

    Raises:
        ModelError: there is no such model, with the nearest names, or its folder is not complete.
    """
    folder = _folder(str(name))
    readme = folder / "readme.md"
    if os.path.isfile(folder):
        raise ModelError(
            f"{name}: is a file; give the folder that holds the model's prototxt and caffemodel"
        )
    if not str(name) or not os.path.isdir(folder):  # a name may be too long for pathlib's question
        near = difflib.get_close_matches(str(name), known(), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ModelError(
            f'unknown model "{name}": {hint}known are {", ".join(known())}, or a folder with a '
            "readme.md",
        )
    facts = front_matter(readme) if readme.is_file() else {}
    deploy = _deploy(folder, facts, readme.is_file())
    given = {key: value for key, value in (("mean", mean), ("scale", scale)) if value is not None}
    pixel, factor, notes = _input(given, facts, readme, deploy)
    order = str(channel_order or facts.get("channel_order", "bgr")).lower()
    if order not in ("bgr", "rgb"):
        raise ModelError(f'{readme}: channel_order is "{order}", not bgr or rgb')
    return Model(
        name=folder.name if folder.parent in (MODELS, places.writable(MODELS)) else str(folder),
        deploy=deploy,
        weights=_weights(folder, facts, readme),
        mean=pixel,
        end=str(facts.get("end", "")),
        facts=facts,
        channel_order=order,
        notes=notes,
        scale=factor,
    )


def _input(
    given: Dict[str, Any], facts: Dict[str, Any], readme: Path, deploy: Path
) -> Tuple[Pixel, float, Notes]:
    """(mean, scale, notes for the user): as `given`, or else as the readme says, or else as the
    net's own transform_param does."""
    folder, notes = readme.parent, ()  # type: Path, Notes
    said = {**dict.fromkeys(facts, str(readme)), **dict.fromkeys(given, "")}
    values = {**facts, **given}
    transform = None if {"mean", "scale"} <= set(values) else declared_transform(deploy)
    if "mean" in values:
        pixel, notes = mean_pixel(values["mean"], folder, said["mean"])
    elif transform:
        pixel, notes = _transforms_mean(transform, folder, deploy)
    elif readme.is_file():
        raise ModelError(
            misplaced(readme, "a readme")
            or f'{readme}: needs "caffemodel: FILE" and "mean: [BLUE, GREEN, RED]" between its --- '
            "lines; it does not say the mean"
        )
    else:
        raise ModelError(
            f"{folder}: has no readme.md that says the mean; known models are {', '.join(known())}",
            needs_mean=True,
        )
    if "scale" in values:
        return pixel, input_scale(values["scale"], said["scale"]), notes
    if transform is None:
        return pixel, 1.0, notes
    scale = input_scale(transform.scale, str(deploy))
    if "mean" not in values or scale != 1:
        text = ", ".join(f"{value:g}" for value in pixel)
        read = f"mean {text}, input scale {scale:g}" if "mean" not in values else f"scale {scale:g}"
        notes += (f'{read}: from transform_param of layer "{transform.layer}" in {deploy.name}',)
    return pixel, scale, notes


def _transforms_mean(transform: Transform, folder: Path, deploy: Path) -> Tuple[Pixel, Notes]:
    """The mean of a transform_param; 0 where it says none, as in Caffe."""
    if transform.mean or not transform.mean_file:
        return mean_pixel(transform.mean or (0.0,), folder, str(deploy))
    path = Path(transform.mean_file)
    places = [path, folder / path, folder / path.name]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ModelError(
            f'{deploy}: its layer "{transform.layer}" takes the mean from {path}, which is not '
            f"here; put the file into {folder}"
        )
    return read_mean_file(found)


def _folder(name: str) -> Path:
    """The folder that a name or a path stands for; a path such as . is never one under models/."""
    by_lower = {known_name.lower(): known_name for known_name in known()}
    is_name = name == os.path.basename(name) and name not in ("", os.curdir, os.pardir)
    for at in (MODELS, places.writable(MODELS)) if is_name else ():
        folder = at / by_lower.get(name.lower(), name)
        # in the cache, the weights of a net that is shipped lie in a folder without a readme
        if os.path.isdir(folder) and (at == MODELS or (folder / "readme.md").is_file()):
            return folder
    return Path(name)


def _deploy(folder: Path, facts: Dict[str, Any], has_readme: bool) -> Path:
    if facts.get("deploy") == GRAPH:
        return places.writable(folder) / "deploy.prototxt"
    own, bundled = folder / "deploy.prototxt", PROTOTXT / folder.name / "deploy.prototxt"
    if own.is_file():
        return own
    if bundled.is_file() or has_readme and len(list(folder.glob("*.prototxt"))) != 1:
        return bundled
    return _only(folder, "*.prototxt", "deploy prototxt")


def _weights(folder: Path, facts: Dict[str, Any], readme: Path) -> Path:
    """The caffemodel's path: where it is, or where a download goes."""
    if "caffemodel" not in facts:
        return _only(folder, "*.caffemodel", "caffemodel")
    shipped = own_file(folder, str(facts["caffemodel"]), readme, "caffemodel")
    return shipped if shipped.is_file() else places.writable(folder) / shipped.name


def _only(folder: Path, pattern: str, what: str) -> Path:
    candidates = sorted(folder.glob(pattern))
    if len(candidates) != 1:
        names = ", ".join(path.name for path in candidates) or "none"
        raise ModelError(
            f"{folder}: has no readme.md that says which {what} to use, and holds "
            f"{len(candidates)} ({names}); "
            "leave one, or write a readme.md"
        )
    return candidates[0]
