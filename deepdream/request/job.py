"""A request with everything checked and loaded, and the pictures that it makes."""

import os
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from netfile.files import file_sha1
from netfile.terminal import counted

from .. import nets
from ..dream import smoothing
from ..dream.octaves import BYTES_PER_PIXEL, Progress, StopDream, deepdream, octave_sizes
from ..dream.tiles import Passes
from ..dream.zoom import zoom
from ..errors import NotFiniteError, Size, SizeError, TargetError, ZeroGradientError
from ..nets.labels import class_number, classes
from ..nets.memory import of_net
from ..pictures import Photo, load_mask, read, with_colours_of
from ..pictures.resize import at_most, size_at_most
from ..settings import DEFAULT_ENGINE, DEFAULT_MODEL, PICTURE, Dream, Picture, Zoom
from .expression import Context, Expression, spelt_out
from .memory_watch import MemoryWatch
from .target import Guide, Target, wanted_layers

_TILING = nets.Tiling()  # tiles of any size, where they are needed
_TRIED = 224  # pixels; the height and width of the picture that a step is timed on


class Source(NamedTuple):
    """A picture that a request reads.

    role: "image", "guide", "mask", or "objective" for what the objective's text calls `name`.
    called: what a recipe calls it, where that is not its path.
    """

    role: str
    name: str
    path: str
    sha1: str
    called: str = ""


class Stop(NamedTuple):
    """The last step that was taken of a dream that was stopped; both are counted from 1."""

    octave: int
    step: int


class Reached(NamedTuple):
    """How far a zoom is: all that the frames to come depend on.

    done: the frames that are made. frame: the last of them, RGB float32 (H, W, 3), before anything
    is done to its colours. generator: the state of the random numbers after
    it, as RandomState.set_state takes it.
    """

    done: int
    frame: np.ndarray
    generator: Any


@dataclass(frozen=True)
class Job:
    """What to dream: every field is checked, and the net is open. `zoom` is None for a single
    picture.

    `photo` is the picture as it was read, `pixels` as it is dreamt on. `sources`: every picture
    that the request reads. `model_sha1`: as `hashes` gives it. `stopped`: where the dream ends, if
    not after all its steps.
    """

    opened: nets.OpenNet
    context: Context
    image_path: str
    photo: Photo
    pixels: np.ndarray
    target: Target
    sources: Tuple[Source, ...]
    model_sha1: Dict[str, str]
    dream: Dream
    picture: Picture
    zoom: Optional[Zoom]
    seed: int
    gpu: Optional[int]
    stopped: Optional[Stop] = None

    @property
    def net(self) -> Any:
        return self.opened.net

    @property
    def end(self) -> str:
        """The layer of the net where a forward pass ends."""
        return self.target.end

    def objective(self) -> Any:
        """What make_step is given: a function of the notebook's kind, or an Objective."""
        return self.target.objective(self.context, by_tiles=self.opened.tile is not None)


def hashes(model: nets.Model) -> Dict[str, str]:
    """SHA1 of a model's two files, as a recipe calls them."""
    return {"weights_sha1": file_sha1(model.weights), "deploy_sha1": file_sha1(model.deploy)}


