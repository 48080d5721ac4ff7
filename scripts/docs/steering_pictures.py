"""Make the pictures of docs/steering.md again, by the commands that it shows."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import pictures as image  # noqa: E402
from deepdream.dream import priors  # noqa: E402
from deepdream.settings import DEFAULT_MODEL, MATCH  # noqa: E402
from scripts.docs import sample_photo  # noqa: E402

OUT = ROOT / "out" / "steering"
MODEL = "motif_googlenet"
WEIGHTS = ["0", "0.05", "0.15", "1"]
BOTH = (
    'l2("inception_3b/5x5_reduce").within("{mask}")'
    ' + 0.5 * l2("inception_4e/output").within("{other}")'
)
CLASSES = ["owl", "flamingo", "tiger", "zebra", "penguin", "dumbbell"]


def deepdream(verb: str, *words: Any, model: str = MODEL) -> None:
    line = [sys.executable, "-m", "deepdream", verb, *map(str, words), "--model", model]
    subprocess.run(line, cwd=ROOT, check=True)


def save(path: Path, pictures: Sequence[Path], columns: int, width: int = 520) -> None:
    """Pictures of one shape side by side as one JPEG, without metadata."""
    cells = [(image.load(p), "") for p in pictures]
    height = round(cells[0][0].shape[0] * width / cells[0][0].shape[1])
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    sheet = image.contact_sheet(rows, (height, width), gap=0)
    Image.fromarray(sheet).save(path, quality=85)


def draw_masks(shape: Tuple[int, int]) -> None:
    """Two masks of this (height, width): the left part, fading, and the rest."""
    ramp = np.clip((0.55 - np.linspace(0, 1, shape[1])) / 0.15, 0, 1)
    for name, values in (("mask", ramp), ("other", 1 - ramp)):
        levels = np.tile(values, (shape[0], 1)) * 255
        Image.fromarray(levels.astype(np.uint8)).save(OUT / f"{name}.png")


def roughness(path: Path) -> float:
    """Total variation of a picture."""
    planes = image.load(path).transpose(2, 0, 1)[None]
    return float(priors.tv(2).value_and_gradient(planes)[0])


def match(photo: Path, docs: Path) -> None:
    """Feature matching with prior weights that rise, and how it converges."""
    for weight in WEIGHTS:
        plot = ["--plot", OUT / "convergence.svg"] if weight == str(MATCH.weight) else []
        out = OUT / f"match-{weight}.png"
        deepdream("match", photo, "-o", out, "--overwrite", "--weight", weight, *plot)
    for weight in WEIGHTS:
        share = roughness(OUT / f"match-{weight}.png") / roughness(photo)
        print(f"weight {weight}: total variation {share:.3f} of the photograph's")
    save(docs / "lambda.jpg", [OUT / f"match-{w}.png" for w in WEIGHTS], 2)
    (docs / "convergence.svg").write_bytes((OUT / "convergence.svg").read_bytes())


def objectives(photo: Path, docs: Path) -> None:
    """Two layers in two parts of the picture, and a class's score."""
    draw_masks((427, 640))
    both = BOTH.format(mask=OUT / "mask.png", other=OUT / "other.png")
    for name, objective in (("regions", both), ("score", 'score("owl")')):
        out = OUT / f"{name}.png"
        deepdream("dream", photo, "-o", out, "--overwrite", "--seed", 0, "--objective", objective)
    save(docs / "objectives.jpg", [OUT / "regions.png", OUT / "score.png"], 2)


def classes(docs: Path) -> None:
    """What the default net takes six of its classes to look like."""
    words = ["-o", OUT / "classes", "--overwrite", "--seeds", 5]
    deepdream("classes", *CLASSES, *words, model=DEFAULT_MODEL)
    Image.open(OUT / "classes" / "sheet.png").convert("RGB").save(docs / "classes.jpg", quality=82)


def dumbbells(docs: Path) -> None:
    """The dumbbell of a net that saw photographs, which takes its weights, and of the other."""
    made = []
    for model in ("efficientnet_lite0", MODEL):
        folder = OUT / f"dumbbells-{model}"
        words = ["--method", "fourier", "--seeds", 2, "--overwrite"]
        deepdream("classes", "dumbbell", "-o", folder, *words, model=model)
        made += [folder / f"dumbbell-{seed}.png" for seed in range(2)]
    save(docs / "dumbbells.jpg", made, 4, 240)


def main(argv: Optional[List[str]] = None) -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument(
        "--to",
        type=Path,
        default=ROOT / "docs" / "steering",
        metavar="FOLDER",
        help="where the page's pictures go (default docs/steering)",
    )
    docs = p.parse_args(argv).to
    for folder in (OUT, docs):
        folder.mkdir(parents=True, exist_ok=True)
    photo = sample_photo.path("china.jpg")
    match(photo, docs)
    objectives(photo, docs)
    classes(docs)
    dumbbells(docs)


if __name__ == "__main__":
    main()
