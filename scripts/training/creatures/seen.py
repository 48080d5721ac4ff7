"""Is it seen? Whether a net that took no part names what class pictures show.

A picture counts as named where one of the judge's first five of ImageNet's 1000 classes is one of
those that count as the animal (synsets.py).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from deepdream import nets, pictures
from deepdream.dream.preprocess import preprocess, reshape_input
from deepdream.nets.labels import file_stems
from deepdream.pictures.resize import zoomed

from . import photographs
from .classes import KINDS
from .commands import deepdream

FIRST = 5
GREY = (128, 128, 128)
AROUND = 1.15  # side of a photograph's grey square, as a multiple of its own longer side


class Judge:
    """A net that knows ImageNet's classes."""

    def __init__(self, model: str, engine: str) -> None:
        self.opened = nets.open(model, engine, backward=False, any_size=False)
        self.name = self.opened.model.facts.get("name", model)
        self.names = nets.classes(self.opened.model)

    @property
    def side(self) -> int:
        """Of the pictures that it takes, in pixels."""
        return self.opened.size[0]

    def answers(self, shown: Iterable[np.ndarray]) -> np.ndarray:
        """(N, FIRST): the numbers of the classes that it thinks likeliest for each picture, RGB
        (H, W, 3) of any size."""
        net, found = self.opened.net, []
        source = reshape_input(net, self.opened.size)
        for picture in shown:
            source.data[0] = zoomed(preprocess(net, picture), self.opened.size)
            shares = self.opened.output.predict(net)[0]
            found.append(np.argsort(-shares, kind="stable")[:FIRST])
        return np.stack(found)

    def said(self, answers: np.ndarray) -> str:
        """The first of its names for each picture."""
        return "; ".join(self.names[row[0]].split(",")[0] for row in answers)


@dataclass(frozen=True)
class Seen:
    """What a judge said of the pictures of some classes.

    named: for each class, bool (pictures, classes): whether it named a picture so that it counts as
    the first class, the second, and so on.
    """

    labels: tuple[str, ...]
    named: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, answers: dict[str, np.ndarray], counting: dict[str, frozenset[int]]) -> "Seen":
        """answers: of the judge, (pictures, FIRST), for each class."""
        wanted = [list(counting[label]) for label in answers]
        named = [
            np.stack([np.isin(numbers, w).any(1) for w in wanted], 1)
            for numbers in answers.values()
        ]
        return cls(tuple(answers), tuple(named))

    @property
    def by_class(self) -> list[np.ndarray]:
        """For each class, which of its pictures were named as it: bool (pictures,)."""
        return [rows[:, i] for i, rows in enumerate(self.named)]

    @property
    def any(self) -> float:
        """The share of classes of which at least one picture was named."""
        return float(np.mean([own.any() for own in self.by_class]))

    @property
    def mean(self) -> float:
        """The mean over classes of the share of their pictures that were named."""
        return float(np.mean([own.mean() for own in self.by_class]))

    @property
    def others(self) -> float:
        """How often a picture is named as a class that it is not of: what a judge says anyway."""
        if len(self.labels) == 1:
            return 0.0
        return float(np.mean([np.delete(rows, i, 1).mean() for i, rows in enumerate(self.named)]))

    @property
    def seen(self) -> list[str]:
        """The classes of which a picture was named."""
        return [label for label, own in zip(self.labels, self.by_class, strict=True) if own.any()]


def chance(counting: Iterable[frozenset[int]], count: int = 1000, pictures_each: int = 1) -> float:
    """The share of classes named by five names drawn by lot, for each of so many pictures."""
    shares = []
    for numbers in counting:
        missed = math.comb(count - len(numbers), FIRST) / math.comb(count, FIRST)
        shares.append(1 - missed**pictures_each)
    return float(np.mean(shares))


def class_pictures(
    model: str, labels: Iterable[str], seeds: int, folder: Path, engine: str
) -> dict[str, list[np.ndarray]]:
    """Pictures of a model's classes, as `deepdream classes` makes them by default: RGB (H, W, 3),
    `seeds` of each."""
    names = nets.classes(nets.find(model))
    numbers = {label: names.index(label) for label in labels}
    folder.parent.mkdir(parents=True, exist_ok=True)
    deepdream(
        "classes", *map(str, numbers.values()), "--model", model, "--seeds", str(seeds),
        "--engine", engine, "-o", str(folder), "--overwrite",
    )  # fmt: skip
    stems = file_stems(names)
    return {
        label: [pictures.load(folder / f"{stems[number]}-{seed}.png") for seed in range(seeds)]
        for label, number in numbers.items()
    }


def cut_outs(labels: Iterable[str], cache: Path, side: int) -> dict[str, list[np.ndarray]]:
    """The photographs of these classes, each cut-out on a grey square of `side` pixels."""
    files = photographs.find(photographs.fetch(cache))
    return {
        label: [on_grey(photographs.read(files[p.name]), side) for p in KINDS[label]]
        for label in labels
    }


def on_grey(cut_out: PIL.Image.Image, side: int) -> np.ndarray:
    """An RGBA picture in the middle of a grey square: RGB float32 (side, side, 3)."""
    whole = round(max(cut_out.size) * AROUND)
    canvas = PIL.Image.new("RGB", (whole, whole), GREY)
    place = (whole - cut_out.width) // 2, (whole - cut_out.height) // 2
    canvas.paste(cut_out, place, cut_out)
    return np.asarray(canvas.resize((side, side), PIL.Image.Resampling.LANCZOS), np.float32)