class Request:
    """What is asked for beside the picture, checked and loaded once, for one picture or many.

    One net serves all of them, where their sizes allow that.

    Args:
        dream: an `end` of "" means the model's own default; layers may have short names, which the
            Job spells out.
        model: a name, a folder or a Model.
        guide_paths: pictures to be more like, each with its weight in `dream.guide_weights`.
        where: {file in the objective's text: where it is now}.
        beside: bytes that the caller will keep for each pixel, beside the net.
        model_sha1: the model's `hashes`, where they are known.
        picture: what is done to the photograph, and to its dream.
        tiling: how tiles may be used for a picture that is too large for one pass; None: not at
            all.

    Raises:
        DreamError: the request cannot be met, whatever the picture is.
    """

    def __init__(
        self,
        dream: Dream,
        *,
        model: Union[str, nets.Model] = DEFAULT_MODEL,
        engine: str = DEFAULT_ENGINE,
        gpu: Optional[int] = None,
        guide_paths: Sequence[str] = (),
        mask_path: Optional[str] = None,
        zoom: Optional[Zoom] = None,
        where: Optional[Dict[str, str]] = None,
        beside: int = BYTES_PER_PIXEL,
        model_sha1: Optional[Dict[str, str]] = None,
        picture: Picture = PICTURE,
        tiling: Optional[nets.Tiling] = _TILING,
    ) -> None:
        try:
            smoothing.named(dream.smooth)
        except ValueError as e:
            raise TargetError(str(e)) from None
        self.model = model if isinstance(model, nets.Model) else nets.find(model)
        self.dream = replace(dream, end=dream.end or nets.default_end(self.model, engine))
        self.expression = Expression(dream.objective) if dream.objective else None
        if self.expression and guide_paths:
            raise TargetError(
                'a guide and an objective exclude each other; write guide("layer", "picture.jpg") '
                "in the objective"
            )
        guides = [read(path, picture.profiles) for path in guide_paths]
        _check_guides(guide_paths, dream.guide_weights)
        weights = dream.guide_weights or [1.0] * len(guides)
        self._guides = tuple(Guide(one.pixels, weight) for one, weight in zip(guides, weights))
        self._mask = load_mask(mask_path) if mask_path else None
        files = self.expression.files if self.expression else []
        self._named = {name: (where or {}).get(name, name) for name in files}
        named = [read(path, picture.profiles) for path in self._named.values()]
        self._converts = any(one.converted for one in [*guides, *named])
        names = self.expression.classes if self.expression else []
        self._scored = [class_number(self.model, str(name))[0] for name in names]
        self._engine, self._gpu, self._beside = engine, gpu, beside
        self._zoom, self.picture, self._model_sha1 = zoom, picture, model_sha1
        self._tiling = tiling
        self._places = [("guide", str(path), path) for path in guide_paths]
        self._places += [("mask", str(mask_path), mask_path)] if mask_path else []
        self._places += [("objective", name, path) for name, path in self._named.items()]
        self._sources: Optional[Tuple[Source, ...]] = None
        self._opened: Optional[nets.OpenNet] = None
        self._holds = 0  # bytes that the passes of this net take, since there were some

    @property
    def inputs(self) -> List[Any]:
        """The files that it reads beside the picture."""
        return [*(path for _, _, path in self._places), self.model.weights, self.model.deploy]

    def sources(self) -> Tuple[Source, ...]:
        """The pictures that it reads beside the one to dream on."""
        if self._sources is None:
            self._sources = tuple(Source(*place, file_sha1(place[2])) for place in self._places)
        return self._sources

    def model_sha1(self) -> Dict[str, str]:
        """The model's `hashes`."""
        self._model_sha1 = self._model_sha1 or hashes(self.model)
        return dict(self._model_sha1)

    def open(self, size: Size) -> nets.OpenNet:
        """The net, ready for a photograph of this (height, width).

        Raises:
            SizeError: the size does not suit it.
            DreamError: no picture would.
        """
        height, width = size_at_most(size, self.picture.max_size)
        dream = self.dream
        opened = nets.open(
            self.model,
            self._engine,
            layers=self._layers,
            sizes=octave_sizes(height, width, dream.octaves, dream.octave_scale),
            guide_sizes=[guide.picture.shape[:2] for guide in self._guides],
            beside=self._beside,
            gpu=self._gpu,
            before=self._opened,
            tiling=self._tiling,
        )
        if self._opened is None or opened.net is not self._opened.net:
            self._holds = 0
        self._opened = replace(opened, holds=self._holds)
        return opened

    def _layers(self, description: Any) -> List[str]:
        """The layers that are wanted of a net; the dream's short names become full ones."""
        end, self.expression = spelt_out(description, self.dream.end, self.expression)
        text = self.expression.text if self.expression else ""
        self.dream = replace(self.dream, end=end, objective=text)
        count = len(classes(self.model))
        return wanted_layers(description, self.expression, end, count, self._scored)

    def job(
        self,
        image_path: str,
        seed: Optional[int] = None,
        *,
        called: str = "",
        stopped: Optional[Stop] = None,
    ) -> Job:
        """The job of one picture; everything that can be wrong shows here, before any dreaming.

        Args:
            seed: of the jitter; None draws one.
            called: what a recipe calls the picture, where that is not its path.
            stopped: where the dream ends, if not after all its steps.

        Raises:
            DreamError: the request cannot be met.
        """
        photo = read(image_path, self.picture.profiles)
        self._opened = opened = self.open(photo.pixels.shape[:2])
        self._holds = opened.holds
        pixels = at_most(photo.pixels, self.picture.max_size)
        # what a recipe need not tell is left out of it
        picture = replace(self.picture, profiles=self._converts or photo.converted)
        score_layer = opened.output.scores if self._scored else ""
        context = Context(
            opened.net, self.model, opened.names, self._named, score_layer, picture.profiles
        )
        image = Source("image", str(image_path), str(image_path), file_sha1(image_path), called)
        return Job(
            opened=opened,
            context=context,
            image_path=image_path,
            photo=photo._replace(pixels=pixels),  # the large one is not kept
            pixels=pixels,
            target=Target(opened.end, self.expression, self._guides, self._mask),
            sources=(image, *self.sources()),
            model_sha1=self.model_sha1(),
            dream=self.dream,
            picture=picture,
            zoom=self._zoom,
            seed=new_seed() if seed is None else seed,
            gpu=self._gpu,
            stopped=stopped,
        )


