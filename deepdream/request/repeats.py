"""Whether a picture that is there is what a request would make: its recipe beside the request."""

from dataclasses import asdict
from typing import Any, Dict, List, Optional

from netfile.system.files import file_sha1

from ..settings import PICTURE
from .expression import Expression
from .job import Request


def difference(
    record: Dict[str, Any], request: Request, image_path: str, seed: Optional[int]
) -> str:
    """The first thing in which a picture differs from what a request would make, or "".

    Engines and libraries may differ: they change last bits, and not what was asked for.

    Args:
        record: the picture's recipe, checked.
        request: with an open net, so that its layers are spelt out.
        image_path: the photograph.
        seed: None for any.
    """
    before, now = _of_record(record), _of_request(request, image_path)
    if seed is not None:
        before["seed"], now["seed"] = record["seed"], seed
    for key, value in now.items():
        if before[key] != value:
            return f"{key} was {before[key]}, and is {value}"
    return ""


def _of_record(record: Dict[str, Any]) -> Dict[str, Any]:
    files = [(source["role"], source["name"], source["sha1"]) for source in record["files"]]
    picture = record["picture"] or asdict(PICTURE)
    model = record["model"]
    scale = 1.0 if model["scale"] is None else model["scale"]
    return {
        **_settings(record["settings"], files),
        **_hashes(files),
        "image": [sha1 for role, _, sha1 in files if role == "image"],
        "the number of frames": record["zoom"]["frames"] if record["zoom"] else 1,
        "max_size": picture["max_size"],
        "keep_colours": picture["keep_colours"],
        "weights": model["weights_sha1"],
        "net": model["deploy_sha1"],
        "mean": model["mean"] and list(model["mean"]),
        "channel_order": model["channel_order"],
        "scale": scale,
    }


def _of_request(request: Request, image_path: str) -> Dict[str, Any]:
    files = [(source.role, source.name, source.sha1) for source in request.sources()]
    hashes, model = request.model_sha1(), request.model
    return {
        "image": [file_sha1(image_path)],
        **_settings(asdict(request.dream), files),
        **_hashes(files),
        "the number of frames": 1,
        "max_size": request.picture.max_size,
        "keep_colours": request.picture.keep_colours,
        "weights": hashes["weights_sha1"],
        "net": hashes["deploy_sha1"],
        "mean": list(model.mean),
        "channel_order": model.channel_order,
        "scale": model.scale,
    }


def _settings(settings: Dict[str, Any], files: List[Any]) -> Dict[str, Any]:
    """A dream's settings, whose objective names its pictures by their hashes."""
    hashes = {name: sha1 for role, name, sha1 in files if role == "objective"}
    text = settings["objective"]
    objective = Expression(text).renamed(hashes) if text else ""
    end = "" if text else settings["end"]  # an objective has layers of its own
    weights = list(settings["guide_weights"])
    return {**settings, "objective": objective, "end": end, "guide_weights": weights}


def _hashes(files: List[Any]) -> Dict[str, List[str]]:
    """The hashes of guides and mask."""
    return {role: [sha1 for other, _, sha1 in files if other == role] for role in ("guide", "mask")}
