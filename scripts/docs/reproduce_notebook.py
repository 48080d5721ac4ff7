"""Make every picture of the 2015 notebook, in its order, and a page that shows them with their settings.

On either engine: python scripts/docs/reproduce_notebook.py -o out/notebook; .caffe/bin/python scripts/docs/reproduce_notebook.py --engine caffe
-o out/notebook-caffe. The notebook's own sky photograph and flowers are not here; scikit-learn's stand in, or give --image and --guide.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import cli  # noqa: E402
from deepdream import pictures as image  # noqa: E402
from deepdream.errors import DreamError  # noqa: E402
from deepdream.settings import DEFAULT_ENGINE, DEFAULT_MODEL, DREAM, ZOOM  # noqa: E402
from deepdream.studies import page  # noqa: E402

SHOWN_FRAME = 29  # the frame that the notebook shows of its hundred


def sample(name):
    """Path of a sample photograph; exits with what to do where scikit-learn is not installed."""
    found = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "docs" / "sample_photo.py"), name],
        stdout=subprocess.PIPE,
        text=True,
    )
    return found.stdout.strip() or sys.exit(2)


def pictures(args):
    """(file, title, options of `deepdream`, what the notebook does there), in the notebook's order."""
    small = ["--iterations", str(args.iterations)]
    return [
        ("dream.png", "deepdream(net, img)", ["dream", *small, "--end", DREAM.end], "The first dream, of its default layer."),
        ("5x5_reduce.png", "deepdream(net, img, end='inception_3b/5x5_reduce')", ["dream", *small, "--end", "inception_3b/5x5_reduce"],
         "A lower layer: its pattern is finer."),
        ("frames", f"{args.frames} frames of the zoom loop, s = {ZOOM.scale}",
         ["zoom", *small, "--end", DREAM.end, "--frames", str(args.frames), "--scale", str(ZOOM.scale)],
         "Each frame is the dream on the one before, enlarged by a twentieth."),
        ("guided.png", "deepdream(net, img, end='inception_3b/output', objective=objective_guide)",
         ["dream", *small, "--end", "inception_3b/output", "--guide", args.guide], "Each place grows towards the most similar feature of the guide."),
    ]  # fmt: skip


def make(args, folder):
    """Make the pictures; returns the exit code of the first that fails, or 0."""
    for name, title, options, _ in pictures(args):
        command, *options = options
        full = [
            command,
            args.image,
            "-o",
            str(folder / name),
            *options,
            "--model",
            args.model,
            "--engine",
            args.engine,
            "--seed",
            str(args.seed),
        ]
        if args.gpu is not None:
            full += ["--gpu", args.gpu]
        print(f"{title}\n  deepdream {shlex.join(full)}", flush=True)
        code = cli.main(full)
        if code:
            return code
    return 0


def section(title, note, figures):
    return (
        f'<h2>{title}</h2><p class="dim">{note}</p><div class="row wide">{"".join(figures)}</div>'
    )


def shown(path, caption):
    return page.figure(page.picture(image.load(path)), caption)


def render(args, folder):
    """The page as text, from the pictures in the folder."""
    parts = ["<h1>The notebook of 2015, picture by picture</h1>"]
    recipe = json.loads(image.read_recipe(folder / "dream.png"))
    engine = recipe["engine"]
    made = f"{recipe['model']['name']} on {engine['name']} {engine['version']}, seed {recipe['seed']}, deepdream {recipe['deepdream']}"
    parts.append(f'<p class="dim">{made}</p>')
    parts.append(
        section(
            "The photograph",
            "img = PIL.Image.open(...)",
            [shown(args.image, Path(args.image).name)],
        )
    )
    for name, title, _, note in pictures(args):
        path = folder / name
        figures = []
        if path.is_dir():
            last = min(SHOWN_FRAME, args.frames - 1)
            figures = [
                shown(path / f"{i:04d}.jpg", f"frame {i:04d}") for i in sorted({0, last // 2, last})
            ]
            path = path / f"{last:04d}.jpg"
        else:
            if "guide" in name:
                figures = [shown(args.guide, f"the guide, {Path(args.guide).name}")]
            figures.append(shown(path, name))
        settings = json.loads(image.read_recipe(path))["settings"]
        note += " " + ", ".join(f"{key} {value}" for key, value in settings.items()) + "."
        parts.append(section(title, note, figures))
    return page.page("The notebook of 2015, picture by picture", "\n".join(parts))


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "-o",
        "--out",
        default="out/notebook",
        metavar="FOLDER",
        help="where the pictures and index.html go (default %(default)s)",
    )
    p.add_argument("--image", help="the photograph (default: scikit-learn's pagoda)")
    p.add_argument("--guide", help="the guide (default: scikit-learn's flower)")
    p.add_argument(
        "--frames",
        type=int,
        default=ZOOM.frames,
        help="of the zoom loop (default %(default)s, as in the notebook: it takes a while)",
    )
    p.add_argument(
        "--iterations",
        type=int,
        default=DREAM.iterations,
        help="steps per octave (default %(default)s)",
    )
    p.add_argument("--model", default=DEFAULT_MODEL)
    p.add_argument("--engine", default=DEFAULT_ENGINE, choices=("auto", "caffe", "compat"))
    p.add_argument("--gpu")
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args(argv)
    args.image, args.guide = args.image or sample("china.jpg"), args.guide or sample("flower.jpg")
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        code = make(args, folder)
        if not code:
            page.write(folder / "index.html", render(args, folder))
            print(f"wrote {folder / 'index.html'}")
    except DreamError as e:
        print(f"reproduce_notebook: {e}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