def prepare(image_path: str, dream: Dream, *, seed: Optional[int] = None, **request: Any) -> Job:
    """The job of one picture, all of it checked; `request` and the errors are those of Request."""
    return Request(dream, **request).job(image_path, seed)


def new_seed() -> int:
    return int.from_bytes(os.urandom(4), "little")


def _check_guides(paths: Sequence[str], weights: Sequence[float]) -> None:
    if weights and len(weights) != len(paths):
        raise TargetError(
            f"{counted(len(paths), 'guide')} cannot have {counted(len(weights), 'weight')}; give "
            "each guide one"
        )
    real = [os.path.realpath(path) for path in paths]
    for number, path in enumerate(paths):
        if real[number] in real[:number]:
            raise TargetError(f"{path}: is a guide twice; give it once, with a larger weight")


def pixel_steps(job: Job) -> int:
    """The work of one of the job's pictures: the pixels of each octave times its steps."""
    height, width = job.pixels.shape[:2]
    sizes = octave_sizes(height, width, job.dream.octaves, job.dream.octave_scale)
    return sum(h * w * n for (h, w), n in zip(sizes[::-1], steps(job)))


def steps(job: Job) -> List[int]:
    """The steps of each octave of one of the job's pictures, from the smallest up."""
    whole = [job.dream.iterations] * job.dream.octaves
    if job.stopped is None:
        return whole
    octave, step = job.stopped
    return [*whole[: octave - 1], step, *[0] * (job.dream.octaves - octave)]


def memory(job: Job) -> int:
    """About how many bytes the job takes, its net among them."""
    return of_net(job.opened, [job.pixels.shape[:2]], beside=BYTES_PER_PIXEL)


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
    since: Optional[Reached] = None,
    reached: Callable[[Reached], None] = lambda reached: None,
    passes: Optional[Passes] = None,
) -> Iterator[np.ndarray]:
    """The job's pictures, float32 RGB (H, W, 3): one, or `zoom.frames` of them.

    Args:
        report: called with a Progress after every step; it may raise StopDream.
        wrap: called with the objective, returns the one to use.
        since: where to go on; what was made before is not made again.
        reached: called before each picture.
        passes: what makes the gradients of tiles, if not the job's net.
    """
    watch = MemoryWatch(memory(job)) if job.opened.tile else None

    def reported(p: Progress) -> None:
        if report:
            report(p)
        if watch:
            watch(p)
        if job.stopped == (p.octave, p.step):
            raise StopDream

    d, rng = job.dream, np.random.RandomState(job.seed)
    frame, done = (since.frame, since.done) if since else (job.pixels, 0)
    if since and since.generator is not None:
        rng.set_state(since.generator)
    params: Dict[str, Any] = dict(
        iter_n=d.iterations,
        octave_n=d.octaves,
        octave_scale=d.octave_scale,
        end=job.end,
        clip=d.clip,
        step_size=d.step_size,
        jitter=d.jitter,
        objective=wrap(job.objective()),
        smoothing=smoothing.named(d.smooth),
        rng=rng,
        report=reported,
        tile=job.opened.tile,
        passes=passes,
    )
    frames, scale = (job.zoom.frames, job.zoom.scale) if job.zoom else (1, 0.0)
    for picture in zoom(job.net, frame, frames, scale, done, **params):
        done += 1
        reached(Reached(done, picture, rng.get_state()))
        yield with_colours_of(job.pixels, picture) if job.picture.keep_colours else picture
