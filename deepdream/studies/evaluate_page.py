"""What `deepdream evaluate` writes: a page, the confusion matrix, every prediction, mistakes."""

import csv
import html
import io
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image

from ..pictures import contact_sheet, load
from ..pictures.files import PathLike
from ..pictures.output import whole
from . import page
from .evaluate import Predictions, worst_mistakes

_HOW_TO_READ = """
<p>A true positive of a class is a picture of it that was taken for it, a false negative a picture
of it that was taken for another, a false positive a picture of another that was taken for it.
Precision is the share of true positives among all that were taken for the class, recall the share
of the class's pictures that were recognised; F1 is their harmonic mean. A class that was never
predicted has no precision, one without pictures no recall.</p>
"""
_CLASS_COLUMNS = (
    "class",
    "pictures",
    "true positives",
    "false positives",
    "false negatives",
    "true negatives",
    "precision",
    "recall",
    "F1",
)
_MATRIX_CAPTION = (
    "Rows: the true class; columns: the predicted one. Shade: share of the row. "
    "Also as confusion.csv."
)


FILES = ("confusion.csv", "predictions.csv", "confusion.png", "mistakes.png", "index.html")


def write(
    folder: PathLike,
    predictions: Predictions,
    measured: Dict[str, Any],
    about: Sequence[Tuple[str, str]],
    replace: bool = True,
) -> Path:
    """Write FILES into a folder that exists, and return the page's path.

    measured: what `measures` returns. about: [(what, value)] of the run, for the page. replace:
    whether they may replace files.

    Raises:
        OutputError: one of them cannot be written.
    """
    folder = Path(folder)
    names = [row[0] for row in measured["classes"]]
    matrix = ([name, *map(int, row)] for name, row in zip(names, measured["confusion"]))
    _write_csv(folder / "confusion.csv", ["true class", *names], matrix, replace)
    head = ["path", "class", "predicted", "probability", "probability of class"]
    _write_csv(folder / "predictions.csv", head, _rows(predictions), replace)
    confusion = confusion_picture(measured["confusion"], names)
    with whole(folder / "confusion.png", replace) as partial:
        partial.write_bytes(confusion)
    sheet = mistakes_sheet(predictions)
    if sheet is not None:
        with whole(folder / "mistakes.png", replace) as partial:
            Image.fromarray(sheet).save(partial, "PNG")
    text = render(predictions, measured, about, confusion, sheet)
    page.write(folder / "index.html", text, replace)
    return folder / "index.html"


def is_older(folder: PathLike, predictions: Predictions) -> bool:
    """Whether the folder has a sheet of mistakes although this evaluation has none."""
    return (Path(folder) / "mistakes.png").exists() and not len(worst_mistakes(predictions))


def _write_csv(
    path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]], replace: bool
) -> None:
    with whole(path, replace) as partial, open(partial, "w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f)
        writer.writerow(head)
        writer.writerows(rows)


def _rows(predictions: Predictions) -> Iterator[List[str]]:
    names = predictions.names
    for path, truth, shares in zip(predictions.paths, predictions.truth, predictions.probabilities):
        best = int(shares.argmax())
        yield [path, names[truth], names[best], f"{shares[best]:.6f}", f"{shares[truth]:.6f}"]


def render(
    predictions: Predictions,
    measured: Dict[str, Any],
    about: Sequence[Tuple[str, str]],
    confusion: bytes,
    sheet: Optional[np.ndarray],
) -> str:
    """The page as text. confusion: a PNG. sheet: as mistakes_sheet returns it."""
    classes = measured["classes"]
    shown = sum(1 for row in classes if row[1])
    body = [
        "<h1>How the net was checked</h1>",
        f'<p class="dim">{len(predictions.truth)} pictures of {shown} classes</p>',
        _verdict(predictions, measured),
        page.table(["", ""], about),
        "<h2>Every class</h2>",
        page.table(_CLASS_COLUMNS, [(*row[:6], *map(_share, row[6:])) for row in classes]),
        _HOW_TO_READ,
        "<h2>Which was taken for which</h2>",
        page.figure(page.data_uri(confusion, "png"), _MATRIX_CAPTION),
    ]
    if sheet is not None:
        picture = page.picture(sheet.astype(np.float32))
        body += [
            "<h2>The worst mistakes</h2>",
            page.figure(picture, "The surest wrong predictions first."),
        ]
    empty = [(name, "the class has no pictures") for name in predictions.empty]
    if predictions.unreadable or empty:
        left_out = [*predictions.unreadable, *empty]
        body += ["<h2>Left out</h2>", page.table(["picture or class", "why"], left_out)]
    return page.page("How the net was checked", "\n".join(body))


def _verdict(predictions: Predictions, measured: Dict[str, Any]) -> str:
    count = len(predictions.truth)
    wrong = int((predictions.predicted != predictions.truth).sum())
    missed = [row for row in measured["classes"] if row[1] and row[2] < row[1]]
    weakest = sorted(missed, key=lambda row: float(row[7]))[:3]
    lowest = html.escape(", ".join(f"{row[0]} {row[7]:.1%}" for row in weakest))
    return (
        f'<div class="verdict agree"><strong>Accuracy {measured["accuracy"]:.1%}, '
        f"top-5 {measured['top5']:.1%}.</strong>"
        f"<p>{wrong} of {count} pictures were taken for another class. "
        + (f"Lowest recall: {lowest}." if weakest else "")
        + "</p></div>"
    )


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def confusion_picture(confusion: np.ndarray, names: Sequence[str]) -> bytes:
    """The confusion matrix, (n, n), as a PNG. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    side = max(3.5, 1.6 + 0.2 * len(names))
    drawing = Figure(figsize=(side, side), layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(names) <= 50:
        middle: Dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6}
        for i, j in zip(*np.nonzero(confusion)):
            colour = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, str(confusion[i, j]), color=colour, **middle)
    out = io.BytesIO()
    drawing.savefig(out, format="png", dpi=130)
    return out.getvalue()


def mistakes_sheet(predictions: Predictions, columns: int = 6) -> Optional[np.ndarray]:
    """uint8 RGB (H, W, 3) of the worst mistakes with captions, or None if there is none."""
    mistakes = []
    for number in worst_mistakes(predictions):
        shares, truth = predictions.probabilities[number], predictions.truth[number]
        names = predictions.names[truth], predictions.names[shares.argmax()]
        caption = f"{names[0]}\nas {names[1]} {shares.max():.2f}"
        mistakes.append((load(predictions.paths[number]), caption))
    if not mistakes:
        return None
    return contact_sheet([mistakes[i : i + columns] for i in range(0, len(mistakes), columns)])
