"""What can be wrong with a request, said in one line: what, both values, what to do."""


class DreamError(Exception):
    """Base of everything that this package raises on purpose; its text is for the person at the keyboard."""


class ImageError(DreamError):
    """A picture cannot be read or written."""


class OutputError(DreamError):
    """A file or folder cannot be written where it was asked for."""


class MissingExtraError(DreamError):
    """A package that only this request needs is not installed; the text has the command that installs it."""


class DownloadError(DreamError):
    """A file cannot be had, or is not what it should be."""


class ModelError(DreamError):
    """A model is unknown, incomplete, or its files do not fit each other."""


class EngineError(DreamError):
    """An engine or device that is not there."""


class TargetError(DreamError):
    """`end` is not a blob of the net that a dream can start from."""


class SizeError(DreamError):
    """The picture does not suit the net at these settings."""


class ZeroGradientError(DreamError):
    """The objective has no gradient at the picture, so no step can be taken."""


class NotFiniteError(DreamError):
    """A gradient or a value is not a number any more. `picture` is the last good one, RGB (H, W, 3), where there is one."""

    picture = None


class RecipeError(DreamError):
    """A picture's recipe is missing, or cannot be followed here."""


class RecordingError(DreamError):
    """A recording of a dream is missing, incomplete, or of something else than what is compared with it."""
