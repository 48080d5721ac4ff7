"""What a recipe may hold: tables of its fields, with bounds and defaults, for every version.

A recipe comes with a picture, from anywhere. Everything that reads one reads it by these tables.
Version 0 is what was written before recipes had a version; it is read as version 1.
"""

import os
from typing import Any, Dict

from ..dream import smoothing
from ..dream.motion import EASINGS
from ..errors import RecipeError
from ..nets.mean import LARGEST, SCALES
from ..settings import DREAM, ZOOM
from .expression import Expression
from .fields import Choice, Either, Field, Many, Mapping, Number, Table, Text, Whole, shown

VERSION = 1
ROLES = ("image", "guide", "mask", "objective")
_MOST_FILES = 256

_FLAG = Choice((True, False))
_SHA1 = Text(40, form="[0-9a-f]{40}", words="40 hexadecimal digits")
_LAYER = Text(1000)
_PATH = Text(4096)  # relative to the picture's folder
GUIDE_WEIGHT = Number(-1_000_000, 1_000_000)
_OBJECTIVE = Text(100_000, default=DREAM.objective, least=0, lines=True)

SETTINGS = Table(
    {
        "end": Text(1000, default=DREAM.end, least=0),
        "iterations": Whole(0, 1_000_000, default=DREAM.iterations),
        "octaves": Whole(1, 64, default=DREAM.octaves),
        "octave_scale": Number(1, 1000, default=DREAM.octave_scale, over=True),
        "step_size": Number(0, 1_000_000, default=DREAM.step_size, over=True),
        "jitter": Whole(0, 2**30 - 1, default=DREAM.jitter),
        "clip": Choice((True, False), default=DREAM.clip),
        "objective": _OBJECTIVE,
        "smooth": Text(
            100, form=smoothing.FORM, words="a smoothing", default=DREAM.smooth, least=0
        ),
        "guide_weights": Many(GUIDE_WEIGHT, 0, _MOST_FILES, default=list(DREAM.guide_weights)),
    }
)
LOOP = Table(
    {
        "frames": Whole(1, 1_000_000, default=ZOOM.frames),
        "scale": Number(0, 0.999, default=ZOOM.scale),
        "centre": Many(Number(0, 1), 2, 2, default=list(ZOOM.centre)),
        "rotate": Number(-180, 180, default=ZOOM.rotate),
        "easing": Choice(tuple(EASINGS), default=ZOOM.easing),
        "first": Whole(0, 999_999, default=ZOOM.first),
    },
    default=None,
)
_NUMBER = Text(6, form="0|[1-9][0-9]*", words="the number of a frame, below 1000000")
_MOST_KEYS = 1000


def _scheduled(item: Field) -> Mapping:
    return Mapping(_NUMBER, item, _MOST_KEYS, default={})


