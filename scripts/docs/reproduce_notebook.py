"""Make every picture of the 2015 notebook, in its order, and a page that shows them all.

It runs on either engine:

    python scripts/docs/reproduce_notebook.py -o out/notebook
    .caffe/bin/python scripts/docs/reproduce_notebook.py --engine caffe -o out/notebook-caffe

The notebook's own photographs, sky and flowers, are not part of this project: scikit-learn's stand
in for them, or give --image and --guide.
"""

import argparse
import html
import json
import shlex
import sys
from pathlib import Path
from typing import Any, List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import cli  # noqa: E402
from deepdream import pictures as image  # noqa: E402
from deepdream.cli import options  # noqa: E402
from deepdream.errors import DreamError  # noqa: E402
from deepdream.settings import DEFAULT_ENGINE, DEFAULT_MODEL, DREAM, ZOOM  # noqa: E402
from deepdream.studies import page  # noqa: E402
from scripts.docs import sample_photo  # noqa: E402

TITLE = "The notebook of 2015, picture by picture"
SHOWN_FRAME = 29  # the frame that the notebook shows of its hundred


class Cell(NamedTuple):
    """A picture of the notebook: our file or folder, the notebook's call, ours, and a remark."""

    file: str
    title: str
    command: List[str]
    note: str


def cells(args: argparse.Namespace) -> List[Cell]:
    """Every picture that the notebook makes, in its order."""
    steps = ["--preset", "notebook", "--iterations", str(args.iterations)]
    loop = ["--frames", str(args.frames), "--scale", str(ZOOM.scale)]
    return [
        Cell(
            "dream.png",
            "deepdream(net, img)",
            ["dream", *steps, "--end", DREAM.end],
            "The first dream, of its default layer.",
        ),
        Cell(
            "5x5_reduce.png",
            "deepdream(net, img, end='inception_3b/5x5_reduce')",
            ["dream", *steps, "--end", "inception_3b/5x5_reduce"],
            "A lower layer: its pattern is finer.",
        ),
        Cell(
            "frames",
            f"{args.frames} frames of the zoom loop, s = {ZOOM.scale}",
            ["zoom", *steps, "--end", DREAM.end, *loop],
            "Each frame is the dream on the one before, enlarged by a twentieth.",
        ),
        Cell(
            "guided.png",
            "deepdream(net, img, end='inception_3b/output', objective=objective_guide)",
            ["dream", *steps, "--end", "inception_3b/output", "--guide", str(args.guide)],
            "Each place grows towards the most similar feature of the guide.",
        ),
    ]


def make(args: argparse.Namespace, folder: Path) -> int:
    """Make the pictures; returns the exit code of the first that fails, or 0."""
    common = ["--model", args.model, "--engine", args.engine, "--seed", str(args.seed)]
    common += ["--overwrite"] if args.overwrite else []
    if args.gpu is not None:
        common += ["--gpu", args.gpu]
    for cell in cells(args):
        command, *settings = cell.command
        words = [command, str(args.image), "-o", str(folder / cell.file), *settings, *common]
        print(f"{cell.title}\n  deepdream {shlex.join(words)}", flush=True)
        code = cli.main(words)
        if code:
            return code
    return 0


def section(title: str, note: str, figures: List[str]) -> str:
    heading = f"<h2>{html.escape(title)}</h2>"
    return f'{heading}<p class="dim">{html.escape(note)}</p>{page.row(figures)}'


def shown(path: Any, caption: str, alt: str) -> str:
    return page.figure(page.picture(image.load(path)), caption, alt)


def cell_section(cell: Cell, args: argparse.Namespace, folder: Path) -> str:
    """One cell's section: its pictures, and the settings that they were made with."""
    path = folder / cell.file
    if path.is_dir():
        last = min(SHOWN_FRAME, args.frames - 1)
        frames = sorted({0, last // 2, last})
        figures = [
            shown(path / f"{i:04d}.jpg", f"frame {i:04d}", f"The zoom's picture number {i + 1}")
            for i in frames
        ]
        path = path / f"{last:04d}.jpg"
    else:
        figures = [shown(path, cell.file, f"The dream that {cell.title} gives")]
        if "--guide" in cell.command:
            name = Path(args.guide).name
            figures.insert(0, shown(args.guide, f"the guide, {name}", "The guide's photograph"))
    settings = page.filled(json.loads(image.read_recipe(path))["settings"].items())
    listed = ", ".join(f"{key} {value}" for key, value in settings)
    return section(cell.title, f"{cell.note} Settings: {listed}.", figures)


def render(args: argparse.Namespace, folder: Path) -> str:
    """The page as text, from the pictures in the folder."""
    recipe = json.loads(image.read_recipe(folder / "dream.png"))
    engine = recipe["engine"]
    made = (
        f"{recipe['model']['name']} on {engine['name']} {engine['version']}, "
        f"seed {recipe['seed']}, deepdream {recipe['deepdream']}"
    )
    name = Path(args.image).name
    photograph = shown(args.image, name, "The photograph that everything is dreamt on")
    parts = [
        section("The photograph", "img = PIL.Image.open(...)", [photograph]),
        *(cell_section(cell, args, folder) for cell in cells(args)),
    ]
    return page.page(TITLE, made, parts)


def parse(argv: Optional[List[str]]) -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "-o",
        "--out",
        default="out/notebook",
        metavar="FOLDER",
        help="where the pictures and index.html go (default %(default)s)",
    )
    options.add_overwrite(p)
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
    p.add_argument("--model", default=DEFAULT_MODEL, help="(default %(default)s)")
    p.add_argument("--engine", default=DEFAULT_ENGINE, choices=("auto", "caffe", "compat"))
    p.add_argument("--gpu", help="the GPU's number, on a Caffe that has GPUs")
    p.add_argument("--seed", type=int, default=0, help="(default %(default)s)")
    args = p.parse_args(argv)
    args.image = args.image or sample_photo.path("china.jpg")
    args.guide = args.guide or sample_photo.path("flower.jpg")
    return args


def main(argv: Optional[List[str]] = None) -> int:
    args = parse(argv)
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        code = make(args, folder)
        if not code:
            page.write(folder / "index.html", render(args, folder), args.overwrite)
            print(f"wrote {folder / 'index.html'}")
    except DreamError as e:
        print(f"reproduce_notebook: {e}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
