"""What `deepdream evaluate` writes: a page, the confusion matrix, every prediction, mistakes."""

import csv
import html
import io
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
from PIL import Image

from netfile.terminal import counted

from ..pictures import contact_sheet, load, to_bytes
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
_AXES = "Rows are the true class, columns the predicted one; the shade is the share of the row."
_MISTAKES = "<p>The surest wrong predictions first, with the probability of what was predicted.</p>"
_TABLE, _LABELLED = 50, 150  # so many classes at most make a table, and have names in a picture
_THUMBNAIL = 192  # pixels
_MAP_COLOUR = (60, 120, 190)  # seen on light and on dark
_STYLE = (
    ".matrix { border-collapse: separate; border-spacing: 1px; } "
    ".matrix th, .matrix td { border: 0; padding: .15rem .35rem; }\n"
    ".matrix td { text-align: center; min-width: 1.9rem; } "
    ".matrix thead th { padding: .3rem 0; } "
    ".matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); "
    "max-height: 12rem; }\n"
    + "\n".join(
        f".s{i} {{ background: rgb(var(--heat) / {0.1 + 0.09 * i:.2f}); }}" for i in range(1, 11)
    )
    + "\n"
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
    with whole(folder / "confusion.png", replace) as partial:
        partial.write_bytes(confusion_picture(measured["confusion"], names))
    mistakes = mistakes_of(predictions)
    if mistakes:
        with whole(folder / "mistakes.png", replace) as partial:
            Image.fromarray(mistakes_sheet(mistakes)).save(partial, "PNG")
    page.write(folder / "index.html", render(predictions, measured, about, mistakes), replace)
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
    mistakes: Sequence["Mistake"],
) -> str:
    """The page as text. measured: what `measures` returns. mistakes: what `mistakes_of` does."""
    classes = measured["classes"]
    shown = sum(1 for row in classes if row[1])
    names = [row[0] for row in classes]
    body = [
        _verdict(predictions, measured),
        page.table("What was checked.", ["", ""], page.filled(about)),
        "<h2>Every class</h2>",
        page.table(
            "True and false positives and negatives of each class, and what they come to.",
            _CLASS_COLUMNS,
            [(*row[:6], *map(_share, row[6:])) for row in classes],
        ),
        _HOW_TO_READ,
        "<h2>Which was taken for which</h2>",
        *_confusions(measured["confusion"], names),
    ]
    if mistakes:
        body += ["<h2>The worst mistakes</h2>", _MISTAKES, page.row(map(_figure_of, mistakes))]
    empty = [(name, "the class has no pictures") for name in predictions.empty]
    if predictions.unreadable or empty:
        unreadable = [(path, _without(path, why)) for path, why in predictions.unreadable]
        left_out = [*unreadable, *empty]
        told = "Pictures that cannot be read, and classes without any."
        body += ["<h2>Left out</h2>", page.table(told, ["picture or class", "why"], left_out)]
    count = len(predictions.truth)
    pictures = f"{counted(count, 'picture')} of {shown} {'class' if shown == 1 else 'classes'}"
    return page.page("How the net was checked", pictures, body, _STYLE)


def _verdict(predictions: Predictions, measured: Dict[str, Any]) -> str:
    count = len(predictions.truth)
    wrong = int((predictions.predicted != predictions.truth).sum())
    missed = [row for row in measured["classes"] if row[1] and row[2] < row[1]]
    weakest = sorted(missed, key=lambda row: float(row[7]))[:3]
    lowest = ", ".join(f"{row[0]} {row[7]:.1%}" for row in weakest)
    return page.verdict(
        "measured",
        f"Accuracy {measured['accuracy']:.1%}, top-5 {measured['top5']:.1%}.",
        f"{wrong} of {counted(count, 'picture')} {'was' if wrong == 1 else 'were'} taken for "
        "another class." + (f" Lowest recall: {lowest}." if weakest else ""),
    )


