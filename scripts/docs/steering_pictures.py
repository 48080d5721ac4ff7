"""Make the pictures of docs/steering.md again, by the commands that it shows: python scripts/docs/steering_pictures.py"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import pictures as image  # noqa: E402
from deepdream.dream import priors  # noqa: E402

OUT = ROOT / "out" / "steering"
DOCS = ROOT / "docs" / "steering"
ENHANCE = ["--end", "inception_4c/output", "--enhance", "quantile:0.9:2"]
WEIGHTS = ["0", "0.03", "0.1", "1"]
BOTH = 'l2("inception_3b/5x5_reduce").within("{mask}") + 0.5 * l2("inception_4e/output").within("{other}")'


def run(*args):
    subprocess.run([sys.executable, "-m", "deepdream", *map(str, args)], cwd=ROOT, check=True)


def save(name, pictures, columns, width=520):
    """Pictures side by side as one JPEG, without metadata."""
    images = [Image.open(p).convert("RGB") for p in pictures]
    images = [i.resize((width, round(i.height * width / i.width))) for i in images]
    cells = [np.asarray(i) for i in images]
    rows = [np.concatenate(cells[i : i + columns], 1) for i in range(0, len(cells), columns)]
    Image.fromarray(np.concatenate(rows)).save(DOCS / name, quality=85)


def masks(shape):
    """Two masks: the left part, fading, and the rest."""
    ramp = np.clip((0.55 - np.linspace(0, 1, shape[1])) / 0.15, 0, 1)
    for name, values in (("mask", ramp), ("other", 1 - ramp)):
        Image.fromarray(np.uint8(np.tile(values, (shape[0], 1)) * 255)).save(OUT / f"{name}.png")


def tell_roughness(photo):
    """Print each matched picture's total variation, as a share of the photograph's."""

    def roughness(path):
        return priors.tv(2).value_and_gradient(image.load(path).transpose(2, 0, 1)[None])[0]

    for weight in WEIGHTS:
        print(
            f"weight {weight}: total variation {roughness(OUT / f'match-{weight}.png') / roughness(photo):.3f} of the photograph's"
        )


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    DOCS.mkdir(parents=True, exist_ok=True)
    photo = subprocess.run(
        [sys.executable, "scripts/docs/sample_photo.py", "china.jpg"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.strip()
    for weight in WEIGHTS:
        plot = ["--plot", OUT / "convergence.svg"] if weight == "0.1" else []
        run("match", photo, "-o", OUT / f"match-{weight}.png", *ENHANCE, "--weight", weight, *plot)
    tell_roughness(photo)
    save("lambda.jpg", [OUT / f"match-{w}.png" for w in WEIGHTS], 2)
    (DOCS / "convergence.svg").write_bytes((OUT / "convergence.svg").read_bytes())
    masks((427, 640))
    run(
        "dream",
        photo,
        "-o",
        OUT / "regions.png",
        "--seed",
        0,
        "--objective",
        BOTH.format(mask=OUT / "mask.png", other=OUT / "other.png"),
    )
    run("dream", photo, "-o", OUT / "score.png", "--seed", 0, "--objective", 'score("owl")')
    save("objectives.jpg", [OUT / "regions.png", OUT / "score.png"], 2)
    run(
        "classes",
        "owl",
        "pagoda",
        "dumbbell",
        "fish",
        "wheel",
        "flower",
        "-o",
        OUT / "classes",
        "--seeds",
        5,
    )
    Image.open(OUT / "classes" / "sheet.png").convert("RGB").save(DOCS / "classes.jpg", quality=88)


if __name__ == "__main__":
    main()
