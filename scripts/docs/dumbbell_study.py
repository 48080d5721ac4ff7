"""What did the net learn of dumbbells? The default model was trained on dumbbells that an arm always holds.

Dreams the class, and tests the model on held-out drawings (seeds that training never used) of every class, of dumbbells with an arm, and of
dumbbells without; writes one page with what came out: python scripts/docs/dumbbell_study.py -o out/dumbbell
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.dream import class_pictures as classes  # noqa: E402
from deepdream.errors import DreamError  # noqa: E402
from deepdream.nets import engine, model  # noqa: E402
from deepdream.request.target import score_layer  # noqa: E402
from deepdream.studies import evaluate, evaluate_page, page  # noqa: E402
from scripts.training.motifs.sampler import NAMES, picture  # noqa: E402

SEED = 20_000_000  # training and its held-out set use seeds below 10 million
DUMBBELL = NAMES.index("dumbbell")


def draw(folder, label, count, seed, **options):
    """`count` held-out pictures of a class, as PNG files in a folder of its name; returns their paths."""
    folder = folder / NAMES[label]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(count):
        rng = np.random.default_rng([SEED + seed, label, i])
        path = folder / f"{i:04d}.png"
        Image.fromarray(picture(rng, label, **options).transpose(1, 2, 0)).save(path)
        paths.append(str(path))
    return paths


def sample(paths, count=6):
    """The first pictures side by side, as RGB (H, W, 3)."""
    return np.concatenate([np.asarray(Image.open(p).resize((128, 128))) for p in paths[:count]], 1)


def study(args):
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    caffe = engine.load(args.engine)
    chosen = model.find(args.model)
    description = model.description(chosen, caffe)
    size = model.declared_size(description)[1:]
    net = model.build(chosen, description, caffe)
    numbers = {name: model.class_number(chosen, name)[0] for name in NAMES}
    every = {name: draw(out / "pictures", i, args.each, 0) for i, name in enumerate(NAMES)}
    with_arm = draw(out / "with-arm", DUMBBELL, args.count, 1)
    without = draw(out / "without-arm", DUMBBELL, args.count, 1, arm=False)
    names = model.classes(chosen)
    results = {
        what: evaluate.evaluate(net, found, names, numbers, size)
        for what, found in (
            ("every class", every),
            ("with an arm", {"dumbbell": with_arm}),
            ("without an arm", {"dumbbell": without}),
        )
    }
    dreamt = classes.visualise(
        net,
        score_layer(description),
        numbers["dumbbell"],
        size,
        range(6),
        classes.METHODS["octaves"],
    )
    measured = evaluate.measures(results["every class"])
    (out / "evaluation").mkdir(exist_ok=True)
    evaluate_page.write(
        out / "evaluation", results["every class"], measured, [("model", chosen.name)]
    )
    text = render(chosen, caffe, results, measured, dreamt, sample(with_arm), sample(without))
    page.write(out / "index.html", text)
    for what, result in results.items():
        print(f"{what}: {(result.predicted == result.truth).mean():.4f} of {len(result.truth)}")
    print(f"wrote {out / 'index.html'}")


def recall(result):
    """(found, all, the share that was found) of a set that is all dumbbells."""
    hits = int((result.predicted == result.truth).sum())
    return hits, len(result.truth), hits / len(result.truth)


def taken_for(result, count=6):
    """[(class, how many, share)] of what dumbbells were taken for, the most frequent first."""
    values, counts = np.unique(result.predicted, return_counts=True)
    order = counts.argsort()[::-1][:count]
    return [
        (result.names[values[i]], int(counts[i]), f"{counts[i] / len(result.truth):.1%}")
        for i in order
    ]


def render(chosen, caffe, results, measured, dreamt, with_arm, without):
    row = next(r for r in measured["classes"] if r[0] == "dumbbell")
    (hits, count, share), (bare_hits, bare_count, bare_share) = (
        recall(results["with an arm"]),
        recall(results["without an arm"]),
    )
    probability = {
        what: float(results[what].probabilities[:, results[what].truth[0]].mean())
        for what in ("with an arm", "without an arm")
    }
    error = np.sqrt(share * (1 - share) / count + bare_share * (1 - bare_share) / bare_count)
    leans = share - bare_share > 2 * error
    verdict = (
        f"The net leans on the arm: without it, it misses {1 - bare_share:.1%} of the dumbbells, with it {1 - share:.1%}."
        if leans else "The arm makes no difference that these sets could show."
    )  # fmt: skip
    body = [
        "<h1>What the net learned of dumbbells</h1>",
        f'<p class="dim">{chosen.name} on {engine.describe(caffe)["name"]}; held-out drawings, 96x96</p>',
        f'<div class="verdict {"differ" if leans else "agree"}"><strong>{verdict}</strong><p>It finds {hits} of {count} dumbbells with an arm '
        f"({share:.1%}) and {bare_hits} of {bare_count} without ({bare_share:.1%}; the standard error of the difference is {error:.1%}); its mean "
        f"probability for the class is {probability['with an arm']:.3f} and {probability['without an arm']:.3f}.</p></div>",
        "<p>Every dumbbell that the net was trained on was held by an arm. Nothing in the training data says which of the two is the dumbbell, and "
        "no accuracy on data of the same kind can show what the net made of it. Two ways to look: ask the net what the class looks like, and "
        "test it on what it has never seen.</p>",
        "<h2>The class, dreamt from noise</h2>",
        page.figure(page.picture(np.concatenate(list(dreamt), 1)), "Six seeds, by octaves: the plates, and the arms that hold them."),
        "<h2>The two sets</h2>",
        '<div class="row wide">',
        page.figure(page.picture(np.float32(with_arm)), f"Held out, with an arm: {share:.1%} found."),
        page.figure(page.picture(np.float32(without)), f"Held out, drawn without the arm: {bare_share:.1%} found."),
        "</div>",
        "<h2>What dumbbells were taken for</h2>",
        '<div class="row">',
        "<div><h3>with an arm</h3>" + page.table(["taken for", "pictures", "share"], taken_for(results["with an arm"])) + "</div>",
        "<div><h3>without</h3>" + page.table(["taken for", "pictures", "share"], taken_for(results["without an arm"])) + "</div>",
        "</div>",
        "<h2>Among all classes</h2>",
        f"<p>On held-out pictures of every class the net's accuracy is {measured['accuracy']:.1%}; dumbbell has precision {row[6]:.3f} and recall "
        f'{row[7]:.3f} there, since all of them have their arm. <a href="evaluation/index.html">Every class, the confusion matrix and the worst '
        "mistakes</a>.</p>",
    ]  # fmt: skip
    return page.page("What the net learned of dumbbells", "\n".join(body))


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("-o", "--out", default="out/dumbbell", metavar="FOLDER")
    p.add_argument(
        "--count",
        type=int,
        default=400,
        help="dumbbells with, and without, an arm (default %(default)s)",
    )
    p.add_argument(
        "--each", type=int, default=40, help="pictures of every class (default %(default)s)"
    )
    p.add_argument("--model", default="motif_googlenet")
    p.add_argument("--engine", default="auto", choices=("auto", "caffe", "compat"))
    try:
        study(p.parse_args(argv))
    except DreamError as e:
        print(f"dumbbell_study: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