SCHEDULE = Table(
    {
        "end": _scheduled(_LAYER),
        "objective": _scheduled(Text(100_000, lines=True)),
        "step_size": _scheduled(Number(0, 1_000_000, over=True)),
        "guide_weights": _scheduled(Many(GUIDE_WEIGHT, 1, _MOST_FILES)),
        "period": Whole(0, 1_000_000, default=0),
    },
    default=None,
)
PICTURE = Table(
    {
        "max_size": Whole(0, 1_000_000, default=0),
        "keep_colours": _FLAG,
        "profiles": _FLAG,
    },
    default=None,
)
_STOPPED = Table({"octave": Whole(1, 64), "step": Whole(1, 1_000_000)}, default=None)
TILE = Table({"height": Whole(1, 1_000_000), "width": Whole(1, 1_000_000)}, default=None)
INPUT_SCALE = Number(*SCALES, default=None)
SEED = Whole(0, 2**32 - 1)
_MODEL: Dict[str, Field] = {
    "name": _PATH,
    "weights_sha1": _SHA1,
    "deploy_sha1": _SHA1,
    "mean": Many(Number(-LARGEST, LARGEST), 1, 3, default=None),
    "channel_order": Choice(("bgr", "rgb"), default=None),
    "scale": INPUT_SCALE,
}
_FACT = Either(Text(200, least=0), Either(Number(-1e15, 1e15), _FLAG))
_COMMON: Dict[str, Field] = {
    "deepdream": Text(100),
    "engine": Mapping(Text(100), _FACT, 32),
    "libraries": Mapping(Text(100), _FACT, 32),
    "settings": SETTINGS,
    "zoom": LOOP,
    "schedule": SCHEDULE,
    "frame": Whole(0, 999_999, default=0),
    "seed": SEED,
    "picture": PICTURE,
    "stopped": _STOPPED,
    "tile": TILE,
}
_SOURCE_0 = Table({"path": _PATH, "sha1": _SHA1})
_RECIPE_0 = Table(
    {
        **_COMMON,
        "model": Table(_MODEL),
        "image": _SOURCE_0,
        "guide": Table(_SOURCE_0.fields, default=None),
        "files": Mapping(_PATH, _SOURCE_0, _MOST_FILES, default={}),
    }
)
_RECIPE = Table(
    {
        "version": Whole(VERSION, VERSION),
        **_COMMON,
        "model": Table({**_MODEL, "folder": Text(4096, default=None)}),
        "files": Many(
            Table(
                {
                    "role": Choice(ROLES),
                    "name": _PATH,
                    "sha1": _SHA1,
                    "path": Text(4096, default=None),  # where it was, if not at its name
                }
            ),
            1,
            _MOST_FILES,
        ),
    }
)
# what every other command's recipe has; older ones lack what is None here, and are not followed
_MADE: Dict[str, Field] = {
    "model": _PATH,
    "folder": Text(4096, default=None),
    "weights_sha1": _SHA1,
    "deploy_sha1": Text(40, default=None, form=_SHA1.form, words=_SHA1.words),
    "mean": _MODEL["mean"],
    "channel_order": _MODEL["channel_order"],
    "scale": INPUT_SCALE,
    "engine": Mapping(Text(100), _FACT, 32, default=None),
    "libraries": Mapping(Text(100), _FACT, 32, default=None),
    "files": Many(
        Table({"role": Choice(("image", "to")), "name": _PATH, "sha1": _SHA1}), 0, 2, default=None
    ),
}
VIDEO = "deepdream video"
OTHERS = {
    "deepdream match": Table(
        {
            **_MADE,
            "end": _LAYER,
            "enhance": Text(1000, default=None),
            "prior": Text(1000),
            "weight": Number(0, 1e15),
            "evaluations": Whole(1, 1_000_000),
            "octaves": Whole(1, 64),
            "octave_scale": Number(1, 1000, over=True),
        }
    ),
    # beside the recipe of the film's first frame; frame: None in the film itself; offset: how much
    # brighter its scene is made; before: SHA1 of the pixels of the frame that it was dreamt upon
    VIDEO: Table(
        {
            "film": Text(4096),
            "sha1": _SHA1,
            "frame": Whole(0, 999_999, default=None),
            "frames": Whole(1, 1_000_000),
            "blend": Number(0, 1),
            "cut": Number(0, 255),
            # what a frame needs to be made again; older ones lack it
            "offset": Many(Number(-255, 255), 3, 3, default=None),
            "before": Text(40, default=None, form=_SHA1.form, words=_SHA1.words),
        }
    ),
    "deepdream classes": Table(
        {
            **_MADE,
            "class": Text(1000),
            "number": Whole(0, 10**9, default=None),
            "method": Text(100),
            "seed": Whole(0, 2**33),
            "seeds": Many(Whole(0, 2**33), 2, 2, default=None),  # the first, and how many
        }
    ),
}


