"""A request with everything checked and loaded, the pictures it makes, and the recipe that makes them again."""

import json
import os
import platform
from dataclasses import asdict, dataclass, replace
from typing import Any, Optional

import numpy as np

from . import engine as engines
from . import image, preflight
from . import model as models
from .any_size import any_size
from .errors import ImageError, ModelError, RecipeError
from .objectives import objective_guide, objective_L2
from .octaves import deepdream, guide_features, octave_sizes
from .sequence import zoom
from .settings import DEFAULT_ENGINE, DEFAULT_MODEL, Dream, Zoom
from .version import __version__


@dataclass(frozen=True)
class Job:
    """What to dream: every field is checked, `net` is loaded. `zoom` is None for a single picture.

    `end` is the layer in `net`: dream.end, or what that became where the net was made to take `any_size`.
    """

    caffe: Any
    net: Any
    model: models.Model
    image_path: str
    pixels: np.ndarray
    guide_path: Optional[str]
    guide: Optional[np.ndarray]
    dream: Dream
    zoom: Optional[Zoom]
    seed: int
    gpu: Optional[int]
    end: str
    any_size: bool


def prepare(image_path, dream, *, model=DEFAULT_MODEL, engine=DEFAULT_ENGINE, gpu=None, guide_path=None, zoom=None, seed=None):
    """Check a request and load what it needs; everything that can be wrong is found here, before any dreaming.

    dream: a Dream; its `end` "" means the model's own default. model: a name, a folder or a Model. seed: None draws one.
    Raises DreamError.
    """
    pixels = image.load(image_path)
    guide = image.load(guide_path) if guide_path else None
    found = model if isinstance(model, models.Model) else models.find(model)
    dream = replace(dream, end=dream.end or found.end)
    caffe = engines.load(engine)
    description = models.description(found, caffe)
    preflight.check_end(description, dream.end)
    sizes = octave_sizes(pixels.shape[0], pixels.shape[1], dream.octaves, dream.octave_scale)
    guide_size = None if guide is None else guide.shape[:2]
    files, end = found, dream.end
    if preflight.needs_any_size(description, end, [*sizes, guide_size] if guide_size else sizes) and found.weights.is_file():
        files, names = any_size(found, caffe)
        description, end = models.description(files, caffe), names.get(end, end)
    preflight.check_octaves(description, end, sizes)
    if guide_size:
        preflight.check_guide(description, end, guide_size)
    if gpu is not None:
        engines.use_gpu(caffe, gpu)
    net = models.build(files, description, caffe)
    preflight.check_on_engine(caffe, description, end, sizes, guide_size)
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "little")
    return Job(caffe, net, found, image_path, pixels, guide_path, guide, dream, zoom, seed, gpu, end, files is not found)


def objective(job):
    """The function that writes the target's diff: the guide's if there is a guide, else L2."""
    if job.guide is None:
        return objective_L2
    return objective_guide(guide_features(job.net, job.guide, job.end))


def pictures(job, report=None, wrap=lambda f: f):
    """Yield the job's pictures, float32 RGB (H, W, 3): one, or `zoom.frames` of them.

    report: called with a Progress after every step. wrap: called with the objective, returns the one to use.
    """
    d = job.dream
    params = dict(
        iter_n=d.iterations, octave_n=d.octaves, octave_scale=d.octave_scale, end=job.end, clip=d.clip,
        step_size=d.step_size, jitter=d.jitter, objective=wrap(objective(job)),
        rng=np.random.RandomState(job.seed), report=report,
    )  # fmt: skip
    if job.zoom is None:
        yield deepdream(job.net, job.pixels, **params)
    else:
        yield from zoom(job.net, job.pixels, job.zoom.frames, job.zoom.scale, **params)


def _source(path, out):
    """A source picture: where it is, seen from the folder of `out`, so that no picture tells where its maker lives."""
    try:
        path_from_out = os.path.relpath(path, os.path.dirname(os.path.abspath(out)))
    except ValueError:  # another drive
        path_from_out = os.path.abspath(path)
    return {"path": path_from_out, "sha1": models.file_sha1(path)}


