"""Which pictures a gallery has: of every layer, and of the channels that were asked for."""

import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from netfile.shapes import infer

from ...errors import Size, TargetError
from ...nets.description import input_shape
from ...nets.labels import file_stems
from ...nets.layer_names import full_name
from ...nets.preflight import check_end, targets

NOISE, PHOTO = "noise", "photo"
_RANGE = re.compile(r"(.+):(\d{1,6})-(\d{1,6})")


class Entry(NamedTuple):
    """A dream of a gallery.

    channel: of the layer, or None for all of it. source: NOISE or PHOTO. name: of its file, without
    a suffix.
    """

    layer: str
    channel: Optional[int]
    source: str
    name: str

    @property
    def objective(self) -> str:
        """What grows, as `--objective` takes it; "" for the whole layer."""
        return "" if self.channel is None else f'channel("{self.layer}", {self.channel})'


class Channels(NamedTuple):
    """Channels of a layer, those from `first` to before `stop`; or all, where `stop` is None."""

    layer: str
    first: int = 0
    stop: Optional[int] = None


def channels_of(text: str) -> Channels:
    """Channels as a person writes them: `4c` for all of a layer, `4c:0-15` for the first sixteen.

    Raises:
        ValueError: the range is empty.
    """
    found = _RANGE.fullmatch(text)
    if not found:
        return Channels(text)
    layer, first, last = found[1], int(found[2]), int(found[3])
    if last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return Channels(layer, first, last + 1)


def planned(
    description: Any,
    size: Size,
    layers: Sequence[str],
    channels: Sequence[Channels],
    with_photo: bool,
) -> List[Entry]:
    """The entries of a gallery, layer by layer in the net's order, its channels after each layer.

    Args:
        size: (height, width) of a picture.
        layers: names of layers, which may be short ones; none for all that can be dreamt of.
        channels: of which layers each channel is shown.
        with_photo: whether there is a photograph beside the noise.

    Raises:
        TargetError: there is no such layer or channel.
    """
    every = targets(description)
    stems = dict(zip(every, file_stems(every)))
    wanted = _full(description, layers) or every
    numbers = _numbers(description, size, channels)
    sources = [NOISE, PHOTO] if with_photo else [NOISE]
    entries = []
    for layer in (one for one in every if one in wanted or one in numbers):
        if layer in wanted:
            named = [(source, f"{stems[layer]}-{source}") for source in sources]
            entries += [Entry(layer, None, source, name) for source, name in named]
        for number in numbers.get(layer, ()):
            entries.append(Entry(layer, number, NOISE, f"{stems[layer]}-channel-{number:04d}"))
    return entries


def _full(description: Any, layers: Iterable[str]) -> List[str]:
    full = [full_name(description, layer) for layer in layers]
    for layer in full:
        check_end(description, layer)
    return full


def _numbers(
    description: Any, size: Size, channels: Sequence[Channels]
) -> Dict[str, Tuple[int, ...]]:
    """{layer: numbers of channels}."""
    found: Dict[str, Tuple[int, ...]] = {}
    for one in channels:
        (layer,) = _full(description, [one.layer])
        shape = infer(description, input_shape(description, size), layer)[layer]
        count = shape[1] if shape is not None else None
        stop = one.stop if one.stop is not None else count
        if stop is None:
            raise TargetError(f'the channels of "{layer}" are not known; name some, as in 4c:0-15')
        if count is not None and stop > count:
            raise TargetError(
                f'"{layer}" has {count} channels, 0 to {count - 1}, and no {stop - 1}', layer=layer
            )
        numbers = {*found.get(layer, ()), *range(one.first, stop)}
        found[layer] = tuple(sorted(numbers))
    return found
