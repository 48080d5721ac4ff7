"""The catalogue of models: what a model's folder says of it."""

import ast
import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from .. import settings
from ..errors import ModelError
from .mean import Pixel, mean_pixel

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"


@dataclass(frozen=True)
class Model:
    """What is known of a model.

    `mean` is in the net's `channel_order`, bgr as a rule. `end` is the layer that a dream takes by
    default. `notes` are for the user, one line each.
    """

    name: str
    deploy: Path
    weights: Path
    mean: Pixel
    end: str
    facts: Dict[str, Any]
    channel_order: str = "bgr"
    notes: Tuple[str, ...] = ()

    @property
    def url(self) -> Optional[str]:
        return self.facts.get("caffemodel_url")


def front_matter(path: Path) -> Dict[str, Any]:
    """The `key: value` lines between the first two `---` of a readme; Python literals or plain
    text."""
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = f.read().splitlines()
    facts: Dict[str, Any] = {}
    if not lines or lines[0].strip() != "---":
        return facts
    for line in lines[1:]:
        if line.strip() == "---":
            break
        key, colon, value = line.partition(":")
        if colon and not key.startswith((" ", "#")):
            facts[key.strip()] = _literal(key.strip(), value.strip())
    return facts


def _literal(key: str, text: str) -> Any:
    if key == "sha1":  # stays text, although it may be all digits
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def known() -> List[str]:
    """Names of the models that have a folder under models/."""
    return sorted(path.parent.name for path in MODELS.glob("*/readme.md"))


def find(
    name: Union[str, Path], mean: Optional[str] = None, channel_order: Optional[str] = None
) -> Model:
    """The model of this name under models/, or in this folder.

    Args:
        name: a name under models/, in any case, or a folder.
        mean: three numbers in the net's channel order, such as "104,117,123", or the path of a mean
            file. It overrides the readme; a folder that has no readme, one prototxt and one
            caffemodel needs it.
        channel_order: "bgr" or "rgb"; it overrides the readme.

    Raises:
        ModelError: there is no such model, with the nearest names, or its folder is not complete.
    """
    folder = _folder(str(name))
    readme = folder / "readme.md"
    # os.path's questions, because a name may be too long for pathlib's
    if not os.path.isfile(readme) and (mean is None or not os.path.isdir(folder)):
        near = difflib.get_close_matches(str(name), known(), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ModelError(
            f'unknown model "{name}": {hint}known are {", ".join(known())}, or a folder with a '
            "readme.md",
            needs_mean=os.path.isdir(folder),
        )
    facts = front_matter(readme) if readme.is_file() else {}
    pixel, notes = mean_pixel(facts.get("mean") if mean is None else mean, folder, readme)
    order = str(channel_order or facts.get("channel_order", "bgr")).lower()
    if order not in ("bgr", "rgb"):
        raise ModelError(f'{readme}: channel_order is "{order}", not bgr or rgb')
    return Model(
        name=folder.name if folder.parent == MODELS else str(folder),
        deploy=_deploy(folder, readme.is_file()),
        weights=folder / str(facts["caffemodel"])
        if "caffemodel" in facts
        else _only(folder, "*.caffemodel", "caffemodel"),
        mean=pixel,
        end=str(facts.get("end", settings.DREAM.end)),
        facts=facts,
        channel_order=order,
        notes=notes,
    )


def _folder(name: str) -> Path:
    by_lower = {known_name.lower(): known_name for known_name in known()}
    folder = MODELS / by_lower.get(name.lower(), name)
    return folder if os.path.isdir(folder) else Path(name)


def _deploy(folder: Path, has_readme: bool) -> Path:
    own, bundled = folder / "deploy.prototxt", ROOT / "prototxt" / folder.name / "deploy.prototxt"
    if own.is_file():
        return own
    if bundled.is_file() or has_readme:
        return bundled
    return _only(folder, "*.prototxt", "deploy prototxt")


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
