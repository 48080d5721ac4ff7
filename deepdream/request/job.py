"""A request with everything checked and loaded, and the pictures that it makes."""

import os
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from netfile.files import file_sha1
from netfile.terminal import counted

from .. import nets
from ..dream.octaves import BYTES_PER_PIXEL, deepdream, octave_sizes
from ..dream.zoom import zoom
from ..errors import NotFiniteError, SizeError, TargetError, ZeroGradientError
from ..nets.labels import class_number, classes
from ..pictures import load, load_mask
from ..settings import DEFAULT_ENGINE, DEFAULT_MODEL, Dream, Zoom
from .expression import Context, Expression
from .target import Guide, Target, wanted_layers

_TRIED = 224  # pixels; the height and width of the picture that a step is timed on


class Source(NamedTuple):
    """A picture that a request reads.

    role: "image", "guide", "mask", or "objective" for what the objective's text calls `name`.
    """

    role: str
    name: str
    path: str
    sha1: str


@dataclass(frozen=True)
class Job:
    """What to dream: every field is checked, and the net is open. `zoom` is None for a single
    picture.

    `sources`: every picture that the request reads. `model_sha1`: as `hashes` gives it.
    """

    opened: nets.OpenNet
    context: Context
    image_path: str
    pixels: np.ndarray
    target: Target
    sources: Tuple[Source, ...]
    model_sha1: Dict[str, str]
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


def hashes(model: nets.Model) -> Dict[str, str]:
    """SHA1 of a model's two files, as a recipe calls them."""
    return {"weights_sha1": file_sha1(model.weights), "deploy_sha1": file_sha1(model.deploy)}


def prepare(
    image_path: str,
    dream: Dream,
    *,
    model: Union[str, nets.Model] = DEFAULT_MODEL,
    engine: str = DEFAULT_ENGINE,
    gpu: Optional[int] = None,
    guide_paths: Sequence[str] = (),
    mask_path: Optional[str] = None,
    zoom: Optional[Zoom] = None,
    seed: Optional[int] = None,
    where: Optional[Dict[str, str]] = None,
    beside: int = BYTES_PER_PIXEL,
    model_sha1: Optional[Dict[str, str]] = None,
) -> Job:
    """Check a request and load what it needs; everything that can be wrong shows here, before any
    dreaming.

    Args:
        dream: an `end` of "" means the model's own default.
        model: a name, a folder or a Model.
        guide_paths: pictures to be more like, each with its weight in `dream.guide_weights`.
        seed: of the jitter; None draws one.
        where: {file in the objective's text: where it is now}.
        beside: bytes that the caller will keep for each pixel, beside the net.
        model_sha1: the model's `hashes`, where they are known.

    Raises:
        DreamError: the request cannot be met.
    """
    pixels = load(image_path)
    guides = _guides(guide_paths, dream.guide_weights)
    mask = load_mask(mask_path) if mask_path else None
    expression = Expression(dream.objective) if dream.objective else None
    if expression and guides:
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
    names = expression.classes if expression else []
    scored = [class_number(asked, str(name))[0] for name in names]
    dream = replace(dream, end=dream.end or asked.end)
    height, width = pixels.shape[:2]
    opened = nets.open(
        asked,
        engine,
        layers=lambda description: wanted_layers(
            description, expression, dream.end, len(classes(asked)), scored
        ),
        sizes=octave_sizes(height, width, dream.octaves, dream.octave_scale),
        guide_sizes=[guide.picture.shape[:2] for guide in guides],
        beside=beside,
        gpu=gpu,
    )
    score_layer = opened.output.scores if scored else ""
    context = Context(opened.net, asked, opened.names, named, score_layer)
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "little")
    roles = [("image", image_path), *(("guide", path) for path in guide_paths), ("mask", mask_path)]
    wanted = [(role, str(path), path) for role, path in roles if path]
    wanted += [("objective", name, path) for name, path in named.items()]
    return Job(
        opened,
        context,
        image_path,
        pixels,
        Target(opened.end, expression, guides, mask),
        tuple(Source(role, name, str(path), file_sha1(path)) for role, name, path in wanted),
        model_sha1 or hashes(asked),
        dream,
        zoom,
        seed,
        gpu,
    )


def _guides(paths: Sequence[str], weights: Sequence[float]) -> Tuple[Guide, ...]:
    if weights and len(weights) != len(paths):
        raise TargetError(
            f"{counted(len(paths), 'guide')} cannot have {counted(len(weights), 'weight')}; give "
            "each guide one"
        )
    real = [os.path.realpath(path) for path in paths]
    for number, path in enumerate(paths):
        if real[number] in real[:number]:
            raise TargetError(f"{path}: is a guide twice; give it once, with a larger weight")
    return tuple(Guide(load(p), w) for p, w in zip(paths, weights or [1.0] * len(paths)))


def pixel_steps(job: Job) -> int:
    """The work of one of the job's pictures: the pixels of each octave times its steps."""
    height, width = job.pixels.shape[:2]
    sizes = octave_sizes(height, width, job.dream.octaves, job.dream.octave_scale)
    return sum(h * w for h, w in sizes) * job.dream.iterations


def seconds(job: Job, frames: int = 1) -> Optional[float]:
    """About how long `frames` of the job's pictures take, by the second of two steps at a small
    size; None where no step can be taken."""
    if not job.dream.iterations:
        return 0.0

    def objective(dst: Any) -> None:  # a target of its own, which leaves no diffs to the job's
        dst.diff[:] = dst.data

    height, width = job.pixels.shape[:2]
    smallest = octave_sizes(height, width, job.dream.octaves, job.dream.octave_scale)[-1]
    for h, w in ((min(height, _TRIED), min(width, _TRIED)), smallest):
        try:
            for _ in range(2):  # the first makes the net's memory
                started = time.monotonic()
                deepdream(
                    job.net,
                    job.pixels[:h, :w],
                    iter_n=1,
                    octave_n=1,
                    end=job.end,
                    rng=np.random.RandomState(0),
                    objective=objective,
                )
            spent = time.monotonic() - started
            return spent / (h * w) * pixel_steps(job) * frames
        except SizeError:
            continue
        except (NotFiniteError, ZeroGradientError):
            break
    return None


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
