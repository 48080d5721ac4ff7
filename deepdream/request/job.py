"""A request with everything checked and loaded, the pictures it makes, and the recipe that makes them again."""

import json
import os
import platform
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, Optional

import numpy as np

from ..dream.octaves import deepdream, octave_sizes
from ..dream.zoom import zoom
from ..errors import ImageError, ModelError, RecipeError, TargetError
from ..nets import engine as engines
from ..nets import model as models
from ..nets import preflight
from ..nets.any_size import any_size
from ..pictures import load, read_recipe
from ..settings import DEFAULT_ENGINE, DEFAULT_MODEL, Dream, Zoom
from ..version import __version__
from .expression import Expression, load_mask
from .target import Target, last_of, wanted_layers

_OTHER_COMMANDS = {"deepdream match", "deepdream classes"}


@dataclass(frozen=True)
class Job:
    """What to dream: every field is checked, `net` is loaded. `zoom` is None for a single picture.

    `net` is the model's own, or one made to take `any_size`. `files`: every picture that the request names besides `image`, by what it is
    called there.
    """

    caffe: Any
    net: Any
    model: models.Model
    image_path: str
    pixels: np.ndarray
    target: Target
    files: Dict[str, str]
    dream: Dream
    zoom: Optional[Zoom]
    seed: int
    gpu: Optional[int]
    any_size: bool

    @property
    def end(self):
        """The layer of `net` where the forward pass ends."""
        return self.target.end


def prepare(
    image_path,
    dream,
    *,
    model=DEFAULT_MODEL,
    engine=DEFAULT_ENGINE,
    gpu=None,
    guide_path=None,
    mask_path=None,
    zoom=None,
    seed=None,
    where=None,
):
    """Check a request and load what it needs; everything that can be wrong is found here, before any dreaming.

    dream: a Dream; its `end` "" means the model's own default. model: a name, a folder or a Model. seed: None draws one. where: {file in the
    objective's text: where it is now}. Raises DreamError.
    """
    pixels = load(image_path)
    guide = load(guide_path) if guide_path else None
    mask = load_mask(mask_path) if mask_path else None
    expression = Expression(dream.objective) if dream.objective else None
    if expression and guide_path:
        raise TargetError(
            'give --guide or --objective; within an objective write guide("layer", "picture.jpg")'
        )
    where = where or {}
    named = {name: where.get(name, name) for name in (expression.files if expression else [])}
    for path in named.values():
        load(path)
    found = model if isinstance(model, models.Model) else models.find(model)
    for name in expression.classes if expression else []:
        models.class_number(found, str(name))
    dream = replace(dream, end=dream.end or found.end)
    caffe = engines.load(engine)
    description = models.description(found, caffe)
    layers, score_layer = wanted_layers(description, expression, dream.end)
    sizes = octave_sizes(pixels.shape[0], pixels.shape[1], dream.octaves, dream.octave_scale)
    guide_size = None if guide is None else guide.shape[:2]
    files, names = found, {}
    asked = [*sizes, guide_size] if guide_size else sizes
    if (
        any(preflight.needs_any_size(description, layer, asked) for layer in layers)
        and found.weights.is_file()
    ):
        files, names = any_size(found, caffe)
        description = models.description(files, caffe)
    layers = [names.get(layer, layer) for layer in layers]
    end = last_of(description, layers)
    preflight.check_octaves(description, end, sizes)
    if guide_size:
        preflight.check_guide(description, end, guide_size)
    if gpu is None:
        preflight.check_memory(description, end, sizes[0], caffe)
    else:
        engines.use_gpu(caffe, gpu)
    net = models.build(files, description, caffe)
    preflight.check_on_engine(caffe, description, end, sizes, guide_size)
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "little")
    target = Target(
        tuple(layers),
        end,
        expression,
        names.get(score_layer, score_layer),
        names,
        named,
        guide,
        mask,
    )
    others = {
        **({"guide": guide_path} if guide_path else {}),
        **({"mask": mask_path} if mask_path else {}),
        **named,
    }
    return Job(
        caffe,
        net,
        found,
        image_path,
        pixels,
        target,
        others,
        dream,
        zoom,
        seed,
        gpu,
        files is not found,
    )


