"""The only home of every default; the notebook's values where the notebook has one."""

import math
from dataclasses import dataclass
from typing import Tuple

DEFAULT_MODEL = "creature_googlenet"
DEFAULT_ENGINE = "auto"


@dataclass(frozen=True)
class Dream:
    """Settings of one dream, under the names of the command line.

    end: the layer whose activations grow. iterations: steps per octave. octave_scale: ratio of one
    octave's size to the next smaller. step_size: mean change of a value per step, in grey levels
    (0-255). jitter: largest shift, in pixels.
    objective: an expression of layers in place of `end` (see expression.py), or "". smooth: what is
    done to a gradient before a step, as smoothing.py names it, or "". guide_weights: of the guides,
    in their order; () is 1 for each.
    """

    end: str = "inception_4c/output"
    iterations: int = 10
    octaves: int = 4
    octave_scale: float = 1.4
    step_size: float = 1.5
    jitter: int = 32
    clip: bool = True
    objective: str = ""
    smooth: str = ""
    guide_weights: Tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for values that no dream can have; recipes in pictures come from
        anywhere."""
        whole = all(isinstance(v, int) for v in (self.iterations, self.octaves, self.jitter))
        if not (
            whole and self.iterations >= 0 and 1 <= self.octaves <= 64 and 0 <= self.jitter < 2**30
        ):
            raise ValueError(f"iterations, octaves or jitter out of range in {self}")
        if not (
            1 < self.octave_scale < math.inf
            and 0 < self.step_size < math.inf
            and isinstance(self.end, str)
            and isinstance(self.objective, str)
            and isinstance(self.smooth, str)
        ):
            raise ValueError(f"octave_scale, step_size or end out of range in {self}")
        object.__setattr__(self, "guide_weights", tuple(map(float, self.guide_weights)))
        if not all(map(math.isfinite, self.guide_weights)):
            raise ValueError(f"guide_weights out of range in {self}")


@dataclass(frozen=True)
class Zoom:
    """Settings of the zoom loop: `scale` is the share of the frame's size that each frame loses at
    its borders.

    centre: (x, y) of the point that stays where it is, as shares of the frame's width and height.
    rotate: degrees that each frame turns, clockwise. easing: how scale and turn are spread over the
    frames, as motion.EASINGS names it. first: the number of the first frame; over 0, the picture is
    the frame before it, and is enlarged before its first dream.
    """

    frames: int = 100
    scale: float = 0.05
    centre: Tuple[float, float] = (0.5, 0.5)
    rotate: float = 0.0
    easing: str = "linear"
    first: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for values that no loop can have."""
        if not (isinstance(self.frames, int) and self.frames >= 1 and 0 <= self.scale < 1):
            raise ValueError(f"frames or scale out of range in {self}")
        object.__setattr__(self, "centre", tuple(map(float, self.centre)))
        if len(self.centre) != 2 or not all(map(math.isfinite, (*self.centre, self.rotate))):
            raise ValueError(f"centre or rotate out of range in {self}")
        if not (isinstance(self.first, int) and self.first >= 0 and isinstance(self.easing, str)):
            raise ValueError(f"first or easing out of range in {self}")


@dataclass(frozen=True)
class Picture:
    """What is done to a photograph before its dream, and to the dream after it.

    max_size: pixels of the longest side, to which a larger photograph is made smaller; 0 for any.
    keep_colours: take the dream's luminance alone, and the colours from the photograph. profiles:
    follow the ICC profiles of pictures.
    """

    max_size: int = 0
    keep_colours: bool = False
    profiles: bool = True


@dataclass(frozen=True)
class Animation:
    """How a dream is shown as it grows.

    side: the longest that an animation has, in pixels. frames: at most, where it is not said after
    how many steps one follows. seconds: its length, as long as each frame is shown from `shortest`
    to `longest` milliseconds; hold: how much longer the last one is.
    """

    side: int = 640
    frames: int = 100
    seconds: int = 6
    shortest: int = 40
    longest: int = 200
    hold: int = 2000


@dataclass(frozen=True)
class Video:
    """Settings of a film's dream.

    blend: the share of the last dream, moved along the flow, in what the next frame dreams on. cut:
    grey levels that a frame differs from the one before, moved along the flow, from which on a
    scene begins. rate: frames a second of a folder of frames. crf: of the H.264 that is written; a
    lower one is better.
    """

    blend: float = 0.5
    cut: float = 30.0
    rate: int = 25
    crf: int = 18

    def __post_init__(self) -> None:
        """Raise ValueError for values that no film can have."""
        if not (0 <= self.blend <= 1 and 0 <= self.cut < math.inf):
            raise ValueError(f"blend or cut out of range in {self}")


@dataclass(frozen=True)
class Match:
    """Settings of objective matching.

    enhance, prior: as the command line writes them. weight: what the prior costs at the start.
    evaluations: of f, at most, per octave. Chosen by eye: few features, made much stronger, change
    a photograph visibly within few evaluations, and at five sizes they become large enough to see.
    """

    enhance: str = "quantile:0.99:12"
    prior: str = "tv"
    weight: float = 0.05
    evaluations: int = 8
    octaves: int = 5
    octave_scale: float = 1.4


@dataclass(frozen=True)
class ClassPictures:
    """Settings of class pictures: `seeds` pictures of each class, the first from `seed`, by one of
    the methods."""

    method: str = "octaves"
    seeds: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Gallery:
    """Settings of a gallery: the side of its pictures in pixels, the seed of the noise and of all
    jitter, and steps per octave, which are the same for all nets, so that these can be compared:
    many on noise, and on a photograph few enough that it can still be seen."""

    size: int = 256
    seed: int = 0
    steps_on_noise: int = 30
    steps_on_photo: int = 15


@dataclass(frozen=True)
class Evaluate:
    """Settings of an evaluation: pictures per pass."""

    batch: int = 32


@dataclass(frozen=True)
class Cluster:
    """How a cluster is used.

    seconds: that its scheduler, and a first worker, may take to answer. ahead: pieces of work that
    are on their way for each worker, so that none waits for the next one. look: seconds from one
    look at the workers to the next while a result is waited for.
    """

    seconds: int = 10
    ahead: int = 2
    look: int = 5


@dataclass(frozen=True)
class Web:
    """The page in the browser, and the bounds of what it may ask for.

    upload_bytes, upload_pixels: of one picture. pictures: that are kept at once, with `kept_bytes`
    in all. results: that are kept. waiting: dreams in the queue. watchers: open pages. max_size:
    pixels of the longest side that the page proposes, and `largest` at most. side, rate, share: the
    longest side of a picture while it grows, in pixels; how many there are a second, at most; and
    the share of a dream's time that they may take.
    """

    host: str = "127.0.0.1"
    port: int = 8015
    upload_bytes: int = 32 << 20
    upload_pixels: int = 40_000_000
    pictures: int = 100
    kept_bytes: int = 1 << 30
    results: int = 24
    waiting: int = 8
    watchers: int = 32
    max_size: int = 640
    largest: int = 4096
    side: int = 960
    rate: float = 8.0
    share: float = 0.07


DREAM = Dream()
ZOOM = Zoom()
PICTURE = Picture()
ANIMATION = Animation()
VIDEO = Video()
MATCH = Match()
CLASS_PICTURES = ClassPictures()
GALLERY = Gallery()
EVALUATE = Evaluate()
CLUSTER = Cluster()
WEB = Web()
