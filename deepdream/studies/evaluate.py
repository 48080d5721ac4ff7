"""How well a net does on labelled pictures: its predictions, and where they are wrong."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from netfile.faults.kinds import misplaced
from netfile.system.places import install

from ..dream.preprocess import preprocess, reshape_input
from ..errors import ImageError, MissingExtraError, Size
from ..nets.class_output import ClassOutput, class_output
from ..nets.labels import distinct
from ..pictures import load
from ..pictures.files import SUFFIXES, PathLike
from ..pictures.resize import bicubic
from ..settings import EVALUATE

# of memory beside the net, for each pixel of the net's input: the pictures that wait for a pass
BYTES_PER_PIXEL = 24


@dataclass(frozen=True)
class Predictions:
    """What a net takes pictures of known class for.

    names: of all its classes. paths: of the pictures that were read. truth: (N,) class numbers.
    probabilities:
    (N, classes). unreadable: (path, why) of the other pictures. empty: classes that are named and
    have no picture.
    """

    names: List[str]
    paths: List[str]
    truth: np.ndarray
    probabilities: np.ndarray
    unreadable: List[Tuple[str, str]]
    empty: List[str]

    @property
    def predicted(self) -> np.ndarray:
        """(N,) class numbers: the most probable class of each picture."""
        best: np.ndarray = self.probabilities.argmax(1)
        return best

    @property
    def present(self) -> List[int]:
        """Numbers of the classes that were shown or predicted, in order."""
        return sorted(set(self.truth.tolist()) | set(self.predicted.tolist()))


def find_pictures(source: PathLike) -> Dict[str, List[str]]:
    """{class name: [paths]} of a folder of class folders, or of a CSV of path,class lines.

    Paths in a CSV are relative to its folder.

    Raises:
        ImageError: there are none.
    """
    source = Path(source)
    if source.is_dir():
        pictures = _in_folders(source)
    elif source.is_file():
        pictures = {}
        for path, name in _in_csv(source):
            pictures.setdefault(name, []).append(path)
    else:
        raise ImageError(
            misplaced(source, "a folder or a CSV")
            or f"{source}: no such folder or CSV; give a folder that has a folder for each class, "
            "or a CSV of path,class"
        )
    if not any(pictures.values()) and source.is_file():
        raise ImageError(f"{source}: names no pictures; write a line of path,class for each")
    if not any(pictures.values()):
        raise ImageError(
            f"{source}: has no pictures in class folders; put each class's pictures into a folder "
            "named after the class"
        )
    return pictures


def _in_folders(source: Path) -> Dict[str, List[str]]:
    folders = sorted(p for p in source.iterdir() if p.is_dir() and not p.name.startswith("."))
    return {
        folder.name: sorted(str(p) for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        for folder in folders
    }


def _in_csv(source: Path) -> Iterator[Tuple[str, str]]:
    """(path, class name) of every line of a CSV, whose first may be the heading path,class."""
    with open(source, newline="", encoding="utf-8-sig", errors="replace") as f:
        for number, row in enumerate(_rows(f, source), 1):
            cells = [cell.strip() for cell in row]
            if len(cells) < 2:
                if not "".join(cells):
                    continue
                raise ImageError(
                    misplaced(source, "a CSV")
                    or f"{source}, line {number}: has 1 field, {row[0]!r}; write path,class"
                )
            if number == 1 and [cell.lower() for cell in cells[:2]] == ["path", "class"]:
                continue
            yield os.path.join(source.parent, cells[0]), cells[1]


def _rows(lines: Iterable[str], source: Path) -> Iterator[List[str]]:
    try:
        yield from csv.reader(lines)
    except csv.Error as e:  # a field of over 128 KB, a zero byte
        raise ImageError(misplaced(source, "a CSV") or f"{source}: is no CSV ({e})") from None


def evaluate(
    net: Any,
    pictures: Mapping[str, Sequence[str]],
    names: Sequence[str],
    numbers: Mapping[str, int],
    size: Size,
    output: Optional[ClassOutput] = None,
    batch: int = EVALUATE.batch,
    report: Optional[Callable[[int], Any]] = None,
) -> Predictions:
    """What a net takes labelled pictures for.

    Args:
        pictures: {class name: [paths]}.
        names: of all the net's classes; empty where they are not known.
        numbers: {class name: class number} of the classes of `pictures`.
        size: (height, width) that pictures are resized to.
        output: where the classes are; by default, found in the net's description.
        batch: pictures per pass.
        report: called with the number of pictures done.

    Raises:
        ImageError: none of the pictures can be read.
    """
    paths: List[str] = []
    truth: List[int] = []
    unreadable: List[Tuple[str, str]] = []
    parts: List[np.ndarray] = []
    waiting: List[np.ndarray] = []
    output = output or class_output(net.description, len(names))
    for name, files in pictures.items():
        for path in files:
            try:
                waiting.append(bicubic(load(path), size))
            except ImageError as e:
                unreadable.append((path, str(e)))
            else:
                paths.append(path)
                truth.append(numbers[name])
            if len(waiting) == batch:
                parts.append(_predict(net, waiting, size, output))
                waiting = []
            if report:
                report(len(paths) + len(unreadable))
    if waiting:
        parts.append(_predict(net, waiting, size, output))
    if not parts:
        raise ImageError(
            f"none of the {len(unreadable)} pictures can be read; the first: {unreadable[0][1]}"
        )
    probabilities = np.concatenate(parts)
    known = distinct(names, probabilities.shape[1])
    empty = [name for name, files in pictures.items() if not files]
    return Predictions(known, paths, np.array(truth), probabilities, unreadable, empty)


def _predict(
    net: Any, pictures: Sequence[np.ndarray], size: Size, output: ClassOutput
) -> np.ndarray:
    for into, picture in zip(reshape_input(net, size, len(pictures)).data, pictures):
        into[...] = preprocess(net, picture)
    return output.predict(net)


def check_scikit_learn() -> None:
    """Raise MissingExtraError, with the install command, where there is no scikit-learn."""
    try:
        import sklearn  # noqa: F401
    except ImportError as e:
        raise MissingExtraError(
            f"the measures need scikit-learn ({e}); install it with: {install('evaluate')}",
            extra="evaluate",
        ) from None


def measures(predictions: Predictions) -> Dict[str, Any]:
    """Scikit-learn's measures, over the classes that were shown or predicted.

    Returns:
        {"accuracy", "top5", "classes", "confusion"}. "classes" is a list of (name, pictures, true
            positives, false
        positives, false negatives, true negatives, precision, recall, F1); a precision or recall
            that is not defined
        is nan. "confusion" is (n, n): rows are the true classes, columns the predicted ones.
    """
    from sklearn import metrics

    truth, predicted, present = predictions.truth, predictions.predicted, predictions.present
    confusion = metrics.confusion_matrix(truth, predicted, labels=present)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predicted, labels=present, zero_division=np.nan
    )
    rows = []
    for i, number in enumerate(present):
        shown, hits = int(confusion[i].sum()), int(confusion[i, i])
        misses, alarms = shown - hits, int(confusion[:, i].sum()) - hits
        counts = shown, hits, alarms, misses, len(truth) - hits - misses - alarms
        shares = float(precision[i]), float(recall[i]), float(f1[i])
        rows.append((predictions.names[number], *counts, *shares))
    count = predictions.probabilities.shape[1]
    top5 = 1.0
    if count > 5:
        top5 = metrics.top_k_accuracy_score(
            truth, predictions.probabilities, k=5, labels=range(count)
        )
    return {
        "accuracy": float(metrics.accuracy_score(truth, predicted)),
        "top5": float(top5),
        "classes": rows,
        "confusion": confusion,
    }


def worst_mistakes(predictions: Predictions, count: int = 24) -> np.ndarray:
    """Numbers of the pictures that were taken for another class, the surest first."""
    sure = predictions.probabilities.max(1)
    wrong = np.flatnonzero(predictions.predicted != predictions.truth)
    return wrong[np.argsort(-sure[wrong], kind="stable")][:count]
