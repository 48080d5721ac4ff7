"""Make the gallery again, picture by picture, and its page with each one's exact command: docs/gallery/README.md."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "docs/gallery"
LAYERS = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
NOISE = ["--iterations", "20", "--octaves", "4"]
DREAMS = [  # file name, source, options
    *((f"china-{x}", "china.jpg", ["--end", f"inception_{x}/output"]) for x in LAYERS),
    *(
        (f"flower-{x}", "flower.jpg", ["--end", f"inception_{x}/output"])
        for x in ("3b", "4c", "4e")
    ),
    *(
        (f"noise-{x}", "noise", ["--end", f"inception_{x}/output", *NOISE])
        for x in ("3b", "4d", "4e", "5b")
    ),
    (
        "china-guided",
        "china.jpg",
        [
            "--end",
            "inception_4c/output",
            "--guide",
            "$(python scripts/docs/sample_photo.py flower.jpg)",
        ],
    ),
    ("china-5x5", "china.jpg", ["--end", "inception_3b/5x5_reduce"]),
]


def command(name, source, options):
    """The shell line that makes one picture, as the page shows it."""
    photo = (
        "out/noise.png" if source == "noise" else f"$(python scripts/docs/sample_photo.py {source})"
    )
    return f"python -m deepdream dream {photo} -o {FOLDER}/{name}.jpg {' '.join(options)} --seed 0"


def page():
    """The gallery's page, as Markdown."""
    lines = [
        "# Gallery",
        "",
        "Every picture by its command, on `models/motif_googlenet`. Made by `python scripts/docs/gallery.py`,",
    ]
    lines += ["which first makes the noise: `python scripts/docs/noise.py out/noise.png`.", ""]
    for name, source, options in DREAMS:
        lines += [
            f"### {name}",
            "",
            f"![{name}]({name}.jpg)",
            "",
            f"    {command(name, source, options)}",
            "",
        ]
    return "\n".join(lines)


def main():
    env_python = Path(sys.executable).parent
    subprocess.run([sys.executable, "scripts/docs/noise.py", "out/noise.png"], cwd=ROOT, check=True)
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[1:]
    for name, source, options in DREAMS:
        if not wanted or name in wanted:
            line = f'PATH="{env_python}:$PATH"; {command(name, source, options)}'
            subprocess.run(["sh", "-c", line], cwd=ROOT, check=True)
    (ROOT / FOLDER / "README.md").write_text(page())


if __name__ == "__main__":
    main()
