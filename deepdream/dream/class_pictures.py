"""What a class looks like to a net: pictures, made from nothing, that it takes for that class.

Five ways, each by ascent on the class's score before the softmax; the mean size of a step is in
grey levels.

simonyan    from the mean colour, with an L2 norm (arXiv 1312.6034, equation 1)
yosinski-*  from noise, with what that paper does between steps (arXiv 1506.06579, section 3), in
            its four settings
octaves     from noise, at growing sizes, one window of the net's size at a time, with a blur that
            fades (as in DeepDraw, 2015)
fourier     from nearly grey, by Adam on the picture's spectrum, under random views (as in Lucid;
            see fourier.py)
fourier-large  the same at twice the side: under views of the whole, and then of any part, with fine
            waves that count for less
"""

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ..errors import NotFiniteError, Size
from ..pictures.resize import zoomed
from .fourier import Adam, CloseUp, Spectrum, View
from .lean import lean
from .passes import backward
from .preprocess import (
    deprocess,
    input_blob,
    mean_of,
    ordered,
    preprocess,
    preprocess_channels,
    reshape_input,
    scaled,
)
from .priors import YOSINSKI, Prior, Yosinski, blurred, l2_norm


@dataclass(frozen=True)
class Octave:
    """Steps at `scale` times the net's size.

    step_size (in grey levels) and blur (in pixels) go from the first to the second of their values.
    """

    scale: float
    steps: int
    step_size: Tuple[float, float]
    blur: Tuple[float, float]

    def at(self, step: int) -> Tuple[float, float]:
        """(step size, blur) of a step, counted from 0."""
        share = step / max(self.steps - 1, 1)
        (size, last_size), (blur, last_blur) = self.step_size, self.blur
        return size + (last_size - size) * share, blur + (last_blur - blur) * share


@dataclass(frozen=True)
class Method:
    """How a class's pictures are made.

    noise: standard deviation of the start, in grey levels about the mean colour. jitter: largest
    shift, in pixels. prior: its gradient is subtracted. between: what is done to the picture
    between steps.
    """

    octaves: Tuple[Octave, ...]
    noise: float = 0.0
    jitter: int = 0
    prior: Optional[Prior] = None
    between: Optional[Yosinski] = None

    # of memory beside the net, for each pixel of its input: pictures grow to 1.6 times its side
    bytes_per_pixel = 400

    @property
    def steps(self) -> int:
        """Of all octaves."""
        return sum(octave.steps for octave in self.octaves)


@dataclass(frozen=True)
class FourierMethod:
    """Steps of Adam on the spectrum of a picture, each on a random view.

    scale: of the picture's side, in that of the net. close_up: the views of the second half of the
    steps, by default as before.
    """

    steps: int = 256
    rate: float = 0.05
    view: View = View()
    close_up: Optional[CloseUp] = None
    decay_power: float = 1.0
    scale: float = 1.0

    @property
    def bytes_per_pixel(self) -> int:
        """Of memory beside the net, for each pixel of its input; measured."""
        return round(250 + 150 * self.scale**2)

    def view_at(self, step: int) -> View:
        """The view of a step, counted from 1."""
        return self.close_up if self.close_up and 2 * step > self.steps else self.view


METHODS: Dict[str, Union[Method, FourierMethod]] = {
    "octaves": Method(
        (
            Octave(1.0, 120, (9.0, 4.0), (1.6, 0.8)),
            Octave(1.25, 60, (6.0, 3.0), (1.1, 0.7)),
            Octave(1.6, 60, (4.0, 2.0), (0.9, 0.5)),
        ),
        noise=20,
        jitter=6,
    ),
    "simonyan": Method((Octave(1.0, 150, (4.0, 2.0), (0, 0)),), prior=1e-5 * l2_norm()),
    **{
        name: Method((Octave(1.0, 150, (8.0, 4.0), (0, 0)),), noise=20, between=between)
        for name, between in YOSINSKI.items()
    },
    "fourier": FourierMethod(),
    "fourier-large": FourierMethod(
        200, view=View(0.04, 0.1, 12), close_up=CloseUp(turn=12), decay_power=1.5, scale=2
    ),
}


