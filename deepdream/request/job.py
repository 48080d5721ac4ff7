"""A request with everything checked and loaded, and the pictures that it makes."""

import os
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterator, Optional, Union

import numpy as np

from .. import nets
from ..dream.octaves import BYTES_PER_PIXEL, octave_sizes
from ..dream.zoom import zoom
from ..errors import TargetError
from ..nets.labels import class_number, classes
from ..pictures import load, load_mask
from ..settings import DEFAULT_ENGINE, DEFAULT_MODEL, Dream, Zoom
from .expression import Context, Expression
from .target import Target, wanted_layers


@dataclass(frozen=True)
class Job:
    """What to dream: every field is checked, and the net is open. `zoom` is None for a single
    picture.

    `files`: every picture that the request names besides `image_path`, by what it is called there.
    """

    opened: nets.OpenNet
    context: Context
    image_path: str
    pixels: np.ndarray
    target: Target
    files: Dict[str, str]
    dream: Dream
    zoom: Optional[Zoom]
    seed: int
    gpu: Optional[int]

    @property
    def net(self) -> Any:
        return self.opened.net

    @property
    def end(self) -> str:
        """The layer of the net where a forward pass ends."""
        return self.target.end

    def objective(self) -> Any:
        """What make_step is given: a function of the notebook's kind, or an Objective."""
        return self.target.objective(self.context)


def prepare(
    image_path: str,
    dream: Dream,
    *,
    model: Union[str, nets.Model] = DEFAULT_MODEL,
    engine: str = DEFAULT_ENGINE,
    gpu: Optional[int] = None,
    guide_path: Optional[str] = None,
    mask_path: Optional[str] = None,
    zoom: Optional[Zoom] = None,
    seed: Optional[int] = None,
    where: Optional[Dict[str, str]] = None,
    beside: int = BYTES_PER_PIXEL,
) -> Job:
    """Check a request and load what it needs; everything that can be wrong shows here, before any
    dreaming.

    Args:
        dream: an `end` of "" means the model's own default.
        model: a name, a folder or a Model.
        seed: of the jitter; None draws one.
        where: {file in the objective's text: where it is now}.
        beside: bytes that the caller will keep for each pixel, beside the net.

    Raises:
        DreamError: the request cannot be met.
    """
    pixels = load(image_path)
    guide = load(guide_path) if guide_path else None
    mask = load_mask(mask_path) if mask_path else None
    expression = Expression(dream.objective) if dream.objective else None
    if expression and guide_path:
        raise TargetError(
            'a guide and an objective exclude each other; write guide("layer", "picture.jpg") in '
            "the objective"
        )
    named = {
        name: (where or {}).get(name, name) for name in (expression.files if expression else [])
    }
    for path in named.values():
        load(path)
    asked = model if isinstance(model, nets.Model) else nets.find(model)
    for name in expression.classes if expression else []:
        class_number(asked, str(name))
    dream = replace(dream, end=dream.end or asked.end)
    height, width = pixels.shape[:2]
    opened = nets.open(
        asked,
        engine,
        layers=lambda description: wanted_layers(
            description, expression, dream.end, len(classes(asked))
        ),
        sizes=octave_sizes(height, width, dream.octaves, dream.octave_scale),
        guide_size=None if guide is None else guide.shape[:2],
        beside=beside,
        gpu=gpu,
    )
    scored = expression is not None and bool(expression.classes)
    score_layer = opened.output.scores if scored else ""
    context = Context(opened.net, asked, opened.names, named, score_layer)
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "little")
    roles = {"guide": guide_path, "mask": mask_path}
    files = {**{role: path for role, path in roles.items() if path}, **named}
    target = Target(opened.end, expression, guide, mask)
    return Job(opened, context, image_path, pixels, target, files, dream, zoom, seed, gpu)


def pictures(
    job: Job,
    report: Optional[Callable[..., None]] = None,
    wrap: Callable[[Any], Any] = lambda objective: objective,
) -> Iterator[np.ndarray]:
    """The job's pictures, float32 RGB (H, W, 3): one, or `zoom.frames` of them.

    Args:
        report: called with a Progress after every step.
        wrap: called with the objective, returns the one to use.
    """
    d = job.dream
    params: Dict[str, Any] = dict(
        iter_n=d.iterations,
        octave_n=d.octaves,
        octave_scale=d.octave_scale,
        end=job.end,
        clip=d.clip,
        step_size=d.step_size,
        jitter=d.jitter,
        objective=wrap(job.objective()),
        rng=np.random.RandomState(job.seed),
        report=report,
    )
    frames, scale = (job.zoom.frames, job.zoom.scale) if job.zoom else (1, 0.0)
    return zoom(job.net, job.pixels, frames, scale, **params)
