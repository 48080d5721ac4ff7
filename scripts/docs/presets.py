"""Make docs/presets.md again: each preset's picture by its command, and the page that shows them.

Name some presets to make only their pictures.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.request.presets import PRESETS, options_of  # noqa: E402
from scripts.docs import sample_photo  # noqa: E402

FOLDER, PAGE = "docs/presets", "docs/presets.md"
WORK = ROOT / "out" / "presets"
WIDTH = 400  # pixels
MODEL = "motif_googlenet"  # whose looks the presets were chosen by
HEAD = f"""# Presets

A preset is a look: several options under one name. An option beside it wins, so
`--preset eyes --iterations 5` is milder. Where `--end`, `--dream-of` or `--objective` says what
grows, the preset only says how; with `--guide` its layer stays, but not its objective. A picture's
recipe records the settings that the preset stands for, so a replay does not ask what it means
today.

    deepdream presets
    deepdream dream photo.jpg -o dream.png --preset eyes

The presets name layers of GoogLeNet, and suit every net that has its names: motif_googlenet,
creature_googlenet, bvlc_googlenet and those of Places. Other nets refuse them, unless `--end` names
a layer of theirs. What appears is what the net has learned: here it is {MODEL}, which learned
drawn motifs; the default net makes eyes, fur and stripes of the same layers.
`python scripts/docs/presets.py` makes these pictures and this page again: a photograph of
scikit-learn's, {WIDTH} pixels wide, with `--seed 0`.
"""


def command(name: str, photo: str, out: str) -> List[str]:
    """The words that dream with a preset, after the name of the command itself."""
    return ["dream", photo, "-o", out, "--preset", name, "--model", MODEL, "--seed", "0"]


def page() -> str:
    """The page, as Markdown."""
    lines = [HEAD]
    for name, preset in PRESETS.items():
        about = preset.about[:1].upper() + preset.about[1:]
        lines += [f"## {name}", "", f"![{name}](presets/{name}.jpg)", "", f"{about}.", ""]
        lines += [f"    deepdream {' '.join(command(name, 'photo.jpg', 'dream.png'))}", ""]
        lines += ["stands for", "", f"    {options_of(preset)}", ""]
    return "\n".join(lines)


def make(name: str, photo: Path) -> None:
    """Dream with a preset, and keep a small JPEG without metadata."""
    out = WORK / f"{name}.png"
    words = [*command(name, str(photo), str(out)), "--overwrite"]
    subprocess.run([sys.executable, "-m", "deepdream", *words], cwd=ROOT, check=True)
    Image.open(out).convert("RGB").save(ROOT / FOLDER / f"{name}.jpg", quality=85)


def main(argv: Optional[List[str]] = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(PRESETS)} (default: all)")
    args = p.parse_args(argv)
    unknown = set(args.names) - set(PRESETS)
    if unknown:
        p.error(f"no preset is called {', '.join(sorted(unknown))}")
    WORK.mkdir(parents=True, exist_ok=True)
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    photo = WORK / "photo.png"
    source = Image.open(sample_photo.path("china.jpg"))
    size = WIDTH, round(source.height * WIDTH / source.width)
    source.resize(size, Image.Resampling.LANCZOS).save(photo)
    for name in args.names or PRESETS:
        make(name, photo)
    (ROOT / PAGE).write_text(page())


if __name__ == "__main__":
    main()
