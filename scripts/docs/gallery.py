"""Make the gallery again: each picture by its own command, and the page that shows them.

Writes docs/gallery/, with README.md. Name some pictures to make only those.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.settings import DEFAULT_MODEL  # noqa: E402
from scripts.docs import noise, sample_photo  # noqa: E402

FOLDER = "docs/gallery"
NOISE = "out/noise.png"
MOUNTAINS = "docs/cookbook/mountains.jpg"
MODULES = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
CLASSES = ["zebra", "parrot", "elephant", "fish"]
ZOOM = "zoom"


@dataclass(frozen=True)
class Entry:
    """A picture of the gallery: what it is of, and what makes it.

    source: a photograph of the project, one of scikit-learn's by its file's name, or NOISE.
    """

    name: str
    source: str
    options: str = ""
    verb: str = "dream"

    def command(self) -> str:
        """The shell line that makes the picture, as the page shows it."""
        photo = self.source
        if self.source in sample_photo.NAMES:
            photo = f"$(python scripts/docs/sample_photo.py {self.source})"
        out = f"{FOLDER}/{self.file}"
        if self.verb == "zoom":
            out = f"out/{self.name} --animate {out}"
        seed = "" if self.verb == "match" else " --seed 0"
        options = f" {self.options}" if self.options else ""
        return f"python -m deepdream {self.verb} {photo} -o {out} --overwrite{options}{seed}"

    @property
    def file(self) -> str:
        return f"{self.name}.{'webp' if self.verb == 'zoom' else 'jpg'}"


SECTIONS = {
    "By the model's own settings": [
        Entry("mountains", MOUNTAINS),
        Entry("china", "china.jpg"),
        Entry("flower", "flower.jpg"),
        Entry("noise", NOISE),
    ],
    "Every inception module": [
        Entry(f"mountains-{module}", MOUNTAINS, f"--end {module}") for module in MODULES
    ],
    "Classes": [Entry(f"mountains-{name}", MOUNTAINS, f"--dream-of {name}") for name in CLASSES],
    "Towards other pictures": [
        Entry(
            "mountains-guided",
            MOUNTAINS,
            "--end 4c --guide $(python scripts/docs/sample_photo.py flower.jpg)",
        ),
        Entry("china-match", "china.jpg", verb="match"),
    ],
    "A zoom": [
        Entry(ZOOM, MOUNTAINS, "--max-size 320 --frames 16 --iterations 10", verb="zoom"),
    ],
}
ENTRIES = [entry for entries in SECTIONS.values() for entry in entries]


def page() -> str:
    """The gallery's page, as Markdown."""
    lines = [
        "# Gallery",
        "",
        f"Every picture with the command that makes it, on the default net, `{DEFAULT_MODEL}`.",
        "`python scripts/docs/gallery.py` makes them all again, and first the noise:",
        f"`python scripts/docs/noise.py {NOISE}`.",
        "",
        "[What every layer dreams](layers/index.html), from noise and on the photograph, has a",
        "page of its own, by `deepdream gallery` and `python scripts/docs/layer_gallery.py`.",
        "",
    ]
    for title, entries in SECTIONS.items():
        lines += [f"## {title}", ""]
        for entry in entries:
            lines += [f"### {entry.name}", "", f"![{entry.name}]({entry.file})", ""]
            lines += [f"    {entry.command()}", ""]
    return "\n".join(lines)


def main(argv: Optional[List[str]] = None) -> None:
    names = [entry.name for entry in ENTRIES]
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(names)} (default: all)")
    args = p.parse_args(argv)
    unknown = set(args.names) - set(names)
    if unknown:
        p.error(f"no picture is called {', '.join(sorted(unknown))}")
    noise.main([str(ROOT / NOISE), "--overwrite"])
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    for entry in ENTRIES:
        if not args.names or entry.name in args.names:
            # the page's commands say `python`: let that be this one
            line = f'PATH="{Path(sys.executable).parent}:$PATH"; {entry.command()}'
            subprocess.run(["sh", "-c", line], cwd=ROOT, check=True)
    (ROOT / FOLDER / "README.md").write_text(page())


if __name__ == "__main__":
    main()
