"""The sizes of a two-dimensional convolution."""

from typing import NamedTuple, Sequence


class Geometry(NamedTuple):
    """The sizes of one group of a convolution: of its pictures, their outputs, and its window."""

    channels: int
    height: int
    width: int
    out_h: int
    out_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int
    dilation_h: int
    dilation_w: int

    @property
    def pointwise(self) -> bool:
        """Whether each output sees the one position at its own place."""
        return self[5:11] == (1, 1, 1, 1, 0, 0)

    @property
    def depth(self) -> int:
        """Values that an output sees."""
        return self.channels * self.kernel_h * self.kernel_w


Pair = Sequence[int]  # height, width


def geometry(
    channels: int, size: Pair, out_size: Pair, kernel: Pair, stride: Pair, pad: Pair, dilation: Pair
) -> Geometry:
    """A Geometry from pairs (height, width)."""
    numbers = (channels, *size, *out_size, *kernel, *stride, *pad, *dilation)
    return Geometry(*(int(number) for number in numbers))
