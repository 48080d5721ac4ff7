"""A request with everything checked and loaded, and the pictures that it makes."""

import os
from dataclasses import dataclass, replace
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from netfile.system.files import file_sha1
from netfile.terminal import counted

from .. import nets
from ..dream import smoothing
from ..dream.octaves import BYTES_IN_FILES, BYTES_PER_PIXEL, bytes_of_files, octave_sizes
from ..errors import Size, SizeError, TargetError
from ..films.schedule import Schedule
from ..nets.labels import class_number, classes
from ..pictures import Photo, load_mask, read
from ..pictures.arrays import Scratch, is_whole
from ..pictures.files import size_of
from ..pictures.output import check_space
from ..pictures.resize import at_most, size_at_most
from ..settings import DEFAULT_ENGINE, DEFAULT_MODEL, PICTURE, Dream, Picture, Zoom
from . import course
from .expression import Context
from .target import Guide, Target

_TILING = nets.Tiling()  # tiles of any size, where they are needed
_CONSTANT = Schedule()
_OF_A_MASK = 20  # bytes for each pixel, while a mask is laid over the picture


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
    not after all its steps. `schedule`: what of `dream` changes from frame to frame. `new`: makes
    the arrays that are as large as the picture, where these are too large for the memory; `pixels`
    is then one of them.
    """

    opened: nets.OpenNet
    context: Context
    image_path: str
    photo: Photo
    pixels: Any
    target: Target
    sources: Tuple[Source, ...]
    model_sha1: Dict[str, str]
    dream: Dream
    picture: Picture
    zoom: Optional[Zoom]
    seed: int
    gpu: Optional[int]
    stopped: Optional[Stop] = None
    schedule: Schedule = _CONSTANT
    new: Optional[Scratch] = None

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

    def at(self, frame: int) -> "Job":
        """The job with the settings of the frame of this number."""
        dream = self.schedule.at(self.dream, frame)
        if dream == self.dream:
            return self
        target = replace(self.target, expression=course.expression_of(dream))
        if target.expression is None:
            target = replace(target, end=self.opened.names.get(dream.end, dream.end))
        if dream.guide_weights:
            weighted = zip(self.target.guides, dream.guide_weights)
            target = replace(target, guides=tuple(g._replace(weight=w) for g, w in weighted))
        return replace(self, dream=dream, target=target)


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
        fewer_octaves: take as many of the dream's octaves as suit the picture and the net.
        schedule: what of `dream` changes from frame to frame.
        before: what opened this Model earlier; its net is used again where it will do.
        scratch: the folder in which the arrays of a picture may be, by tiles, that would take more
            than half of the memory; "" for nowhere. A zoom has them in memory.

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
        fewer_octaves: bool = False,
        schedule: Schedule = _CONSTANT,
        before: Optional[nets.OpenNet] = None,
        scratch: str = "",
    ) -> None:
        try:
            smoothing.named(dream.smooth)
        except ValueError as e:
            raise TargetError(str(e)) from None
        self.model = model if isinstance(model, nets.Model) else nets.find(model)
        own_end = nets.default_map if guide_paths else nets.default_end
        self.dream = replace(dream, end=dream.end or own_end(self.model, engine))
        self.schedule = schedule
        course.check(self.dream, schedule, len(guide_paths))
        expressions = course.expressions(self.dream, schedule)
        if dream.objective and guide_paths:
            raise TargetError(
                'a guide and an objective exclude each other; write guide("layer", "picture.jpg") '
                "in the objective"
            )
        guides = [read(path, picture.profiles) for path in guide_paths]
        _check_guides(guide_paths, dream.guide_weights)
        weights = dream.guide_weights or [1.0] * len(guides)
        self._guides = tuple(Guide(one.pixels, weight) for one, weight in zip(guides, weights))
        self._mask = load_mask(mask_path) if mask_path else None
        files = [name for one in expressions for name in one.files]
        self._named = {name: (where or {}).get(name, name) for name in files}
        named = [read(path, picture.profiles) for path in self._named.values()]
        self._converts = any(one.converted for one in [*guides, *named])
        names = [name for one in expressions for name in one.classes]
        self._scored = [class_number(self.model, str(name))[0] for name in dict.fromkeys(names)]
        self._engine, self._gpu, self._beside = engine, gpu, beside
        self._zoom, self.picture, self._model_sha1 = zoom, picture, model_sha1
        self._tiling = tiling
        self._octaves, self._fewer_octaves = dream.octaves, fewer_octaves
        places = [("guide", str(path), path) for path in guide_paths]
        places += [("mask", str(mask_path), mask_path)] if mask_path else []
        places += [("objective", name, path) for name, path in self._named.items()]
        self._places = places
        self._sources: Optional[Tuple[Source, ...]] = None
        self._opened = before
        self._scratch = Scratch(scratch) if scratch and tiling and zoom is None else None
        self._new: Optional[Scratch] = None  # of the picture that was last asked for
        # bytes that the passes of this net take, since there were some
        self._holds = before.holds if before else 0

    @property
    def opened(self) -> Optional[nets.OpenNet]:
        """What its last picture opened, for other requests of its Model."""
        return self._opened

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
        """The net, ready for a photograph of this (height, width); `dream` is then that of it.

        Raises:
            SizeError: the size does not suit it.
            DreamError: no picture would.
        """
        try:
            opened = self._open(size, self._octaves)
        except SizeError as e:
            if not (self._fewer_octaves and e.octaves):
                raise
            opened = self._open(size, e.octaves)
        if self._opened is None or opened.net is not self._opened.net:
            self._holds = 0
        self._opened = replace(opened, holds=self._holds)
        return opened

    def _open(self, size: Size, octaves: int) -> nets.OpenNet:
        self.dream = dream = replace(self.dream, octaves=octaves)
        height, width = size_at_most(size, self.picture.max_size)
        self._new = self._files_for((height, width))
        tiling, beside = self._tiling, self._beside
        if self._new and tiling:
            tiling, beside = tiling._replace(always=True), self._beside_files()
        return nets.open(
            self.model,
            self._engine,
            layers=self._layers,
            sizes=octave_sizes(height, width, dream.octaves, dream.octave_scale),
            guide_sizes=[guide.picture.shape[:2] for guide in self._guides],
            beside=beside,
            gpu=self._gpu,
            before=self._opened,
            tiling=tiling,
        )

    def _files_for(self, size: Size) -> Optional[Scratch]:
        """What makes the arrays of a picture of this (height, width), if not the memory."""
        most = self._tiling.most if self._tiling else None
        takes = self._beside * size[0] * size[1]
        return self._scratch if nets.memory.is_much(takes, most, self._holds) else None

    def _beside_files(self) -> int:
        """Bytes of memory that are kept for each pixel of a picture whose arrays are in files."""
        is_masked = self._mask is not None or ".within(" in self.dream.objective
        return BYTES_IN_FILES + (_OF_A_MASK if is_masked else 0)

    def _layers(self, description: Any) -> List[str]:
        """The layers that are wanted of a net; the dream's short names become full ones."""
        self.dream, self.schedule = course.spelt(description, self.dream, self.schedule)
        count = len(classes(self.model))
        return course.layers(description, self.dream, self.schedule, count, self._scored)

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
        scratch = self._scratch and self._files_for(size_of(image_path))
        photo = read(image_path, self.picture.profiles, scratch or np.empty)
        self._opened = opened = self.open(photo.pixels.shape[:2])
        self._holds = opened.holds
        pixels = at_most(photo.pixels, self.picture.max_size)
        if self._new:
            height, width = pixels.shape[:2]
            sizes = octave_sizes(height, width, self.dream.octaves, self.dream.octave_scale)
            check_space(self._new.folder, bytes_of_files(sizes), "what the dream keeps in files")
        elif not is_whole(pixels):
            pixels = pixels[:]
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
            target=Target(opened.end, course.expression_of(self.dream), self._guides, self._mask),
            sources=(image, *self.sources()),
            model_sha1=self.model_sha1(),
            dream=self.dream,
            picture=picture,
            zoom=self._zoom,
            seed=new_seed() if seed is None else seed,
            gpu=self._gpu,
            stopped=stopped,
            schedule=self.schedule,
            new=self._new,
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
