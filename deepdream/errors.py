"""What can be wrong with a request, in one line: what it is, both values, what to do.

The values are attributes too, so that a program need not read the text. No text here names an
option of the command line; deepdream/cli/advice.py adds those.
"""

from typing import TYPE_CHECKING, Any, Optional, Tuple

from netfile.errors import printable

if TYPE_CHECKING:  # what `import deepdream` loads at once knows no NumPy
    import numpy as np

Size = Tuple[int, int]


class DreamError(Exception):
    """Base of everything that this package raises on purpose.

    resumable: the place of a run that this has stopped, and that can go on.

    Args:
        message: one line for a person.
        values: attributes of the error, each of which its class declares.
    """

    resumable: str = ""

    def __init__(self, message: str = "", **values: Any) -> None:
        super().__init__(printable(message))
        for name, value in values.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no attribute {name}")
            setattr(self, name, value)


class ImageError(DreamError):
    """A picture cannot be read or written.

    role: what it is for ("image", "guide", "mask", "objective"), or "". name: what an objective
    calls it.
    """

    role: str = ""
    name: str = ""


class OutputError(DreamError):
    """A file or folder cannot be written where it was asked for.

    exists: something else is there.
    """

    exists: bool = False


class MissingExtraError(DreamError):
    """A package that only this request needs is not installed; `extra` is the one that brings
    it."""

    extra: str = ""


class DownloadError(DreamError):
    """A file could not be downloaded, or is not what it should be.

    unverified: it has no published hash. unknown_place: no address of it is known.
    """

    unverified: bool = False
    unknown_place: bool = False


class ModelError(DreamError):
    """A model is unknown, incomplete, or its files do not fit each other.

    needs_mean: its folder says nothing of its mean colour. moved: it is not where a recipe says.
    unknown_class: it has no class of the name that was asked for. to_get: its name, where its
    weights are not here and its readme says where they can be had.
    """

    needs_mean: bool = False
    moved: bool = False
    unknown_class: bool = False
    to_get: str = ""


class EngineError(DreamError):
    """An engine or a device is not there. `engine` and `gpu` are what was asked for.

    fast: whether it is its speed at the cost of exactness that is not there.
    """

    engine: str = ""
    gpu: Optional[int] = None
    fast: bool = False


class TargetError(DreamError):
    """The layer, class or objective that was asked for does not exist or cannot be dreamt of.

    layer: its name. instead: a blob that would do. several: the name is short for more than one.
    """

    layer: str = ""
    instead: str = ""
    several: bool = False


class SizeError(DreamError):
    """A picture does not suit the net at these settings.

    size: (height, width) of what does not fit. fits: (height, width) that would. declared: (height,
    width) that the net declares. octaves: the most that would fit, or 0 where fewer would not help.
    enlarge: the factor by which the picture is too small, or 0. on_gpu: it is the memory of a GPU
    that it does not suit. by_tiles: tiles could be used there.
    """

    size: Optional[Size] = None
    fits: Optional[Size] = None
    declared: Optional[Size] = None
    octaves: int = 0
    enlarge: float = 0.0
    on_gpu: bool = False
    by_tiles: bool = False


class ZeroGradientError(DreamError):
    """The objective has no gradient at the picture, so no step can be taken."""


class UnfinishedError(DreamError):
    """Something goes wrong in the middle of a dream or a match.

    picture: the last good one, RGB (H, W, 3), or None.
    """

    picture: "Optional[np.ndarray]" = None


class ShortOfMemoryError(UnfinishedError):
    """The memory that a dream needs is not there any more."""


class DeviceFailedError(UnfinishedError):
    """The GPU has too little memory for a step, or fails in the middle of a dream."""


class NotFiniteError(UnfinishedError):
    """A gradient or a value is not a number. step_size: of the step that failed, or None."""

    step_size: Optional[float] = None


class ClusterError(DreamError):
    """A cluster cannot be used: its scheduler is not there, or a worker is not as this process
    is."""


class LostWorkersError(DreamError):
    """One piece of work ended every worker that began it."""


class AddressError(DreamError):
    """A server cannot listen at the address that was asked for."""


class RecipeError(DreamError):
    """A picture's recipe is missing, or cannot be followed here."""


class ScheduleError(DreamError):
    """A schedule cannot be read, or does not suit its film."""


class FilmError(DreamError):
    """A film cannot be read, or its frames cannot be followed."""


class RecordingError(DreamError):
    """A recording is missing, incomplete, or of another dream. missing: there is none at this
    place."""

    missing: str = ""


class RunError(DreamError):
    """A long run cannot begin in its place, or go on.

    unfinished: the place of another run, which is in the way, and could go on.
    """

    unfinished: str = ""