def grey_noise(size: Size, seeds: Sequence[int]) -> np.ndarray:
    """Noise about mid-grey, to compare a class's pictures with: RGB float32 (N, H, W, 3)."""
    return np.stack(
        [128 + np.random.RandomState(seed).normal(0, 20, (*size, 3)) for seed in seeds]
    ).astype(np.float32)


@lean
def visualise(
    net: Any,
    layer: str,
    number: int,
    size: Size,
    seeds: Sequence[int],
    method: Union[Method, FourierMethod],
    report: Optional[Callable[[int, int], None]] = None,
    blob: str = "",
) -> np.ndarray:
    """Pictures to which the net gives a high score of one class, all of them made in one batch.

    Args:
        layer: the layer that makes the scores before the softmax, (N, classes) or (N, classes, 1,
            1).
        number: of the class.
        size: the net's own (height, width).
        seeds: one for each picture.
        report: called with (steps done, steps in all) after every step.
        blob: of the scores, where it is not called as the layer is.

    Returns:
        RGB float32 (len(seeds), H, W, 3); H and W are `size` times the method's scale, or that of
            its last octave.

    Raises:
        NotFiniteError: the gradient is not a number.
    """
    score = _Score(layer, blob or layer, number)
    rngs = [np.random.RandomState(seed) for seed in seeds]
    if isinstance(method, FourierMethod):
        return _by_spectrum(net, score, size, rngs, method, report)
    mean = np.float32(mean_of(net))
    channels = reshape_input(net, size, len(seeds)).data.shape[1]
    start = [rng.normal(0, method.noise or 1e-3, (channels, *size)) for rng in rngs]
    x = np.stack(start).astype(np.float32)
    done = 0
    for octave in method.octaves:
        x = zoomed(x, (round(size[0] * octave.scale), round(size[1] * octave.scale)))
        for i in range(octave.steps):
            step_size, blur = octave.at(i)
            gradient = _step(net, score, x, size, step_size, method, rngs, done + 1)
            if blur:
                x[...] = blurred(x, blur)
            if method.between:
                method.between(x, gradient, done + 1)
            np.clip(x, -mean, 255 - mean, out=x)
            done += 1
            if report:
                report(done, method.steps)
    return np.stack([deprocess(net, scaled(net, picture)) for picture in x])


