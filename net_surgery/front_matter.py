"""The front matter of a model's readme: what stays true when its weights are made anew."""

import re
from pathlib import Path
from typing import List, Tuple

# what is true of one weights file alone
_OF_THE_FILE = ("caffemodel", "caffemodel_url", "sha1", "bytes", "mirrors", "sources")


def kept_lines(readme: Path) -> List[str]:
    """The lines of a readme's front matter, but for what is said of its weights file."""
    lines = readme.read_text(encoding="utf-8", errors="replace").splitlines()
    end = lines.index("---", 1) if lines[:1] == ["---"] and "---" in lines[1:] else 0
    kept, of_the_file = [], False
    for line in lines[1:end]:
        if not line.startswith((" ", "- ")):  # else it is an item of the list above
            of_the_file = fact(line)[0] in _OF_THE_FILE
        if not of_the_file:
            kept.append(line)
    return kept


def fact(line: str) -> Tuple[str, str]:
    """(key, value) of a line."""
    key, _, value = line.partition(":")
    return key, value.strip()


def text_value(text: str) -> str:
    """A text as it stands in front matter: quoted where it would be read as something else."""
    plain = re.fullmatch(r"[^\W\d][\w ./-]*", text) and text == text.strip()
    return text if plain else ascii(text)
