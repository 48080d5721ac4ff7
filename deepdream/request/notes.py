"""What pictures of `match` and `classes` say of how they were made: written, read and followed."""

import json
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from netfile.system.files import file_sha1

from .. import nets
from ..errors import RecipeError
from ..nets import engine as engines
from ..pictures import read_recipe
from . import fields, schema
from .following import check_source, checked_model, differences, located, model_place
from .job import hashes
from .recipe import model_name, seen_from, surroundings

Place = Tuple[str, str]  # (role, path)


class Followed(NamedTuple):
    """What a note needs, found again. paths: of its pictures, by their roles."""

    model: nets.Model
    model_sha1: Mapping[str, str]
    engine: str
    gpu: Optional[int]
    paths: Dict[str, str]


def note(kind: str, told: Dict[str, Any]) -> str:
    """What a picture says of how it was made, as JSON.

    kind: one of schema.OTHERS.

    Raises:
        RecipeError: it could not be read again.
    """
    try:
        told = schema.OTHERS[kind].read(told)
    except RecipeError as e:
        raise RecipeError(f"the picture cannot record this: {e}") from None
    return json.dumps({kind: {key: value for key, value in told.items() if value is not None}})


def surrounded(
    opened: nets.OpenNet, out: str, gpu: Optional[int], pictures: Sequence[Place] = ()
) -> Dict[str, Any]:
    """What every note has: the model, the engine, the libraries, and the pictures that were read.

    out: the picture that is written, or one of its folder; the others are told as seen from it.
    """
    model = opened.model
    folder = None if model.name in nets.known() else seen_from(out, model.name)
    return {
        "model": model_name(model),
        "folder": folder,
        **hashes(model),
        "mean": list(model.mean),
        "channel_order": model.channel_order,
        "scale": model.scale,
        **surroundings(opened, gpu),
        "files": [
            {"role": role, "name": seen_from(out, path), "sha1": file_sha1(path)}
            for role, path in pictures
        ],
    }


def of_picture(path: str) -> Tuple[str, Dict[str, Any]]:
    """(kind, note) of a picture; ("", {}) where it has none.

    Raises:
        RecipeError: it has one that cannot be read.
        ImageError: the picture cannot be.
    """
    text = read_recipe(path).strip()
    return of_text(text, path) if text.startswith("{") else ("", {})


def of_text(text: str, path: str) -> Tuple[str, Dict[str, Any]]:
    """(kind, note) of a text that was found at a path, likewise."""
    try:
        record = fields.parse(text)
        for kind in schema.OTHERS:
            if kind in record:
                return kind, schema.OTHERS[kind].read(record[kind], kind)
    except RecipeError as e:
        raise RecipeError(f"{path}: its recipe cannot be read: {e}") from None
    return "", {}


def followed(
    kind: str,
    told: Dict[str, Any],
    path: str,
    moved: Mapping[str, Optional[str]],
    engine: Optional[str] = None,
    gpu: Optional[int] = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Followed:
    """What a note needs to be repeated.

    Args:
        path: the picture that it was written for.
        moved: where its pictures and its model ("model") are now, by role, if they have moved.
        engine: None for the one that made the picture.
        tell: is called with a line for each file before it is read.

    Raises:
        RecipeError: the note says too little, or a picture is not the one it was made from.
        DreamError: what it needs is not here.
    """
    if told["deploy_sha1"] is None or told["files"] is None or told["engine"] is None:
        settings = json.dumps({key: v for key, v in told.items() if v is not None})
        raise RecipeError(
            f"{path}: was made by an older `{kind}`, which did not record all that a replay needs; "
            f"its settings were {settings}"
        )
    roles = [source["role"] for source in told["files"]]
    if len(set(roles)) < len(roles):
        raise RecipeError(f"{path}: its recipe has the roles {roles}, one of them twice")
    paths = {}
    for source in told["files"]:
        role = source["role"]
        paths[role] = moved.get(role) or located(source["name"], path)
        check_source(source, paths[role], tell)
    for role, place in moved.items():
        if place and role != "model" and role not in paths:
            raise RecipeError(f"{path}: was made without such a picture as {place}")
    model = nets.find(
        moved.get("model") or model_place({**told, "name": told["model"]}, path),
        told["mean"],
        told["channel_order"],
        told["scale"],
    )
    digests = checked_model({**told, "name": told["model"]}, model, tell) or {}
    name = engine or engines.name_of_recorded(str(told["engine"].get("name")))
    return Followed(model, digests, name, gpu, paths)


def changes(told: Dict[str, Any], opened: nets.OpenNet, gpu: Optional[int]) -> List[str]:
    """What differs between the engine and the libraries then and now, one line each."""
    return differences(told, surroundings(opened, gpu))