def read(record: Any) -> Dict[str, Any]:
    """A recipe of any version, checked, as one of the newest.

    Raises:
        RecipeError: it is none; with the field, its value and what is allowed.
    """
    if type(record) is not dict:
        raise RecipeError(f"it is {shown(record)}, not an object")
    if "version" not in record:
        recipe = _as_version_1(_RECIPE_0.read(record))
    elif type(record["version"]) is int and record["version"] > VERSION:
        raise RecipeError(
            f"it is of version {shown(record['version'])}, and this deepdream reads up to "
            f"{VERSION}; use a newer one"
        )
    else:
        recipe = _RECIPE.read(record)
    _check_engine(recipe["engine"])
    _check_files(recipe)
    _check_stopped(recipe)
    if recipe["schedule"]:
        check_schedule(recipe["schedule"], "schedule.")
    frames = recipe["zoom"]["frames"] if recipe["zoom"] else 1
    if recipe["frame"] >= frames:
        raise RecipeError(f"frame is {recipe['frame']}, but the last one is {frames - 1}")
    return recipe


def check_schedule(schedule: Dict[str, Any], within: str = "") -> None:
    """Raise RecipeError for a frame that its period never comes to, and what is no objective.

    within: what comes before the names of its fields.
    """
    period = schedule["period"]
    for name, keys in schedule.items():
        last = max(map(int, keys), default=0) if name != "period" else 0
        if period and last >= period:
            raise RecipeError(
                f"{within}{name} has frame {last}, but {within}period is {period}, so it never "
                "comes"
            )
    for text in schedule["objective"].values():
        Expression(text)


def _check_stopped(recipe: Dict[str, Any]) -> None:
    stopped, settings = recipe["stopped"], recipe["settings"]
    if not stopped:
        return
    if recipe["zoom"]:
        raise RecipeError("stopped is set for one of several frames; only a single picture has it")
    for key, of in (("octave", "octaves"), ("step", "iterations")):
        if stopped[key] > settings[of]:
            raise RecipeError(
                f"stopped.{key} is {stopped[key]}, but settings.{of} is {settings[of]}"
            )


def _check_engine(engine: Dict[str, Any]) -> None:
    for key in ("name", "version"):
        if type(engine.get(key)) is not str:
            raise RecipeError(f"engine.{key} is {shown(engine.get(key))}, not a text")


def _check_files(recipe: Dict[str, Any]) -> None:
    files, settings = recipe["files"], recipe["settings"]
    roles = [source["role"] for source in files]
    for role in ("image", "mask"):
        if roles.count(role) > 1 or (role == "image" and role not in roles):
            raise RecipeError(f'files has the role "{role}" {roles.count(role)} times, not once')
    guides = [source["name"] for source in files if source["role"] == "guide"]
    if len(set(guides)) < len(guides):
        raise RecipeError(f"files lists the guides {shown(guides)}, one of them twice")
    weights, later = settings["guide_weights"], recipe["schedule"] or {"objective": {}}
    texts = filter(None, [settings["objective"], *later["objective"].values()])
    if weights and len(weights) != len(guides):
        raise RecipeError(
            f"settings.guide_weights has {len(weights)} numbers for {len(guides)} guides"
        )
    listed = sorted(source["name"] for source in files if source["role"] == "objective")
    named = sorted({name for text in texts for name in Expression(text).files})
    if listed != named:
        raise RecipeError(
            f"files lists {shown(listed)} for the objective, which names {shown(named)}"
        )


def _as_version_1(record: Dict[str, Any]) -> Dict[str, Any]:
    """A checked recipe of version 0 as one of version 1."""
    image, guide, files = (record.pop(key) for key in ("image", "guide", "files"))
    if guide:
        files = {"guide": guide, **files}
    objective = record["settings"]["objective"]
    named = Expression(objective).files if objective else []
    sources = [{"role": "image", "name": image["path"], **image}]
    for name, source in files.items():
        if name in named:
            sources.append({"role": "objective", "name": name, **source})
        elif name in ("guide", "mask"):
            sources.append({"role": name, "name": source["path"], **source})
        else:
            raise RecipeError(f"files lists {shown(name)}, which is neither guide nor mask")
    model = record.pop("model")
    folder = model["name"]
    model["name"] = os.path.basename(os.path.normpath(folder)) or folder
    model["folder"] = folder if folder != model["name"] else None
    return {"version": VERSION, **record, "model": model, "files": sources}
