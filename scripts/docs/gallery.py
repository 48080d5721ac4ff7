"""Make the gallery again: each picture by its own command, and the page that shows them.

Writes docs/gallery/, with README.md. Name some pictures to make only those.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.docs import noise  # noqa: E402

FOLDER = "docs/gallery"
NOISE = "out/noise.png"
FLOWER = "$(python scripts/docs/sample_photo.py flower.jpg)"


def on(source: str, layers: List[str], options: str = "") -> List[List[str]]:
    """[name, source, options] of a dream of each of these inception modules."""
    stem = source.split(".")[0]
    return [[f"{stem}-{x}", source, f"--end inception_{x}/output{options}"] for x in layers]


MATCHED = "china-match"  # the only one that `match` makes, with its defaults
DREAMS = [
    *on("china.jpg", ["3a", "3b", "4a", "4b", "4c"]),
    # higher layers want larger steps, and smaller octaves to begin with
    *on("china.jpg", ["4d"], " --iterations 20 --step-size 2.5 --octaves 6"),
    *on("china.jpg", ["4e"], " --iterations 30 --step-size 2.5 --octaves 6"),
    ["china-5x5", "china.jpg", "--end inception_3b/5x5_reduce"],
    [
        "china-guided",
        "china.jpg",
        f"--end inception_4b/output --guide {FLOWER} --iterations 20 --octaves 6",
    ],
    ["china-owls", "china.jpg", "--objective 'score(\"owl\")' --iterations 20"],
    [MATCHED, "china.jpg", ""],
    *on("flower.jpg", ["3b", "4c"]),
    ["flower-wheels", "flower.jpg", "--objective 'score(\"wheel\")' --iterations 20"],
    ["flower-peacocks", "flower.jpg", "--objective 'score(\"peacock\")' --iterations 20"],
    *on("noise", ["3b"], " --iterations 20 --octaves 4"),
]


def command(name: str, source: str, options: str) -> str:
    """The shell line that makes one picture, as the page shows it."""
    photo = NOISE if source == "noise" else f"$(python scripts/docs/sample_photo.py {source})"
    verb, seed = ("match", "") if name == MATCHED else ("dream", f" {options} --seed 0")
    return f"python -m deepdream {verb} {photo} -o {FOLDER}/{name}.jpg --overwrite{seed}"


def page() -> str:
    """The gallery's page, as Markdown."""
    lines = [
        "# Gallery",
        "",
        "Every picture with the command that makes it, on `models/motif_googlenet`.",
        "`python scripts/docs/gallery.py` makes them all again, and first the noise:",
        f"`python scripts/docs/noise.py {NOISE}`.",
        "",
    ]
    for name, source, options in DREAMS:
        lines += [f"### {name}", "", f"![{name}]({name}.jpg)", ""]
        lines += [f"    {command(name, source, options)}", ""]
    return "\n".join(lines)


def main(argv: Optional[List[str]] = None) -> None:
    names = [name for name, _, _ in DREAMS]
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(names)} (default: all)")
    args = p.parse_args(argv)
    unknown = set(args.names) - set(names)
    if unknown:
        p.error(f"no picture is called {', '.join(sorted(unknown))}")
    noise.main([str(ROOT / NOISE), "--overwrite"])
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, source, options in DREAMS:
        if not args.names or name in args.names:
            # the page's commands say `python`: let that be this one
            line = f'PATH="{Path(sys.executable).parent}:$PATH"; {command(name, source, options)}'
            subprocess.run(["sh", "-c", line], cwd=ROOT, check=True)
    (ROOT / FOLDER / "README.md").write_text(page())


if __name__ == "__main__":
    main()