def recipe(job, out, frame=0):
    """The recipe of the job's picture number `frame`, to be written to `out`, as JSON: all that `from_recipe` needs."""
    import PIL
    import scipy

    return json.dumps(
        {
            "deepdream": __version__,
            "image": _source(job.image_path, out),
            "guide": _source(job.guide_path, out) if job.guide_path else None,
            "model": {
                "name": job.model.name,
                "weights_sha1": models.file_sha1(job.model.weights),
                "deploy_sha1": models.file_sha1(job.model.deploy),
            },
            "engine": {**engines.describe(job.caffe), **({} if job.gpu is None else {"gpu": job.gpu})},
            "libraries": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__, "pillow": PIL.__version__},
            "settings": asdict(job.dream),
            "zoom": asdict(job.zoom) if job.zoom else None,
            "frame": frame,
            "seed": job.seed,
        }
    )


def from_recipe(path, image_path=None, guide_path=None, engine=None, gpu=None):
    """(job, frame, differences): the job that made the picture at `path`, which of its pictures that was, and a list
    of what differs here from when it was made, one line each.

    image_path, guide_path: where the source pictures are now, if they have moved. Raises RecipeError if it cannot be
    made again.
    """
    text = image.read_recipe(path)
    if not text:
        raise RecipeError(f"{path}: carries no recipe; only pictures that deepdream wrote can be replayed")
    try:
        found = json.loads(text)
    except ValueError as e:
        raise RecipeError(f"{path}: its recipe cannot be read ({e})") from None
    return follow_recipe(found, path, image_path=image_path, guide_path=guide_path, engine=engine, gpu=gpu)


def follow_recipe(r, path, *, image_path=None, guide_path=None, model=None, engine=None, gpu=None):
    """As from_recipe, of a recipe that was read from `path`; model: where the model is now, if not where it was."""
    try:
        dream, seed, frame = Dream(**r["settings"]), int(r["seed"]), int(r["frame"])
        zoom_settings = Zoom(**r["zoom"]) if r["zoom"] else None
        name, made_by = r["model"]["name"], r["engine"]
        source, guide = _found(r["image"], path), _found(r["guide"], path) if r["guide"] else None
    except (ValueError, KeyError, TypeError) as e:
        raise RecipeError(f"{path}: its recipe cannot be read ({type(e).__name__}: {e}); was it written by a newer deepdream?") from None
    for what, item, moved in (("image", source, image_path), ("guide", guide, guide_path)):
        if item is not None:
            item["path"] = moved or item["path"]
            _check_source(what, item)
    if zoom_settings:
        zoom_settings = replace(zoom_settings, frames=frame + 1)
    own_engine = {"caffe": "caffe", "caffe_compat": "compat"}.get(made_by["name"], DEFAULT_ENGINE)
    found = models.find(model or name)
    _check_model(r["model"], found)
    job = prepare(
        source["path"], dream, model=found, engine=engine or own_engine, gpu=gpu,
        guide_path=guide["path"] if guide else None, zoom=zoom_settings, seed=seed,
    )  # fmt: skip
    now = json.loads(recipe(job, path, frame))
    differences = []
    for group in ("engine", "libraries"):
        for key in sorted(set(r[group]) | set(now[group])):
            before, after = r[group].get(key), now[group].get(key)
            if before != after:
                differences.append(f"{group} {key}: was {before}, is {after}")
    return job, frame, differences


def _found(source, picture):
    """A recipe's source, its path seen from here and not from the picture's folder."""
    folder = os.path.dirname(os.path.abspath(picture))
    return {**source, "path": os.path.normpath(os.path.join(folder, source["path"]))}


def _check_source(what, item):
    if not os.path.exists(item["path"]):
        raise ImageError(f"the {what} it was made from is gone: {item['path']}; say where it is with --{what}")
    found = models.file_sha1(item["path"])
    if found != item["sha1"]:
        raise RecipeError(f"{item['path']}: is not the {what} it was made from (SHA1 {item['sha1']}, now {found})")


def _check_model(before, model):
    for key, path in (("weights_sha1", model.weights), ("deploy_sha1", model.deploy)):
        if not path.is_file():
            return  # prepare says how to get it
        found = models.file_sha1(path)
        if found != before[key]:
            raise ModelError(f"{path}: is not the file it was made with (SHA1 {before[key]}, now {found})")
