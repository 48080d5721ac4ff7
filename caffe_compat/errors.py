"""What is raised where a real Caffe's CHECK ends the process: both values, and the remedy."""

from typing import Any, Optional, Tuple

from netfile.errors import NetError, PrototxtError, ShapeError, WeightsError

__all__ = [
    "CaffeError",
    "DeviceError",
    "DeviceMemoryError",
    "InputArrayError",
    "LayerNameError",
    "LayerNumberError",
    "MissingFileError",
    "ModeError",
    "PrototxtError",
    "ShapeError",
    "UnknownLayerTypeError",
    "WeightsError",
]

CaffeError = NetError


class UnknownLayerTypeError(PrototxtError):
    """The description names a layer type that is not registered."""


class LayerNameError(CaffeError, ValueError):
    """`start` or `end` is not the name of a layer of the net."""


class LayerNumberError(CaffeError, IndexError):
    """The net has no layer of this number."""


class ModeError(CaffeError, RuntimeError):
    """A mode or device that is not there. `why`: what is wrong, without what a program can do."""

    def __init__(self, why: str, remedy: str = "") -> None:
        self.why = why
        super().__init__(f"{why}; {remedy}" if remedy else why)

    def of_a_program(self) -> "ModeError":
        """The same, said to whom runs a program that asks for a GPU."""
        return ModeError(self.why, "or run the program on the CPU: python -m caffe_compat --cpu")


class DeviceError(CaffeError, RuntimeError):
    """The device of GPU mode failed, or cannot be used from this process."""


class DeviceMemoryError(DeviceError, MemoryError):
    """The device has too little memory. The net stays usable.

    Args:
        what: what the memory is for.
        asked: the bytes that were asked for; 0 where PyTorch does not say.
        free: (bytes that are free, of so many), or None.
        device: its name.
        fits: what would fit, in words, or "".
    """

    def __init__(
        self, what: str, asked: int, free: Optional[Tuple[int, int]], device: str, fits: str = ""
    ) -> None:
        self.what, self.asked, self.free, self.device, self.fits = what, asked, free, device, fits
        self._given = what, asked, free, device, fits
        wanted = f"{asked / 1e9:.2f} GB" if asked else "more memory than there is"
        left = "" if free is None else f", of which {free[0] / 1e9:.2f} GB of "
        if free is not None:
            left += f"{free[1] / 1e9:.2f} GB are free"
        super().__init__(
            f"{what} takes {wanted} on the device {device}{left}; "
            + (fits or "use a smaller picture, a lower layer, or set_mode_cpu()")
        )

    def __reduce__(self) -> Any:
        return type(self), self._given


class MissingFileError(FileNotFoundError, RuntimeError):
    """There is no such file. pycaffe raises a RuntimeError for it."""


class InputArrayError(CaffeError, ValueError, RuntimeError):
    """An array does not suit a MemoryData layer. pycaffe raises a RuntimeError for it."""
