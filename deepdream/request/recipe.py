"""A picture's recipe: all that makes it again, as JSON in its metadata; written and followed."""

import json
import os
import platform
from dataclasses import asdict, replace
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np

from netfile.files import file_sha1

from .. import nets
from ..errors import ImageError, ModelError, RecipeError
from ..nets import engine as engines
from ..pictures import read_recipe
from ..settings import Dream, Zoom
from ..version import __version__
from .job import Job, prepare

_OTHER_COMMANDS = {"deepdream match", "deepdream classes"}
_ROLES = ("image", "guide", "mask")


class Repeat(NamedTuple):
    """A picture about to be made again: `frame` says which of the job's pictures it was;
    `differences` between then and now, one line each."""

    job: Job
    frame: int
    differences: List[str]


def recipe(job: Job, out: str, frame: int = 0) -> str:
    """The recipe of the job's picture number `frame`, to be written to `out`, as JSON."""
    import PIL
    import scipy

    model = job.opened.model
    gpu = {} if job.gpu is None else {"gpu": job.gpu}
    return json.dumps(
        {
            "deepdream": __version__,
            "image": _source(job.image_path, out),
            "files": {name: _source(path, out) for name, path in job.files.items()},
            "model": {
                "name": model.name,
                "weights_sha1": file_sha1(model.weights),
                "deploy_sha1": file_sha1(model.deploy),
                "mean": list(model.mean),
                "channel_order": model.channel_order,
                "scale": model.scale,
            },
            "engine": {**job.opened.about, **gpu},
            "libraries": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "pillow": PIL.__version__,
            },
            "settings": asdict(job.dream),
            "zoom": asdict(job.zoom) if job.zoom else None,
            "frame": frame,
            "seed": job.seed,
        }
    )


def _source(path: str, out: str) -> Dict[str, str]:
    """A source picture, its path relative to the folder of `out`, so that no picture tells where
    its maker lives."""
    try:
        path_from_out = os.path.relpath(path, os.path.dirname(os.path.abspath(out)))
    except ValueError:  # another drive
        path_from_out = os.path.abspath(path)
    return {"path": path_from_out, "sha1": file_sha1(path)}


def from_picture(path: str, **now: Any) -> Repeat:
    """The job that made a picture.

    Args:
        path: a picture that carries its recipe.
        now: as in `follow`.

    Raises:
        RecipeError: it carries no recipe, or one that cannot be followed.
        DreamError: what the recipe needs is not here.
    """
    text = read_recipe(path)
    if not text:
        raise RecipeError(
            f"{path}: carries no recipe; only pictures that deepdream wrote can be replayed"
        )
    try:
        record = json.loads(text)
    except ValueError as e:
        raise RecipeError(f"{path}: its recipe cannot be read ({e})") from None
    for command in set(record) & _OTHER_COMMANDS:
        raise RecipeError(
            f"{path}: was made by `{command}`, which replay does not repeat; its settings were "
            f"{json.dumps(record[command])}"
        )
    return follow(record, path, **now)


def follow(
    record: Dict[str, Any],
    path: str,
    *,
    image_path: Optional[str] = None,
    guide_path: Optional[str] = None,
    mask_path: Optional[str] = None,
    model: Optional[str] = None,
    engine: Optional[str] = None,
    gpu: Optional[int] = None,
) -> Repeat:
    """The job that a recipe describes.

    Args:
        record: the recipe.
        path: the file that it was read from.
        image_path, guide_path, mask_path, model: where these are now, if they have moved.
        engine: None for the one that made the picture.

    Raises:
        RecipeError: the recipe cannot be read, or a source is not the one it was made from.
        DreamError: what the recipe needs is not here.
    """
    try:
        dream, seed, frame = Dream(**record["settings"]), int(record["seed"]), int(record["frame"])
        zoom = Zoom(**record["zoom"]) if record["zoom"] else None
        before, made_by = record["model"], record["engine"]["name"]
        sources = {
            role: _located(source, path)
            for role, source in {"image": record["image"], **_files(record)}.items()
        }
        name = before["name"]
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise RecipeError(
            f"{path}: its recipe cannot be read ({type(e).__name__}: {e}); was it written by a "
            "newer deepdream?"
        ) from None
    moved = {"image": image_path, "guide": guide_path, "mask": mask_path}
    where = {role: moved.get(role) or source["path"] for role, source in sources.items()}
    for role, source in sources.items():
        _check_source(role, where[role], source["sha1"])
    # the first recipes had no scale, because no net had one
    asked = nets.find(
        model or name, before.get("mean"), before.get("channel_order"), before.get("scale", 1)
    )
    _check_model(before, asked)
    job = prepare(
        where.pop("image"),
        dream,
        model=asked,
        engine=engine or engines.name_of_recorded(made_by),
        gpu=gpu,
        guide_path=where.pop("guide", None),
        mask_path=where.pop("mask", None),
        zoom=zoom and replace(zoom, frames=frame + 1),
        seed=seed,
        where=where,
    )
    return Repeat(job, frame, _differences(record, json.loads(recipe(job, path, frame))))


def _differences(before: Dict[str, Any], now: Dict[str, Any]) -> List[str]:
    lines = []
    for group in ("engine", "libraries"):
        for key in sorted(set(before[group]) | set(now[group])):
            was, is_now = before[group].get(key), now[group].get(key)
            if was != is_now:
                lines.append(f"{group} {key}: was {was}, is {is_now}")
    return lines


def _located(source: Dict[str, str], picture: str) -> Dict[str, str]:
    """A recipe's source, its path relative to the working directory and not to the picture's
    folder."""
    folder = os.path.dirname(os.path.abspath(picture))
    return {**source, "path": os.path.normpath(os.path.join(folder, source["path"]))}


def _files(record: Dict[str, Any]) -> Dict[str, Any]:
    """A recipe's further pictures; the first recipes had a guide alone."""
    if "files" in record:
        return dict(record["files"])
    return {"guide": record["guide"]} if record["guide"] else {}


def _check_source(role: str, path: str, sha1: str) -> None:
    if not os.path.exists(path):
        known = role in _ROLES
        remedy = "" if known else "; put it there again"
        raise ImageError(
            f"the {role} it was made from is gone: {path}{remedy}", role=role if known else ""
        )
    digest = file_sha1(path)
    if digest != sha1:
        raise RecipeError(f"{path}: is not the {role} it was made from (SHA1 {sha1}, now {digest})")


def _check_model(before: Dict[str, Any], model: nets.Model) -> None:
    for key, path in (("weights_sha1", model.weights), ("deploy_sha1", model.deploy)):
        if not path.is_file():
            return  # opening it says how to get it
        digest = file_sha1(path)
        if digest != before[key]:
            raise ModelError(
                f"{path}: is not the file it was made with (SHA1 {before[key]}, now {digest})"
            )
