"""What the page asks for, read with bounds, and what it means: the request of a dream."""

import json
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Tuple

from .. import nets
from ..dream import smoothing
from ..dream.octaves import BYTES_PER_PIXEL
from ..errors import TargetError
from ..nets.labels import class_number
from ..request import fields, schema
from ..request.expression import Expression, spelt_out
from ..request.job import Job, Request
from ..request.own_settings import own_settings
from ..request.target import wanted_layers
from ..settings import PICTURE, WEB, ZOOM, Dream, Picture, Zoom
from .kept import Kept, Pictures
from .models import Models

MOST_GUIDES = 4
MOST_FRAMES = 60
BYTES_BESIDE = BYTES_PER_PIXEL + 64  # with the pictures of its steps
_ID = fields.Text(20, form="[0-9a-f]{20}", words="the picture's number here")
_FLAG = fields.Choice((True, False), default=False)
_CHANNEL = fields.Whole(0, 1_000_000)


def _settings() -> fields.Table:
    """Those of a recipe, within what a person will wait for."""
    known = dict(schema.SETTINGS.fields)
    for name, most in (("iterations", 1000), ("octaves", 16), ("jitter", 1024)):
        known[name] = replace(known[name], high=most)  # type: ignore[type-var]
    known["guide_weights"] = fields.Many(schema.GUIDE_WEIGHT, 0, MOST_GUIDES, default=[])
    return fields.Table(known)


FORM = fields.Table(
    {
        "model": fields.Text(200),
        "image": _ID,
        "guides": fields.Many(_ID, 0, MOST_GUIDES, default=[]),
        "mask": fields.Text(20, default=None, form=_ID.form, words=_ID.words),
        "channels": fields.Many(_CHANNEL, 0, 100, default=[]),
        "settings": _settings(),
        "seed": fields.Whole(0, 2**32 - 1, default=None),
        "max_size": fields.Whole(16, WEB.largest),
        "keep_colours": _FLAG,
        "frames": fields.Whole(1, MOST_FRAMES, default=1),
        "scale": fields.Number(0, 0.5, default=ZOOM.scale),
    }
)


@dataclass(frozen=True)
class Asked:
    """A dream that a page asks for: every name is known, every number within its bounds.

    named: {picture in the objective's text: that picture}.
    """

    model: nets.Model
    image: Kept
    guides: Tuple[Kept, ...]
    mask: Optional[Kept]
    named: Dict[str, Kept]
    dream: Dream
    picture: Picture
    zoom: Optional[Zoom]
    seed: Optional[int]

    @property
    def pictures(self) -> List[Kept]:
        """All that it needs."""
        masks = [self.mask] if self.mask else []
        return [self.image, *self.guides, *masks, *self.named.values()]

    def request(self, **how: Any) -> Request:
        """The Request of it; `how`: engine, gpu, tiling and before. Raises DreamError."""
        own = own_settings(self.model)
        return Request(
            self.dream,
            model=self.model,
            guide_paths=[str(one.path) for one in self.guides],
            mask_path=str(self.mask.path) if self.mask else None,
            zoom=self.zoom,
            where={name: str(one.path) for name, one in self.named.items()},
            beside=BYTES_BESIDE,
            picture=self.picture,
            # as on the command line, where this is what leaving out the option means
            fewer_octaves="octaves" in own and own["octaves"] == self.dream.octaves,
            **how,
        )

    def with_names(self, job: Job) -> Job:
        """The job with the names that a recipe gives to its pictures: those that people know."""
        names = {str(one.path): one.name for one in self.pictures}
        sources = (s._replace(called=names.get(str(s.path), s.called)) for s in job.sources)
        return replace(job, sources=tuple(sources))


def read(text: str, models: Models, pictures: Pictures) -> Asked:
    """What a page's JSON asks for.

    Raises:
        DreamError: it asks for what there is not, or what cannot be; with what is allowed.
    """
    form = FORM.read(fields.parse(text))
    model, description = models.get(form["model"])
    guides = [pictures.get(key) for key in dict.fromkeys(form["guides"])]
    mask = pictures.get(form["mask"]) if form["mask"] else None
    dream = Dream(**form["settings"])
    _check_smooth(dream)
    if form["channels"]:
        dream = _of_channels(dream, form["channels"])
    expression = Expression(dream.objective) if dream.objective else None
    named = _named(expression, guides, mask)
    if expression is not None:  # its pictures are those that it names
        guides, dream = [], replace(dream, guide_weights=())
    _check_target(model, description, dream.end, expression)
    if form["frames"] > 1 and form["keep_colours"]:
        raise TargetError("a zoom cannot keep the photograph's colours; take one frame, or not")
    return Asked(
        model=model,
        image=pictures.get(form["image"]),
        guides=tuple(guides),
        mask=mask,
        named=named,
        dream=dream,
        picture=replace(PICTURE, max_size=form["max_size"], keep_colours=form["keep_colours"]),
        zoom=Zoom(form["frames"], form["scale"]) if form["frames"] > 1 else None,
        seed=form["seed"],
    )


def _of_channels(dream: Dream, channels: List[int]) -> Dream:
    if dream.objective:
        raise TargetError("channels are of a layer; write channel(...) in the objective")
    listed = ", ".join(map(str, channels))
    text = f"channel({json.dumps(dream.end)}, {listed})"
    return replace(dream, objective=text, end="")


def _named(
    expression: Optional[Expression], guides: List[Kept], mask: Optional[Kept]
) -> Dict[str, Kept]:
    """The pictures that an objective names, among those of the page and no others.

    Raises:
        TargetError: it names one that is not there.
    """
    here = {one.name: one for one in [*guides, *([mask] if mask else [])]}
    files = list(dict.fromkeys(expression.files)) if expression else []
    for name in files:
        if name not in here:
            there = f"here are {', '.join(here)}" if here else "drop it there as a guide first"
            raise TargetError(
                f"the objective names the picture {fields.shown(name)}, which is not on the page; "
                f"{there}"
            )
    return {name: here[name] for name in files}


def _check_target(
    model: nets.Model, description: Any, end: str, expression: Optional[Expression]
) -> None:
    """Raise TargetError or ModelError for layers and classes that the net has not."""
    end, expression = spelt_out(description, end, expression)
    names = expression.classes if expression else []
    scored = [class_number(model, str(name))[0] for name in names]
    count = len(nets.classes(model))
    wanted_layers(description, expression, end or model.end, count, scored)


def _check_smooth(dream: Dream) -> None:
    try:
        smoothing.named(dream.smooth)
    except ValueError as e:
        raise TargetError(str(e)) from None
