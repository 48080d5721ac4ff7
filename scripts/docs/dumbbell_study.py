"""What did the net learn of dumbbells, which in all of its training pictures were held by an arm?

Dreams the class, and tests the model on held-out drawings (of seeds that training never used) of
dumbbells with an arm, of dumbbells without one and, if the model learned drawings alone, of every
class. One page says what came out:

    python scripts/docs/dumbbell_study.py -o out/dumbbell
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import nets  # noqa: E402
from deepdream.cli import options  # noqa: E402
from deepdream.dream import class_pictures as classes  # noqa: E402
from deepdream.errors import DreamError, OutputError  # noqa: E402
from deepdream.pictures import contact_sheet  # noqa: E402
from deepdream.request.own_settings import own_class_method  # noqa: E402
from deepdream.settings import DEFAULT_ENGINE, DEFAULT_MODEL  # noqa: E402
from deepdream.studies import evaluate, evaluate_page, page  # noqa: E402
from scripts.training.motifs.sampler import NAMES, picture  # noqa: E402

SEED = 20_000_000  # training and its held-out set use seeds below 10 million
DUMBBELL = NAMES.index("dumbbell")
EVERY, WITH, WITHOUT = "every class that was drawn", "with an arm", "without an arm"
TITLE = "What the net learned of dumbbells"
Evaluations = Dict[str, evaluate.Predictions]


def draw(folder: Path, label: int, count: int, seed: int, side: int, **options: Any) -> List[str]:
    """Paths of `count` held-out pictures of a class, as PNG files in a folder of its name."""
    folder = folder / NAMES[label]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(count):
        rng = np.random.default_rng([SEED + seed, label, i])
        path = folder / f"{i:04d}.png"
        Image.fromarray(picture(rng, label, side, **options).transpose(1, 2, 0)).save(path)
        paths.append(str(path))
    return paths


def side_by_side(pictures: Iterable[np.ndarray], side: int = 128) -> np.ndarray:
    """Square pictures in one row, as RGB (H, W, 3)."""
    return contact_sheet([[(picture, "") for picture in pictures]], (side, side), gap=0)


def sample(paths: List[str], count: int = 6) -> np.ndarray:
    """The first pictures side by side, as RGB (H, W, 3)."""
    return side_by_side(np.asarray(Image.open(p)) for p in paths[:count])


def study(args: argparse.Namespace) -> None:
    """Draw the sets, run the net on them, dream the class, and write the page."""
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    if not args.overwrite and any(out.iterdir()):
        raise OutputError(f"{out}: is not empty; choose another folder, or give --overwrite")
    opened = nets.open(args.model, args.engine)
    net, model, size, output = opened.net, opened.model, opened.size, opened.output
    names, side = nets.classes(model), size[0]
    drawn = NAMES if set(NAMES) <= set(names) else ["dumbbell"]
    numbers = {name: nets.class_number(model, name)[0] for name in drawn}
    every = {name: draw(out / "pictures", NAMES.index(name), args.each, 0, side) for name in drawn}
    with_arm = draw(out / "with-arm", DUMBBELL, args.count, 1, side)
    without = draw(out / "without-arm", DUMBBELL, args.count, 1, side, arm=False)
    sets = {EVERY: every, WITH: {"dumbbell": with_arm}, WITHOUT: {"dumbbell": without}}
    results = {
        what: evaluate.evaluate(net, pictures, names, numbers, size, output)
        for what, pictures in sets.items()
    }
    name = own_class_method(model)
    dreamt = classes.visualise(
        net, output.layer, numbers["dumbbell"], size, range(6), classes.METHODS[name]
    )
    measured = evaluate.measures(results[EVERY])
    (out / "evaluation").mkdir(exist_ok=True)
    about = [("model", model.name)]
    evaluate_page.write(out / "evaluation", results[EVERY], measured, about)
    made = f"{model.name} on {opened.about['name']}; held-out drawings, {side}x{side}"
    shown = [side_by_side(dreamt), sample(with_arm), sample(without)]
    page.write(out / "index.html", render(made, name, results, measured, shown))
    for what, result in results.items():
        print(f"{what}: {(result.predicted == result.truth).mean():.4f} of {len(result.truth)}")
    print(f"wrote {out / 'index.html'}")


def recall(result: evaluate.Predictions) -> Tuple[int, int, float]:
    """(recognised, all, their ratio) of a set that is all dumbbells."""
    hits = int((result.predicted == result.truth).sum())
    return hits, len(result.truth), hits / len(result.truth)


def taken_for(result: evaluate.Predictions, count: int = 6) -> List[Tuple[str, int, str]]:
    """(class, how many, share) of what dumbbells were taken for, the most frequent first."""
    values, counts = np.unique(result.predicted, return_counts=True)
    order = counts.argsort()[::-1][:count]
    return [
        (result.names[values[i]], int(counts[i]), f"{counts[i] / len(result.truth):.1%}")
        for i in order
    ]


def verdict(results: Evaluations) -> str:
    """Whether the net leans on the arm, in a box: by two standard errors of the difference."""
    hits, count, share = recall(results[WITH])
    bare_hits, bare_count, bare_share = recall(results[WITHOUT])
    probability, bare_probability = (
        float(results[what].probabilities[:, results[what].truth[0]].mean())
        for what in (WITH, WITHOUT)
    )
    error = np.sqrt(share * (1 - share) / count + bare_share * (1 - bare_share) / bare_count)
    leans = share - bare_share > 2 * error
    said = (
        f"The net leans on the arm: without it, it misses {1 - bare_share:.1%} of the dumbbells, "
        f"with it {1 - share:.1%}."
        if leans
        else "The arm makes no difference that these sets could show."
    )
    return page.verdict(
        "measured",
        said,
        f"It recognises {hits} of {count} dumbbells with an arm ({share:.1%}) and {bare_hits} "
        f"of {bare_count} without ({bare_share:.1%}; the standard error of the difference is "
        f"{error:.1%}); its mean probability for the class is {probability:.3f} and "
        f"{bare_probability:.3f}.",
    )


def render(
    made: str,
    method: str,
    results: Evaluations,
    measured: Dict[str, Any],
    shown: List[np.ndarray],
) -> str:
    """The page as text.

    Args:
        made: Which model, which engine, which drawings.
        method: Of the dreams.
        results: By the name of the set.
        measured: What evaluate.measures says of every class.
        shown: RGB (H, W, 3): the dreams, the set with an arm, the set without.
    """
    dreamt, with_arm, without = map(page.picture, shown)
    share, bare_share = recall(results[WITH])[2], recall(results[WITHOUT])[2]
    head = ["taken for", "pictures", "share"]
    body = [
        verdict(results),
        "<p>Every dumbbell that the net was trained on was held by an arm. Nothing in the training "
        "data says which of the two is the dumbbell, and no accuracy on data of the same kind can "
        "show what the net made of it. There are two ways to look: ask the net what the class "
        "looks like, and test it on what it has never seen.</p>",
        "<h2>The class, dreamt from noise</h2>",
        page.figure(
            dreamt,
            f"Six seeds, by {method}. Is there a weight, or an arm?",
            "Six pictures that the net takes for dumbbells, made from noise",
        ),
        "<h2>The two sets</h2>",
        page.row(
            [
                page.figure(
                    with_arm,
                    f"Held out, with an arm: {share:.1%} recognised.",
                    "Six drawings of dumbbells that an arm holds",
                ),
                page.figure(
                    without,
                    f"Held out, without an arm: {bare_share:.1%} recognised.",
                    "Six drawings of dumbbells alone",
                ),
            ]
        ),
        "<h2>What dumbbells were taken for</h2>",
        page.row(
            f"<div>{page.table(f'Dumbbells {what}.', head, taken_for(results[what]))}</div>"
            for what in (WITH, WITHOUT)
        ),
        *_among_all(results[EVERY], measured),
    ]
    return page.page(TITLE, made, body)


def _among_all(every: evaluate.Predictions, measured: Dict[str, Any]) -> List[str]:
    """What evaluate.measures says of every drawn class, if dumbbells are not the only one."""
    if len(set(every.truth.tolist())) < 2:
        return []
    row = next(r for r in measured["classes"] if r[0] == "dumbbell")
    return [
        "<h2>Among all classes</h2>",
        f"<p>On held-out pictures of every class the net's accuracy is {measured['accuracy']:.1%}; "
        f"dumbbell has precision {row[6]:.3f} and recall {row[7]:.3f} there, since every one of "
        'them has its arm. <a href="evaluation/index.html">Every class, the confusion matrix and '
        "the worst mistakes</a>.</p>",
    ]


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("-o", "--out", default="out/dumbbell", metavar="FOLDER")
    options.add_overwrite(p)
    p.add_argument(
        "--count",
        type=int,
        default=400,
        help="dumbbells with, and without, an arm (default %(default)s)",
    )
    p.add_argument(
        "--each", type=int, default=40, help="pictures of every class (default %(default)s)"
    )
    p.add_argument("--model", default=DEFAULT_MODEL, help="(default %(default)s)")
    p.add_argument("--engine", default=DEFAULT_ENGINE, choices=("auto", "caffe", "compat"))
    try:
        study(p.parse_args(argv))
    except DreamError as e:
        print(f"dumbbell_study: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
