"""What `deepdream evaluate` writes: a page, the confusion matrix as a picture and a CSV, every prediction, the worst mistakes as a sheet."""

import base64
import csv
import html
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..pictures import load, to_bytes
from . import page
from .evaluate import worst_mistakes

_CELL, _LABEL, _GAP = 144, 32, 8
_HOW_TO_READ = """
<p>A true positive of a class is its picture that was taken for it, a false negative its picture that was taken for another, a false positive
another's picture that was taken for it. Precision is the share of true ones among all that were taken for the class, recall the share of the
class's pictures that were found; F1 is their harmonic mean. A class that was never predicted has no precision, one without pictures no recall.</p>
"""


def write(folder, evaluation, measured, about):
    """Write everything into a folder that exists. about: [(what, value)] of the run, for the page. Returns the page's path."""
    folder = Path(folder)
    names = [row[0] for row in measured["classes"]]
    _write_csv(
        folder / "confusion.csv",
        ["true class", *names],
        ([name, *map(int, row)] for name, row in zip(names, measured["confusion"])),
    )
    _write_csv(
        folder / "predictions.csv",
        ["path", "class", "predicted", "probability", "probability of class"],
        _predictions(evaluation),
    )
    confusion = confusion_picture(measured["confusion"], names)
    with page.whole(folder / "confusion.png") as partial:
        partial.write_bytes(confusion)
    sheet = mistakes_sheet(evaluation)
    if sheet is not None:
        with page.whole(folder / "mistakes.png") as partial:
            Image.fromarray(sheet).save(partial, "PNG")
    page.write(folder / "index.html", render(evaluation, measured, about, confusion, sheet))
    return folder / "index.html"


def _write_csv(path, head, rows):
    with page.whole(path) as partial, open(partial, "w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f)
        writer.writerow(head)
        writer.writerows(rows)


def _predictions(evaluation):
    for path, truth, probabilities in zip(
        evaluation.paths, evaluation.truth, evaluation.probabilities
    ):
        found = int(probabilities.argmax())
        yield [
            path,
            evaluation.names[truth],
            evaluation.names[found],
            f"{probabilities[found]:.6f}",
            f"{probabilities[truth]:.6f}",
        ]


def render(evaluation, measured, about, confusion, sheet):
    """The page as text."""
    count, wrong = len(evaluation.truth), int((evaluation.predicted != evaluation.truth).sum())
    recalls = [row for row in measured["classes"] if row[1] and row[2] < row[1]]
    weakest = sorted(recalls, key=lambda row: row[7])[:3]
    body = [
        "<h1>How the net was checked</h1>",
        f'<p class="dim">{count} pictures of {sum(1 for row in measured["classes"] if row[1])} classes</p>',
        f'<div class="verdict agree"><strong>Accuracy {measured["accuracy"]:.1%}, top-5 {measured["top5"]:.1%}.</strong>'
        f"<p>{wrong} of {count} pictures were taken for another class. "
        + (f"Lowest recall: {html.escape(', '.join(f'{row[0]} {row[7]:.1%}' for row in weakest))}." if weakest else "") + "</p></div>",
        page.table(["", ""], about),
        "<h2>Every class</h2>",
        page.table(
            ["class", "pictures", "true positives", "false positives", "false negatives", "true negatives", "precision", "recall", "F1"],
            [(*row[:6], *("-" if np.isnan(v) else f"{v:.3f}" for v in row[6:])) for row in measured["classes"]],
        ),
        _HOW_TO_READ,
        "<h2>Which was taken for which</h2>",
        page.figure(_png(confusion), "Rows: the true class; columns: the predicted one. Shade: share of the row. Also as confusion.csv."),
    ]  # fmt: skip
    if sheet is not None:
        body += [
            "<h2>The worst mistakes</h2>",
            page.figure(page.picture(np.float32(sheet)), "The surest wrong predictions first."),
        ]
    if evaluation.unreadable or evaluation.empty:
        body.append("<h2>Left out</h2>")
        body.append(
            page.table(
                ["picture or class", "why"],
                [
                    *evaluation.unreadable,
                    *((name, "the class has no pictures") for name in evaluation.empty),
                ],
            )
        )
    return page.page("How the net was checked", "\n".join(body))


def _png(raw):
    return f"data:image/png;base64,{base64.b64encode(raw).decode()}"


def confusion_picture(confusion, names):
    """The confusion matrix as a PNG, as bytes. Needs matplotlib."""
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
        for i, j in zip(*np.nonzero(confusion)):
            axes.text(
                j,
                i,
                str(confusion[i, j]),
                ha="center",
                va="center",
                fontsize=6,
                color="white" if shares[i, j] > 0.5 else "black",
            )
    out = io.BytesIO()
    drawing.savefig(out, format="png", dpi=130)
    return out.getvalue()


def mistakes_sheet(evaluation, columns=6):
    """uint8 RGB (H, W, 3) of the worst mistakes with captions, or None if there is none."""
    wrong = worst_mistakes(evaluation)
    if not len(wrong):
        return None
    columns = min(columns, len(wrong))
    rows = -(-len(wrong) // columns)
    sheet = Image.new(
        "RGB",
        (_GAP + columns * (_CELL + _GAP), _GAP + rows * (_CELL + _LABEL + _GAP)),
        (250, 248, 244),
    )
    draw = ImageDraw.Draw(sheet)
    for i, number in enumerate(wrong):
        x, y = _GAP + i % columns * (_CELL + _GAP), _GAP + i // columns * (_CELL + _LABEL + _GAP)
        picture = Image.fromarray(to_bytes(load(evaluation.paths[number])))
        bicubic = 3  # Pillow's number, whose name has moved between its releases
        sheet.paste(picture.resize((_CELL, _CELL), bicubic), (x, y))
        truth, found = (
            evaluation.names[n] for n in (evaluation.truth[number], evaluation.predicted[number])
        )
        draw.text(
            (x, y + _CELL + 2),
            f"{truth}\nas {found} {evaluation.probabilities[number].max():.2f}",
            fill=(40, 40, 40),
        )
    return np.asarray(sheet)
