"""What a step takes on the built-in engine, whose nets are lean in a dream: no more than it needs.

As caffe_compat/net/lean has it: values until their last reader has run, forward or backward, and a
gradient until the layer that makes its blob has run backward.
"""

from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from netfile.system.placing import Span, placed

# which values the backward passes of these types read: their bottoms' ("x"), their tops' ("y"), or
# none; other types are not known, and their blobs are held throughout
READS = {
    "BatchNorm": "", "Bias": "x", "Concat": "", "Convolution": "", "Deconvolution": "",
    "Dropout": "", "Eltwise": "", "InnerProduct": "", "LRN": "x", "Pooling": "", "ReLU": "x",
    "Scale": "x", "Softmax": "y", "Split": "",
    **dict.fromkeys(
        ("AbsVal", "BNLL", "Clip", "ELU", "Exp", "Log", "PReLU", "Power", "Sigmoid", "Swish",
         "TanH", "Threshold"), "xy"),
}  # fmt: skip
# types that add to a gradient in its place; that of others is made first, and added then
_ADDS = {"Convolution", "Pooling"}


def reads(layer: Any) -> Optional[str]:
    """What the backward pass of a layer reads; None where it is not known."""
    if layer.type == "Pooling" and layer.pooling_param.pool == layer.pooling_param.STOCHASTIC:
        return None
    if layer.type == "Eltwise" and layer.eltwise_param.operation == layer.eltwise_param.PROD:
        return "xy"
    return READS.get(layer.type)


def values(
    layers: Sequence[Any],
    counts: Mapping[str, int],
    end: Sequence[str],
    one: bool,
    after: bool = False,
) -> int:
    """How many values a step holds at most.

    Args:
        layers: of the description, up to the one where the step begins.
        counts: {blob: its values}; one that is missing has none.
        end: the blobs from which the gradient comes.
        one: whether there is one picture in the batch, so that a Concat's bottoms lie in its top.
        after: tell what the net holds after the step instead.
    """
    step = _Step(layers, counts, end, one)
    return step.kept() + step.beside() + (0 if after else placed(step.spans())[1])


class _Step:
    """A forward pass over these layers, and a backward pass; arguments as those of `values`."""

    def __init__(
        self, layers: Sequence[Any], counts: Mapping[str, int], end: Sequence[str], one: bool
    ) -> None:
        self.layers, self.counts = layers, counts
        self.inside: Dict[str, str] = {}  # blob -> the one in whose memory it lies
        self.asked: Set[str] = set(end)  # blobs that are held throughout
        for layer in layers:
            if reads(layer) is None:
                self.asked.update([*layer.bottom, *layer.top])
            if layer.type == "Concat" and one:
                self.inside.update((blob, layer.top[0]) for blob in layer.bottom)
        self.makers: Dict[str, int] = {}
        for i, layer in enumerate(layers):
            for blob in layer.top:
                self.makers.setdefault(blob, i)

    def _root(self, blob: str) -> str:
        while blob in self.inside:
            blob = self.inside[blob]
        return blob

    def _count(self, blob: str) -> int:
        return self.counts.get(blob, 0)

    def kept(self) -> int:
        """Values of what is held throughout."""
        data = {self._root(blob) for blob in self.asked}
        return sum(map(self._count, data)) + sum(map(self._count, self.asked))

    def spans(self) -> List[Span]:
        """When all else is needed; layer i runs forward at time i, backward as far from the end."""
        end = 2 * len(self.layers) - 1
        kept = {self._root(blob) for blob in self.asked}
        first: Dict[str, int] = {}
        last: Dict[str, int] = {}
        readers: Dict[str, int] = {}  # the lowest
        for i, layer in enumerate(self.layers):
            for blob in map(self._root, [*layer.bottom, *layer.top]):
                first.setdefault(blob, i)
                last[blob] = i
            what = reads(layer) or ""
            for which, blobs in (("x", layer.bottom), ("y", layer.top)):
                for blob in map(self._root, blobs if which in what else ()):
                    readers.setdefault(blob, i)
        known = all(reads(layer) is not None or layer.type == "Input" for layer in self.layers)
        for blob, i in readers.items():
            last[blob] = end - i if known else end
        spans = [
            Span((blob, "data"), self._count(blob), i, last[blob])
            for blob, i in first.items()
            if blob not in kept
        ]
        begun: Dict[str, int] = {}
        for i, layer in reversed(list(enumerate(self.layers))):
            for blob in [*layer.top, *layer.bottom]:
                begun.setdefault(blob, end - i)
            for blob in layer.top:
                if self.makers[blob] == i and blob not in self.asked:
                    spans.append(Span((blob, "diff"), self._count(blob), begun[blob], end - i))
        return spans

    def beside(self) -> int:
        """Values of what lies beside the blobs.

        What the inputs held, what layers remember, and a gradient that is to be added to another.
        """
        found, spare = 0, 0
        times_read: Dict[str, int] = {}
        for layer in reversed(self.layers):
            top = self._count(layer.top[0]) if layer.top else 0
            if layer.type == "Input":
                found += sum(map(self._count, layer.top))
            elif layer.type == "Pooling" and layer.pooling_param.pool == layer.pooling_param.MAX:
                found += top // 4 if _is_small(layer) else top
            elif _remembers(layer):
                found += top
            for blob in layer.bottom:
                if blob in layer.top:
                    continue
                times_read[blob] = times_read.get(blob, 0) + 1
                if times_read[blob] > 1 and layer.type not in _ADDS:
                    spare = max(spare, self._count(blob))
        return found + spare


def _remembers(layer: Any) -> bool:
    """Whether a layer keeps an array like its bottom: LRN within channels, and some in place."""
    within = layer.type == "LRN" and layer.lrn_param.norm_region == 1
    return within or layer.type in ("PReLU", "Scale") and layer.top[0] in layer.bottom


def _is_small(layer: Any) -> bool:
    """Whether places in a MAX pooling's window are numbered by bytes."""
    kernel = layer.pooling_param.kernel_size
    return bool(kernel) and kernel * kernel < 128
