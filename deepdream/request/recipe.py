"""A picture's recipe: all that makes it again, as JSON in its metadata."""

import itertools
import json
import os
import platform
from dataclasses import asdict
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from .. import nets
from ..errors import RecipeError
from ..pictures import check_recipe
from ..settings import ZOOM, Picture, Zoom
from ..version import __version__
from . import fields, schedules, schema
from .expression import Expression
from .job import Job, Source

AS_IT_IS = Picture(profiles=False)  # what is done where a recipe says nothing of it


def recipe(job: Job, out: str, frame: int = 0) -> str:
    """The recipe of the job's picture number `frame`, to be written to `out`, as JSON.

    Raises:
        RecipeError: it could not be read again.
        OutputError: it is too large for `out`.
    """
    names = _names(job, out)
    settings = asdict(job.dream)
    called = {s.name: name for s, name in names.items() if s.role == "objective"}
    if settings["objective"]:
        settings["objective"] = Expression(settings["objective"]).renamed(called)
    if not settings["guide_weights"]:
        del settings["guide_weights"]  # so that those who know of none can read it
    files = dict.fromkeys((s.role, name, s.sha1) for s, name in names.items())
    record = {
        "version": schema.VERSION,
        "deepdream": __version__,
        "files": [dict(zip(("role", "name", "sha1"), file)) for file in files],
        "model": {
            **_model(job.opened.model, out),
            **job.model_sha1,
            "mean": list(job.opened.model.mean),
            "channel_order": job.opened.model.channel_order,
            "scale": job.opened.model.scale,
        },
        **surroundings(job.opened, job.gpu),
        "settings": settings,
        "zoom": _zoom(job.zoom) if job.zoom else None,
        "frame": frame,
        "seed": job.seed,
        **handling(job),
    }
    if job.schedule:
        record["schedule"] = schedules.record(schedules.renamed(job.schedule, called))
    text = json.dumps(record)
    try:
        schema.read(fields.parse(text))
    except RecipeError as e:
        raise RecipeError(f"no recipe can repeat this: {e}") from None
    check_recipe(out, text)
    return text


def _zoom(zoom: Zoom) -> Dict[str, Any]:
    """A zoom's settings; those that the notebook's has not are told only where they are set, so
    that those who know of none can read it."""
    plain = asdict(ZOOM)
    told = asdict(zoom)
    return {k: v for k, v in told.items() if k in ("frames", "scale") or v != plain[k]}


def handling(job: Job) -> Dict[str, Any]:
    """What is done beside the dream, where anything is."""
    told: Dict[str, Any] = {}
    if job.picture != AS_IT_IS:
        told["picture"] = asdict(job.picture)
    if job.stopped:
        told["stopped"] = job.stopped._asdict()
    if job.opened.tile:
        told["tile"] = dict(zip(("height", "width"), job.opened.tile))
    return told


def surroundings(opened: nets.OpenNet, gpu: Optional[int]) -> Dict[str, Any]:
    """What a picture depends on beside its request: the engine and the libraries."""
    on = {} if gpu is None else {"gpu": gpu}
    return {"engine": {**opened.about, **on}, "libraries": libraries()}


def libraries() -> Dict[str, str]:
    """The versions of Python and of the libraries that a picture depends on."""
    import PIL
    import scipy

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "pillow": PIL.__version__,
    }


def model_name(model: nets.Model) -> str:
    """What a recipe calls a model: its name or its folder's, and not where that is."""
    return fields.showable(os.path.basename(os.path.abspath(model.name)))


def _model(model: nets.Model, out: str) -> Dict[str, str]:
    folder = {} if model.name in nets.known() else {"folder": seen_from(out, model.name)}
    return {"name": model_name(model), **folder}


def _names(job: Job, out: str) -> Dict[Source, str]:
    """What a recipe calls the job's pictures: no two files of one role by one name."""
    names: Dict[Source, str] = {}
    paths: Dict[Tuple[str, str], str] = {}
    for source in job.sources:
        path = os.path.realpath(source.path)
        plain = source.called or seen_from(out, source.path)
        same = (f"{number}-{plain}" for number in itertools.count(2))
        name = plain
        while paths.setdefault((source.role, name), path) != path:
            name = next(same)
        names[source] = name
    return names


def seen_from(out: str, path: str) -> str:
    """A path as seen from the folder of `out`, or its last part alone if the two share no folder,
    so that no picture tells where its maker lives."""
    here, there = os.path.dirname(os.path.abspath(out)), os.path.abspath(path)
    try:
        shared = os.path.commonpath([here, there])
    except ValueError:  # another drive
        shared = os.sep
    apart = os.path.dirname(shared) == shared
    name = os.path.basename(there) if apart else os.path.relpath(there, here)
    return fields.showable(name.replace(os.sep, "/"))


def places(job: Job, out: str) -> List[Dict[str, str]]:
    """Where the files of a recipe for `out` are on this machine, which no picture tells."""
    return [
        {"role": source.role, "name": name, "path": os.path.abspath(source.path)}
        for source, name in _names(job, out).items()
    ]