def _without(path: str, why: str) -> str:
    """Why a picture cannot be read, without its path in front."""
    start = f"{path}: "
    return why[len(start) :] if why.startswith(start) else why


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _confusions(confusion: np.ndarray, names: Sequence[str]) -> Iterator[str]:
    """The matrix, as a table where that can be read and else as a map; and its largest errors."""
    if len(names) <= _TABLE:
        yield _matrix(confusion, names)
    else:
        yield page.figure(
            page.png(confusion_map(confusion)),
            f"{len(names)} by {len(names)} classes, in the order of the table above. {_AXES}",
            "The confusion matrix: the more of the diagonal is dark, the fewer mistakes",
        )
    wrong = confusion * (1 - np.eye(len(names), dtype=confusion.dtype))
    order = np.argsort(wrong, axis=None, kind="stable")[::-1][:12]
    pairs = [np.unravel_index(place, wrong.shape) for place in order]
    rows = [(names[i], names[j], int(wrong[i, j])) for i, j in pairs if wrong[i, j]]
    if rows:
        yield page.table("The most frequent confusions.", ["class", "taken for", "pictures"], rows)


def _matrix(confusion: np.ndarray, names: Sequence[str]) -> str:
    shades = np.ceil(10 * confusion / np.maximum(confusion.sum(1, keepdims=True), 1)).astype(int)
    titles = [html.escape(name) for name in names]
    top = "".join(f'<th scope="col"><span>{title}</span></th>' for title in titles)
    rows = "".join(
        f'<tr><th scope="row">{title}</th>'
        + "".join(
            f'<td class="s{shade}">{count}</td>' if count else "<td></td>"
            for count, shade in zip(counts, levels)
        )
        + "</tr>"
        for title, counts, levels in zip(titles, confusion.tolist(), shades.tolist())
    )
    told = f"{_AXES} The counts are in confusion.csv too."
    body = f"<thead><tr><td></td>{top}</tr></thead><tbody>{rows}</tbody>"
    return page.scrolling(told, body, "matrix")


def confusion_map(confusion: np.ndarray) -> Image.Image:
    """A matrix of many classes as an RGBA picture of 1 to 8 pixels a class, clear where it is 0.

    Where there are more than 2000 classes, several share a pixel.
    """
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    colour = np.array(_MAP_COLOUR, np.uint8)
    pixels = np.zeros((*shares.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = colour, np.ceil(255 * shares)
    each = int(np.clip(800 // len(shares), 1, 8))
    image = Image.fromarray(pixels.repeat(each, 0).repeat(each, 1))
    image.thumbnail((2000, 2000))
    return image


def confusion_picture(confusion: np.ndarray, names: Sequence[str]) -> bytes:
    """The confusion matrix, (n, n), as a PNG, without names where they are too many.

    Needs matplotlib.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    labelled = len(names) <= _LABELLED
    side = max(3.5, 1.6 + 0.2 * len(names)) if labelled else 12
    drawing = Figure(figsize=(side, side), layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if labelled:
        titles = [name if len(name) <= 24 else f"{name[:21]}..." for name in names]
        axes.set_xticks(range(len(names)), titles, rotation=90, fontsize=8)
        axes.set_yticks(range(len(names)), titles, fontsize=8)
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


class Mistake(NamedTuple):
    """A picture (H, W, 3) that was taken for another class, how surely, and its file's name."""

    picture: np.ndarray
    truth: str
    taken_for: str
    probability: float
    file: str


def mistakes_of(predictions: Predictions) -> List[Mistake]:
    """The worst mistakes, the surest first."""
    names, found = predictions.names, []
    for number in worst_mistakes(predictions):
        shares, path = predictions.probabilities[number], predictions.paths[number]
        truth, taken_for = names[predictions.truth[number]], names[shares.argmax()]
        found.append(Mistake(load(path), truth, taken_for, float(shares.max()), Path(path).name))
    return found


def mistakes_sheet(mistakes: Sequence[Mistake], columns: int = 6) -> np.ndarray:
    """uint8 RGB (H, W, 3) of at least one mistake, with captions."""
    cells = [(m.picture, f"{m.truth}\nas {m.taken_for} {m.probability:.2f}") for m in mistakes]
    return contact_sheet([cells[i : i + columns] for i in range(0, len(cells), columns)])


def _figure_of(mistake: Mistake) -> str:
    image = Image.fromarray(to_bytes(mistake.picture))
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    said = f"{mistake.truth}, taken for {mistake.taken_for}, {mistake.probability:.2f}"
    return page.figure(page.picture(np.asarray(image)), said, f"The picture {mistake.file}")
