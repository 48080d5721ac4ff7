"""How a net is checked: a set of labelled pictures, its predictions, and the measures that say where it is wrong."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np

from ..dream.preprocess import preprocess
from ..errors import ImageError, MissingExtraError
from ..pictures import load, to_bytes

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True)
class Evaluation:
    """Predictions for pictures of known class, and what is measured of them.

    paths: of the pictures that were read; truth: (N,) class numbers; probabilities: (N, classes). unreadable: (path, why) of the others.
    empty: classes that are named, and have no picture.
    """

    names: List[str]
    paths: List[str]
    truth: np.ndarray
    probabilities: np.ndarray
    unreadable: List[Tuple[str, str]]
    empty: List[str]

    @property
    def predicted(self):
        return self.probabilities.argmax(1)

    @property
    def present(self):
        """Numbers of the classes that were shown or predicted, in order."""
        return sorted(set(self.truth.tolist()) | set(self.predicted.tolist()))


def find_pictures(source):
    """({class name: [paths]}, sorted) of a folder of class folders, or of a CSV of path,class lines (paths seen from the CSV's folder).

    Raises ImageError where there are none.
    """
    source = Path(source)
    found: Dict[str, List[str]] = {}
    if source.is_dir():
        for folder in sorted(
            p for p in source.iterdir() if p.is_dir() and not p.name.startswith(".")
        ):
            found[folder.name] = sorted(
                str(p) for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES
            )
    elif source.is_file():
        with open(source, newline="", encoding="utf-8", errors="replace") as f:
            for number, row in enumerate(csv.reader(f), 1):
                if len(row) < 2:
                    if not "".join(row).strip():
                        continue
                    raise ImageError(
                        f"{source}, line {number}: has {len(row)} field, {row[0]!r}; write path,class"
                    )
                if number == 1 and [cell.strip().lower() for cell in row[:2]] == ["path", "class"]:
                    continue
                found.setdefault(row[1].strip(), []).append(
                    os.path.join(source.parent, row[0].strip())
                )
    else:
        raise ImageError(
            f"{source}: no such folder or CSV; give a folder that has a folder for each class, or a CSV of path,class"
        )
    if not any(found.values()):
        raise ImageError(
            f"{source}: has no pictures in class folders; put each class's pictures into a folder called like the class"
        )
    return found


def evaluate(net, found, names, numbers, size, blob="prob", batch=32, report=None):
    """Evaluate `found` ({class name: [paths]}) whose class numbers are `numbers` ({class name: number}).

    names: of all the net's classes. size: (height, width) that pictures are resized to. report: called with the count of pictures done.
    """
    paths: List[str] = []
    truth: List[int] = []
    unreadable: List[Tuple[str, str]] = []
    parts, waiting = [], []
    for name, files in found.items():
        for path in files:
            try:
                waiting.append(_resized(load(path), size))
            except ImageError as e:
                unreadable.append((path, str(e)))
            else:
                paths.append(path)
                truth.append(numbers[name])
            if len(waiting) == batch:
                parts.append(_predict(net, waiting, size, blob))
                waiting = []
            if report:
                report(len(paths) + len(unreadable))
    if waiting:
        parts.append(_predict(net, waiting, size, blob))
    if not parts:
        raise ImageError(
            f"none of the {len(unreadable)} pictures can be read; the first: {unreadable[0][1]}"
        )
    probabilities = np.concatenate(parts)
    return Evaluation(names or [str(i) for i in range(probabilities.shape[1])], paths, np.array(truth), probabilities, unreadable,
                      [name for name, files in found.items() if not files])  # fmt: skip


def _resized(picture, size):
    from PIL import Image

    bicubic = 3  # Pillow's number, whose name has moved between its releases
    if picture.shape[:2] == tuple(size):
        return picture
    return np.asarray(
        Image.fromarray(to_bytes(picture)).resize((size[1], size[0]), bicubic), np.float32
    )


def _predict(net, pictures, size, blob):
    net.blobs["data"].reshape(len(pictures), 3, *size)
    for into, picture in zip(net.blobs["data"].data, pictures):
        into[...] = preprocess(net, picture)
    net.forward(end=blob)
    return net.blobs[blob].data.reshape(len(pictures), -1).copy()


def check_scikit_learn():
    """Raise MissingExtraError, with the install command, where there is no scikit-learn."""
    try:
        import sklearn  # noqa: F401
    except ImportError as e:
        raise MissingExtraError(
            f"the measures need scikit-learn ({e}); install it with: pip install -e '.[evaluate]'"
        ) from None


def measures(evaluation):
    """{"accuracy", "top5", "classes": [rows], "confusion"}: scikit-learn's, over the classes that were shown or predicted.

    A row is (name, pictures, true positives, false positives, false negatives, true negatives, precision, recall, F1); a precision
    or recall that is not defined is nan.
    """
    from sklearn import metrics

    truth, predicted, present = evaluation.truth, evaluation.predicted, evaluation.present
    confusion = metrics.confusion_matrix(truth, predicted, labels=present)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predicted, labels=present, zero_division=np.nan
    )
    rows = []
    for i, number in enumerate(present):
        hits = int(confusion[i, i])
        misses, alarms = int(confusion[i].sum()) - hits, int(confusion[:, i].sum()) - hits
        rest = len(truth) - hits - misses - alarms
        rows.append(
            (
                evaluation.names[number],
                int(confusion[i].sum()),
                hits,
                alarms,
                misses,
                rest,
                float(precision[i]),
                float(recall[i]),
                float(f1[i]),
            )
        )
    count = evaluation.probabilities.shape[1]
    top5 = (
        metrics.top_k_accuracy_score(truth, evaluation.probabilities, k=5, labels=range(count))
        if count > 5
        else 1.0
    )
    return {
        "accuracy": float(metrics.accuracy_score(truth, predicted)),
        "top5": float(top5),
        "classes": rows,
        "confusion": confusion,
    }


def worst_mistakes(evaluation, count=24):
    """Numbers of the pictures that were taken for another class, the surest first."""
    sure = evaluation.probabilities.max(1)
    wrong = np.flatnonzero(evaluation.predicted != evaluation.truth)
    return wrong[np.argsort(-sure[wrong], kind="stable")][:count]
