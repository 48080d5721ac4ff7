"""A net's classes: what they are called, and which of its blobs hold them."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Tuple, Union

from ..errors import ModelError, TargetError
from .catalogue import MODELS, Model
from .folder import own_file


@dataclass(frozen=True)
class ClassOutput:
    """Where a net's classes are: the blob of their `probabilities`, and of their `scores` before
    the softmax."""

    probabilities: str
    scores: str


def class_output(description: Any) -> ClassOutput:
    """The class output of a net that ends in a Softmax.

    Raises:
        TargetError: the net has no Softmax.
    """
    softmax = [layer for layer in description.layer if layer.type == "Softmax"]
    if not softmax:
        raise TargetError(
            "score(): the net has no Softmax, so which layer holds the classes is not known; "
            'use channel("layer", number)'
        )
    return ClassOutput(softmax[-1].top[0], softmax[-1].bottom[0])


def last_layer(description: Any) -> str:
    """Name of the last Softmax layer, or else of the layer that the net ends in."""
    softmax = [layer for layer in description.layer if layer.type == "Softmax"]
    return str((softmax or list(description.layer))[-1].name)


def classes(model: Model) -> List[str]:
    """Names of a model's classes in the order of its output; [] where they are not known.

    Its readme lists them, or names a file of them, in its folder or under models/, that has one a
    line, as Caffe's synset_words.txt does.
    """
    names = model.facts.get("classes")
    if isinstance(names, str):
        name = own_file(Path(), names, Path(model.name), "classes")
        places = [folder / name for folder in (Path(model.weights).parent, MODELS)]
        path = next((place for place in places if place.is_file()), None)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path else []
        return [re.sub(r"^n\d{8} ", "", line).strip() for line in lines if line.strip()]
    return [str(name) for name in names] if isinstance(names, list) else []


def class_number(model: Model, name: Union[str, int]) -> Tuple[int, str]:
    """(number, name) of the class with this name or number.

    Raises:
        ModelError: the model has no such class, with the nearest names.
    """
    names = classes(model)
    for number, label in enumerate(names):
        if name == label or name in [part.strip() for part in label.split(",")]:
            return number, label
    digits = str(name) if re.fullmatch("[0-9]{1,9}", str(name)) else ""
    if digits and (not names or int(digits) < len(names)):
        return int(digits), names[int(digits)] if names else digits
    if not names:
        needs_file = model.facts.get("classes") == "synset_words.txt"
        how = "; python scripts/nets/get_synset_words.py gets them" if needs_file else ""
        raise ModelError(
            f'{model.name}: the names of its classes are not here; give "{name}" by its number{how}'
        )
    parts = [part.strip() for label in names for part in label.split(",")]
    near = difflib.get_close_matches(str(name), parts, 3, 0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    some = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    raise ModelError(f'{model.name}: has no class "{name}"; {hint}it has {len(names)}: {some}')
