"""`deepdream evaluate`: a folder of labelled pictures, and a folder with a page of what the net
makes of them."""

import argparse
import os
from pathlib import Path
from typing import Any, List

from netfile.system.files import file_sha1
from netfile.terminal import counted, say

from ... import nets
from ...nets.class_output import check_classes, class_output
from ...settings import EVALUATE
from ...studies import evaluate, evaluate_page
from ...studies.plot import check_matplotlib
from .. import events, meant, options
from ..progress import Meter
from ..results import check_new_files

EXAMPLES = (
    "deepdream evaluate pictures/ -o checked/",
    "deepdream evaluate labels.csv -o checked/ --model bvlc_googlenet",
)


def add_parser(verbs: Any) -> None:
    about = "check a net on labelled pictures, and write a page"
    p = options.add_command(verbs, "evaluate", about, EXAMPLES)
    p.add_argument(
        "source",
        type=options.filled,
        metavar="FOLDER",
        help="a folder with a folder of pictures for each class, or a CSV of path,class",
    )
    options.add_out(
        p, "FOLDER", "where index.html, the CSVs and the sheets go; made if it is not there"
    )
    options.add_model(p)
    options.add_setting(
        p.group(options.HOW),
        "--batch",
        options.number(int, 1, highest=4096),
        EVALUATE.batch,
        "N",
        "pictures per pass",
    )
    options.add_engine(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    out = Path(args.out)
    check_new_files(args.out, evaluate_page.FILES, args.overwrite, [args.source])
    check_matplotlib("the page's confusion matrix")
    evaluate.check_scikit_learn()
    labelled = evaluate.find_pictures(args.source)
    every_picture = [path for paths in labelled.values() for path in paths]
    check_new_files(args.out, evaluate_page.FILES, args.overwrite, every_picture)
    model = meant.model_of(args)
    numbers = {name: nets.class_number(model, name)[0] for name in labelled}
    count = sum(map(len, labelled.values()))

    def end(description: Any) -> List[str]:
        output = class_output(description, len(nets.classes(model)))
        check_classes(description, output, max(numbers.values()))
        return [output.end]

    opened = nets.open(
        model,
        args.engine,
        layers=end,
        batch=min(args.batch, count),
        backward=False,
        any_size=False,
        beside=evaluate.BYTES_PER_PIXEL,
        gpu=args.gpu,
    )
    with Meter(count, "evaluating", unit=" pictures") as meter:
        result = evaluate.evaluate(
            opened.net,
            labelled,
            nets.classes(model),
            numbers,
            opened.size,
            output=opened.output,
            batch=args.batch,
            report=meter.at,
        )
    measured = evaluate.measures(result)
    out.mkdir(exist_ok=True)
    facts = [
        ("pictures", str(args.source)),
        ("model", model.name),
        ("weights, SHA1", file_sha1(model.weights)),
        ("engine", f"{opened.about['name']} {opened.about['version']}"),
        ("size", f"{opened.size[1]}x{opened.size[0]}"),
        ("class output", _told(opened.output)),
    ]
    path = evaluate_page.write(out, result, measured, facts, args.overwrite)
    if evaluate_page.is_older(out, result):
        events.warn("mistakes.png is of an earlier evaluation")
    for name in result.empty:
        events.warn(f"class {name} has no pictures")
    if result.unreadable:
        first = os.path.basename(result.unreadable[0][0])
        count_of_them = counted(len(result.unreadable), "picture")
        events.warn(f"{count_of_them} cannot be read, {first} for one; the page lists them")
    say(
        f"{counted(len(result.truth), 'picture')}: accuracy {measured['accuracy']:.4f}, "
        f"top-5 {measured['top5']:.4f}"
    )
    events.wrote(path, accuracy=measured["accuracy"], top5=measured["top5"])


def _told(output: nets.ClassOutput) -> str:
    """Where the probabilities were read, in words."""
    return f"{output.scores}, softmax taken of it" if output.computed else output.probabilities
