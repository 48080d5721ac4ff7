"""Held-out accuracy of a published net, clean and under attack, by the engine that dreams.

The pictures are composites that no seed of training makes. The attack is the one that publish.py
makes on a checkpoint: projected gradient ascent on the cross-entropy within an L2 ball (Madry et
al., arXiv 1706.06083).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepdream import nets
from deepdream.dream.passes import backward
from deepdream.dream.preprocess import mean_of, reshape_input
from deepdream.errors import DreamError
from deepdream.nets.class_output import class_output

from .classes import LABELS

REFERENCE_SIZE = 96  # the radii are given for pictures of this side
ATTACK_RADIUS = 150.0  # of the attack that the readme reports, at the reference size
ATTACK_STEPS = 10
STEP = 2.5  # the steps' length together, in radii
HELD_OUT_SEED = 2**40  # of pictures that no training seed makes
BATCH, CLEAN_BATCHES, ATTACKED_BATCHES = 100, 10, 4
IN_ONE_PASS = 20


@dataclass(frozen=True)
class HeldOut:
    """The shares that a net got right, of how many; `side` in pixels, `radius` in grey levels."""

    clean: float
    clean_of: int
    attacked: float
    attacked_of: int
    side: int
    radius: float


class Attacked:
    """A net, with the scores and the gradients of a few pictures at a time."""

    def __init__(self, model: str, engine: str) -> None:
        found = nets.find(model)
        if nets.classes(found) != LABELS:
            raise DreamError(f"{model}: its classes are not those of the composites")
        self.opened = nets.open(
            found,
            engine,
            layers=lambda description: [class_output(description, len(LABELS)).layer],
            batch=IN_ONE_PASS,
            any_size=False,
        )
        self.net, self.output = self.opened.net, self.opened.output

    def scores(self, x: np.ndarray) -> np.ndarray:
        """(N, classes), before the softmax, of (N, 3, H, W): BGR minus the net's mean."""
        return np.concatenate([self._forward(x[part]) for part in _parts(len(x))])

    def gradient(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Of each picture's cross-entropy with its class in y, (N,): like x."""
        found = []
        for part in _parts(len(x)):
            diff = _softmax(self._forward(x[part]))
            diff[np.arange(len(diff)), y[part]] -= 1
            scores = self.net.blobs[self.output.scores]
            shaped = diff.reshape(scores.data.shape)
            found.append(backward(self.net, {self.output.scores: shaped}, self.output.layer).copy())
        return np.concatenate(found)

    def _forward(self, x: np.ndarray) -> np.ndarray:
        reshape_input(self.net, x.shape[2:], len(x)).data[...] = x
        self.net.forward(end=self.output.layer)
        return self.net.blobs[self.output.scores].data.reshape(len(x), -1).copy()


def accuracy(
    model: str,
    engine: str,
    composer: Any,
    mean: tuple[float, ...],
    batches: int = CLEAN_BATCHES,
    report: Callable[[str], None] = lambda line: None,
) -> HeldOut:
    """Measure a model on the first batches of held-out composites.

    Args:
        composer: a composites.Composer.
        mean: BGR, what is taken off its pictures.
        batches: of BATCH pictures each; the first ATTACKED_BATCHES of them are attacked too.
        report: called with a line after every batch.
    """
    net = Attacked(model, engine)
    side = net.opened.size[0]
    radius = ATTACK_RADIUS * side / REFERENCE_SIZE
    shift = np.array(mean, np.float32).reshape(3, 1, 1) - mean_of(net.net)
    clean: list[float] = []
    attacked: list[float] = []
    for i in range(batches):
        pictures, labels = composer.batch(BATCH, side, HELD_OUT_SEED + i)
        x, y = pictures.numpy() + shift, labels.numpy()
        clean.append(_right(net.scores(x), y))
        if i < ATTACKED_BATCHES:
            attacked.append(_right(net.scores(x + attack(net, x, y, radius)), y))
        report(f"held-out composites: batch {i + 1} of {batches}")
    return HeldOut(
        float(np.mean(clean)),
        len(clean) * BATCH,
        float(np.mean(attacked)),
        len(attacked) * BATCH,
        side,
        radius,
    )


def attack(net: Any, x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """The perturbation that ATTACK_STEPS projected gradient steps find from a random start.

    net: has `gradient`, as Attacked does.
    """
    noise = np.random.RandomState(1).standard_normal(x.shape)
    delta = projected(noise.astype(np.float32), radius)
    for _ in range(ATTACK_STEPS):
        gradient = net.gradient(x + delta, y)
        moved = delta + np.float32(STEP * radius / ATTACK_STEPS) * gradient / _norms(gradient)
        delta = projected(moved, radius)
    return delta


def projected(delta: np.ndarray, radius: float) -> np.ndarray:
    """`delta`, (N, C, H, W), brought back to the L2 ball of that radius, picture by picture."""
    return delta * np.minimum(np.float32(radius) / _norms(delta), 1)


def _norms(x: np.ndarray) -> np.ndarray:
    """L2 norm of each picture, (N, 1, 1, 1)."""
    norms = np.sqrt(np.square(x, dtype=np.float64).sum((1, 2, 3), keepdims=True))
    return np.maximum(norms, 1e-12).astype(np.float32)


def _softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def _right(scores: np.ndarray, y: np.ndarray) -> float:
    return float((scores.argmax(1) == y).mean())


def _parts(count: int) -> list[slice]:
    return [slice(start, start + IN_ONE_PASS) for start in range(0, count, IN_ONE_PASS)]


def composer_of(cache: Path, model: str) -> tuple[Any, tuple[float, ...]]:
    """A composites.Composer, and the mean that it takes off, BGR.

    Raises:
        DreamError: PyTorch is not there.
    """
    try:
        from .composites import MEAN_BGR, Composer
    except ModuleNotFoundError as e:
        if e.name != "torch":
            raise
        raise DreamError(
            f"the composites that {model} is tested on need PyTorch; install it with: "
            "pip install -e '.[train]'"
        ) from None
    return Composer(cache), MEAN_BGR
