"""`deepdream evaluate`: a folder of labelled pictures, and a folder with a page of what the net makes of them."""

import os
import sys
from pathlib import Path

from ...pictures.output import check_folder
from ...studies.page import check_matplotlib


def evaluate(args):
    from tqdm import tqdm

    from ...nets import engine, model
    from ...studies import evaluate as evaluation
    from ...studies import evaluate_page

    out = Path(args.out)
    check_folder(out if out.exists() else out.absolute().parent)
    check_matplotlib("the page's confusion matrix")
    evaluation.check_scikit_learn()
    found = evaluation.find_pictures(args.source)
    chosen = model.find(args.model, args.mean, args.channel_order)
    numbers = {name: model.class_number(chosen, name)[0] for name in found}
    caffe = engine.load(args.engine)
    description = model.description(chosen, caffe)
    size = model.declared_size(description)[1:]
    if args.gpu is not None:
        engine.use_gpu(caffe, args.gpu)
    net = model.build(chosen, description, caffe)
    count = sum(map(len, found.values()))
    with tqdm(total=count, unit=" pictures", desc="evaluating") as bar:
        result = evaluation.evaluate(
            net, found, model.classes(chosen), numbers, size, batch=args.batch, report=lambda done: bar.update(done - bar.n),
        )  # fmt: skip
    measured = evaluation.measures(result)
    out.mkdir(exist_ok=True)
    about = [
        ("pictures", str(args.source)), ("model", chosen.name), ("weights, SHA1", model.file_sha1(chosen.weights)),
        ("engine", " ".join(str(engine.describe(caffe)[key]) for key in ("name", "version"))), ("size", f"{size[1]}x{size[0]}"),
    ]  # fmt: skip
    path = evaluate_page.write(out, result, measured, about)
    for name in result.empty:
        print(f"note: class {name} has no pictures", file=sys.stderr)
    if result.unreadable:
        print(f"note: {len(result.unreadable)} pictures cannot be read, {os.path.basename(result.unreadable[0][0])} for one; the page lists them",
              file=sys.stderr)  # fmt: skip
    print(
        f"{len(result.truth)} pictures: accuracy {measured['accuracy']:.4f}, top-5 {measured['top5']:.4f}"
    )
    print(f"wrote {path}")
