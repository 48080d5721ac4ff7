"""What can be wrong with a net, its files, or a request: one tree of errors for every package."""

from typing import Any


def printable(text: Any, keep: str = "") -> str:
    """Text that is safe in a terminal, a comment or a page: in one line, nothing invisible.

    Control characters, line ends, odd spaces, marks that turn the direction of text, and lone
    surrogates become escapes such as \\x1b, but for those to keep; letters of every script stay.
    """
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii")
        for c in str(text)
    )


class NetError(Exception):
    """Base of all that reading, building, running or operating on a net raises on purpose.

    Its text may quote names and files of any origin, and is made printable.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*(printable(a) if isinstance(a, str) else a for a in args))


class FormatError(NetError, ValueError):
    """A file of a net cannot be read or written."""


class PrototxtError(FormatError):
    """A net's description is not valid: syntax, an unknown bottom, a missing setting."""


class WeightsError(FormatError):
    """A caffemodel cannot be read, or does not fit the net."""


class ShapeError(NetError, ValueError):
    """Blobs do not fit a layer, or each other."""


class InnerProductSizeError(ShapeError):
    """An InnerProduct's weights are made for an input of another size.

    net_surgery.convolutionize is the cure.
    """


class WriteError(NetError, OSError):
    """A result cannot be written where it was asked for; `exists` where something else is there."""

    def __init__(self, message: str, exists: bool = False) -> None:
        super().__init__(message)
        self.exists = exists