def made_of_class(
    net: Any,
    output: Any,
    number: int,
    size: Size,
    seeds: Sequence[int],
    method: Union[Method, FourierMethod],
    report: Optional[Callable[[int, int], None]] = None,
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A class's pictures, and how sure the net is of the class before and after.

    Args:
        output: where the net's classes are: its `layer`, the blob of their `scores`, and `predict`,
            as `visualise` and `probabilities` take them.
        number, size, seeds, method, report: as in `visualise`.

    Returns:
        (the pictures, the probability of noise, (N,), that of the pictures, (N,)).

    Raises:
        NotFiniteError: the gradient is not a number.
    """
    before = probabilities(net, grey_noise(size, seeds), number, size, output.predict)
    made = visualise(net, output.layer, number, size, seeds, method, report, output.scores)
    return made, before, probabilities(net, made, number, size, output.predict)


class _Score(NamedTuple):
    """A class's score: channel `number` of a blob, as `layer` makes it."""

    layer: str
    blob: str
    number: int

    def not_finite(self, step: int) -> NotFiniteError:
        return NotFiniteError(
            f'"{self.layer}", class {self.number}, step {step}: the gradient is not a number; the '
            "weights may be broken"
        )


def _step(
    net: Any,
    score: _Score,
    x: np.ndarray,
    size: Size,
    step_size: float,
    method: Method,
    rngs: List[Any],
    count: int,
) -> np.ndarray:
    """Add step number `count` to x, (N, C, H, W), in a random window of each picture.

    x is in grey levels minus the mean. The windows have the net's size. Returns the gradient, like
    x, zero outside them.
    """
    src = input_blob(net)
    windows = []
    for rng in rngs:
        top, left = (rng.randint(0, extent - n + 1) for extent, n in zip(x.shape[2:], size))
        windows.append((slice(None), slice(top, top + size[0]), slice(left, left + size[1])))
    shifts = [rng.randint(-method.jitter, method.jitter + 1, 2) for rng in rngs]
    for i, (window, shift) in enumerate(zip(windows, shifts)):
        src.data[i] = scaled(net, np.roll(x[i][window], shift, (1, 2)))
    sent = scaled(net, _class_gradient(net, score, clear=count == 1))
    gradient = np.zeros_like(x)
    for i, (window, shift) in enumerate(zip(windows, shifts)):
        g = np.roll(sent[i], -shift, (1, 2))
        if method.prior:
            g = g - np.float32(method.prior.value_and_gradient(x[i][window][None])[1][0])
        mean = np.abs(g).mean()
        if not np.isfinite(mean):
            raise score.not_finite(count)
        x[i][window] += np.float32(step_size / (mean or 1)) * g
        gradient[i][window] = g
    return gradient


def _by_spectrum(
    net: Any,
    score: _Score,
    size: Size,
    rngs: List[Any],
    method: FourierMethod,
    report: Optional[Callable[[int, int], None]],
) -> np.ndarray:
    """Pictures, RGB float32 (N, H, W, 3), one for each generator, by ascent on their spectrum."""
    src = reshape_input(net, size, len(rngs))
    whole = round(size[0] * method.scale), round(size[1] * method.scale)
    spectrum = Spectrum(whole, src.data.shape[1], method.decay_power)
    numbers, adam = spectrum.start(rngs), Adam(method.rate)
    gradient = np.empty((len(rngs), spectrum.channels, *whole), np.float32)
    for step in range(1, method.steps + 1):
        made = spectrum.pictures(numbers)
        views = [method.view_at(step).matrix(whole, rng, size) for rng in rngs]
        for i, (matrix, border) in enumerate(views):
            seen = np.stack([matrix @ channel.ravel() + border for channel in made[i]])
            src.data[i] = preprocess_channels(net, seen.reshape(src.data[i].shape))
        sent = scaled(net, ordered(net, _class_gradient(net, score, clear=step == 1)))
        if not np.isfinite(sent).all():
            raise score.not_finite(step)
        for picture, given, (matrix, _) in zip(gradient, sent, views):
            back = matrix.T
            for channel, of in zip(picture, given):
                channel[...] = (back @ of.ravel()).reshape(whole)
        adam(numbers, spectrum.gradient(made, gradient))
        if report:
            report(step, method.steps)
    pictures = spectrum.pictures(numbers)
    return np.repeat(pictures, 3 // spectrum.channels, 1).transpose(0, 2, 3, 1)


def _class_gradient(net: Any, score: _Score, clear: bool) -> np.ndarray:
    """The gradient of the input, (N, C, h, w), of a class's score, for what the input holds."""
    net.forward(end=score.layer)
    diff = np.zeros(tuple(net.blobs[score.blob].shape), np.float32)
    diff[:, score.number] = 1
    return backward(net, {score.blob: diff}, score.layer, clear=clear)


@lean
def probabilities(
    net: Any,
    pictures: np.ndarray,
    number: int,
    size: Size,
    predict: Optional[Callable[[Any], np.ndarray]] = None,
) -> np.ndarray:
    """A class's probability, (N,), for each picture, RGB (N, H, W, 3).

    The pictures are resized to `size`, the net's own (height, width). predict: gives the
    probabilities, (N, classes), of what a net's input holds; by default, those of the layer "prob".
    """
    source = reshape_input(net, size, len(pictures))
    for i, picture in enumerate(pictures):
        source.data[i] = zoomed(preprocess(net, picture), size)
    values: np.ndarray = (predict or _prob)(net)[:, number].copy()
    return values


def _prob(net: Any) -> np.ndarray:
    net.forward(end="prob")
    values = net.blobs["prob"].data
    return np.asarray(values.reshape(len(values), -1))
