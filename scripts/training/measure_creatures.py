"""Measure the creature net, and write the figures into its readme.

    python scripts/training/measure_creatures.py

Three questions: does an independent net name what its class pictures show; how often is it right on
held-out composites, clean and under attack; what does a dream change? It needs the judge's weights
(`deepdream models get efficientnet_lite2`), the photographs of the training (fetched by apt) and,
for the composites, the extra `train`, that is PyTorch. The figures go to the standard output and
between two markers in the readme; the pictures are kept in a folder. --classes and --batches
measure a part, to try it out, and leave the readme alone.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import nets, pictures  # noqa: E402
from deepdream.cli.advice import advised  # noqa: E402
from deepdream.errors import DreamError  # noqa: E402
from deepdream.settings import DEFAULT_ENGINE  # noqa: E402
from netfile.errors import NetError  # noqa: E402
from netfile.system.files import whole_file  # noqa: E402
from netfile.terminal import counted  # noqa: E402
from scripts.training.creatures import (  # noqa: E402
    changes,
    figures,
    held_out,
    seen,
    synsets,
)

COOKBOOK = ROOT / "docs" / "cookbook"
# scikit-learn's two, as the documentation shows them
PHOTOGRAPHS = {"the pagoda": COOKBOOK / "photo.jpg", "the flower": COOKBOOK / "flower.jpg"}


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--model", default="creature_googlenet", help="(default %(default)s)")
    p.add_argument(
        "--beside",
        default="motif_googlenet",
        metavar="MODEL",
        help="a model to compare it with, in the classes that it has (default %(default)s)",
    )
    p.add_argument(
        "--judge",
        default="efficientnet_lite2",
        metavar="MODEL",
        help="a net that knows ImageNet's classes (default %(default)s)",
    )
    p.add_argument(
        "-o",
        "--out",
        type=Path,
        default=ROOT / "out" / "measured",
        metavar="FOLDER",
        help="where the pictures go (default %(default)s)",
    )
    p.add_argument(
        "--cache",
        type=Path,
        default=ROOT / "out" / "photographs",
        help="packages of photographs (default %(default)s)",
    )
    p.add_argument(
        "--seeds", type=_count, default=1, metavar="N", help="of each class (default %(default)s)"
    )
    p.add_argument("--classes", type=_count, metavar="N", help="look at the first N alone")
    p.add_argument(
        "--batches",
        type=_count,
        metavar="N",
        help=f"of {held_out.BATCH} held-out composites (default {held_out.CLEAN_BATCHES})",
    )
    p.add_argument("--engine", default=DEFAULT_ENGINE, choices=("auto", "caffe", "compat"))
    return p.parse_args(argv)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def judged(args: argparse.Namespace) -> str:
    """Is it seen? As Markdown."""
    judge, counting = seen.Judge(args.judge, args.engine), synsets.counting()
    labels = list(counting)[: args.classes]
    made = []
    for model in (args.model, args.beside):
        own = [label for label in labels if label in nets.classes(nets.find(model))]
        if not own:
            tell(f"{model} has none of these classes")
            continue
        tell(f"class pictures of {counted(len(own), 'animal')} by {model}")
        shown = seen.class_pictures(model, own, args.seeds, args.out / model, args.engine)
        by_lot = [
            seen.chance((counting[label] for label in own), len(judge.names), each)
            for each in (args.seeds, 1)
        ]
        answers = _answers(judge, shown)
        made.append(figures.Judged(model, seen.Seen.of(answers, counting), (by_lot[0], by_lot[1])))
    tell("the photographs themselves")
    photographs = seen.cut_outs(labels, args.cache, judge.side)
    original = seen.Seen.of(_answers(judge, photographs), counting)
    return figures.is_it_seen(str(judge.name), made, original, synsets.lacking())


def _answers(judge: seen.Judge, shown: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """The judge's answers, class by class; what it says first is told on the way."""
    answers = {}
    for label, made in shown.items():
        answers[label] = judge.answers(made)
        tell(f"{label} is named {judge.said(answers[label])}")
    return answers


def changed(args: argparse.Namespace) -> str:
    """What does a dream change? As Markdown."""
    before = [pictures.load(path) for path in PHOTOGRAPHS.values()]
    after = []
    for model in (args.model, args.beside):
        tell(f"dreams by {model}")
        folder = args.out / model / "dreams"
        dreamt = changes.dreams(model, list(PHOTOGRAPHS.values()), folder, args.engine)
        shares = [changes.changed_share(*pair) for pair in zip(before, dreamt, strict=True)]
        share = sum(shares) / len(shares)
        after.append(figures.Changed(model, share, changes.Look.of(dreamt)))
    return figures.what_changes(list(PHOTOGRAPHS), changes.Look.of(before), after)


def measure(args: argparse.Namespace) -> None:
    """Measure, print, and write; what can be missing is asked for before the work."""
    readme = Path(nets.find(args.model).weights).parent / "readme.md"
    text = readme.read_text(encoding="utf-8")
    figures.replaced(text, "", readme)
    seen.Judge(args.judge, args.engine)
    nets.open(args.beside, args.engine)
    composer, mean = held_out.composer_of(args.cache, args.model)
    batches = args.batches or held_out.CLEAN_BATCHES
    right = held_out.accuracy(args.model, args.engine, composer, mean, batches, tell)
    found = "\n\n".join([judged(args), figures.held_out(right), changed(args)])
    print(found)
    if args.classes or args.batches:
        tell(f"these are figures of a part; {readme} is as it was")
        return
    with whole_file(readme) as part:
        part.write_text(figures.replaced(text, found, readme), encoding="utf-8")
    tell(f"wrote {readme}")


def tell(line: str) -> None:
    """A line about how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    try:
        measure(args)
    except (DreamError, NetError) as e:
        print(f"measure_creatures: {advised(e)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