def objective(job):
    """What make_step is given for this job: a function of the notebook's kind, or an Objective."""
    return job.target.objective(job.net, job.model)


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
            "files": {name: _source(path, out) for name, path in job.files.items()},
            "model": {
                "name": job.model.name,
                "weights_sha1": models.file_sha1(job.model.weights),
                "deploy_sha1": models.file_sha1(job.model.deploy),
                "mean": list(job.model.mean),
                "channel_order": job.model.channel_order,
            },
            "engine": {
                **engines.describe(job.caffe),
                **({} if job.gpu is None else {"gpu": job.gpu}),
            },
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


def from_recipe(path, image_path=None, guide_path=None, engine=None, gpu=None, mask_path=None):
    """(job, frame, differences): the job that made the picture at `path`, which of its pictures that was, and a list
    of what differs here from when it was made, one line each.

    image_path, guide_path, mask_path: where the source pictures are now, if they have moved. Raises RecipeError if it cannot be
    made again.
    """
    text = read_recipe(path)
    if not text:
        raise RecipeError(
            f"{path}: carries no recipe; only pictures that deepdream wrote can be replayed"
        )
    try:
        found = json.loads(text)
    except ValueError as e:
        raise RecipeError(f"{path}: its recipe cannot be read ({e})") from None
    for command in set(found) & _OTHER_COMMANDS:
        raise RecipeError(
            f"{path}: was made by `{command}`, which replay does not repeat; its settings were {json.dumps(found[command])}"
        )
    return follow_recipe(
        found,
        path,
        image_path=image_path,
        guide_path=guide_path,
        mask_path=mask_path,
        engine=engine,
        gpu=gpu,
    )


def follow_recipe(
    r, path, *, image_path=None, guide_path=None, mask_path=None, model=None, engine=None, gpu=None
):
    """As from_recipe, of a recipe that was read from `path`; model: where the model is now, if not where it was."""
    try:
        dream, seed, frame = Dream(**r["settings"]), int(r["seed"]), int(r["frame"])
        zoom_settings = Zoom(**r["zoom"]) if r["zoom"] else None
        name, made_by = r["model"]["name"], r["engine"]
        sources = {
            "image": _found(r["image"], path),
            **{what: _found(item, path) for what, item in _files(r).items()},
        }
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise RecipeError(
            f"{path}: its recipe cannot be read ({type(e).__name__}: {e}); was it written by a newer deepdream?"
        ) from None
    moved = {"image": image_path, "guide": guide_path, "mask": mask_path}
    for what, item in sources.items():
        item["path"] = moved.get(what) or item["path"]
        _check_source(what, item)
    where = {what: item["path"] for what, item in sources.items()}
    if zoom_settings:
        zoom_settings = replace(zoom_settings, frames=frame + 1)
    own_engine = {"caffe": "caffe", "caffe_compat": "compat"}.get(made_by["name"], DEFAULT_ENGINE)
    found = models.find(model or name, r["model"].get("mean"), r["model"].get("channel_order"))
    _check_model(r["model"], found)
    job = prepare(
        where.pop("image"), dream, model=found, engine=engine or own_engine, gpu=gpu,
        guide_path=where.pop("guide", None), mask_path=where.pop("mask", None), zoom=zoom_settings, seed=seed, where=where,
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


def _files(r):
    """A recipe's further pictures; the first recipes had a guide alone."""
    return r["files"] if "files" in r else {"guide": r["guide"]} if r["guide"] else {}


def _check_source(what, item):
    if not os.path.exists(item["path"]):
        remedy = (
            f"say where it is with --{what}"
            if what in ("image", "guide", "mask")
            else "put it there again"
        )
        raise ImageError(f"the {what} it was made from is gone: {item['path']}; {remedy}")
    found = models.file_sha1(item["path"])
    if found != item["sha1"]:
        raise RecipeError(
            f"{item['path']}: is not the {what} it was made from (SHA1 {item['sha1']}, now {found})"
        )


def _check_model(before, model):
    for key, path in (("weights_sha1", model.weights), ("deploy_sha1", model.deploy)):
        if not path.is_file():
            return  # prepare says how to get it
        found = models.file_sha1(path)
        if found != before[key]:
            raise ModelError(
                f"{path}: is not the file it was made with (SHA1 {before[key]}, now {found})"
            )
