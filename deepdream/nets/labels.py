"""What a net's classes are called, for people and as file names."""

import difflib
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import List, Sequence, Tuple, Union

from netfile.system.places import MODELS, writable

from ..errors import ModelError
from .catalogue import Model, known
from .class_output import ClassOutput, class_output
from .folder import own_file

__all__ = ["ClassOutput", "class_number", "class_output", "classes", "distinct", "file_stems"]
SYNSET_WORDS = "synset_words.txt"  # names ImageNet's classes
_LONGEST = 120  # bytes of a class's part of a file name; systems take 255 for the whole
# no file can have these names in Windows, whatever its suffix
_RESERVED = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{i}" for port in ("COM", "LPT") for i in range(10)),
}


def classes(model: Model) -> List[str]:
    """Names of a model's classes in the order of its output; [] where they are not known.

    Its readme lists them, or names a file of them that has one a line, as Caffe's synset_words.txt
    does: in its folder or under models/, where `deepdream models get synset_words.txt` puts it. The
    project's own models go without that file by WordNet's names of the same classes.
    """
    names = model.facts.get("classes")
    if isinstance(names, str):
        name = own_file(Path(), names, Path(model.name), "classes")
        places = [folder / name for folder in (Path(model.weights).parent, writable(MODELS))]
        if names == SYNSET_WORDS and model.name in known():
            from net_surgery import imports
            from net_surgery.imports.convert import LABELS

            places.append(Path(imports.__file__).with_name(LABELS))
        path = next((place for place in places if place.is_file()), None)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path else []
        return [re.sub(r"^n\d{8} ", "", line).strip() for line in lines if line.strip()]
    return [str(name) for name in names] if isinstance(names, list) else []


def class_number(model: Model, name: Union[str, int]) -> Tuple[int, str]:
    """(number, name) of the class with this name or number.

    Raises:
        ModelError: the model has no such class, with the nearest names, or several.
    """
    names = classes(model)
    exact = [number for number, label in enumerate(names) if name == label]
    found = exact or [number for number, label in enumerate(names) if name in _parts(label)]
    if len(found) > 1:
        which = " and ".join(f"{number} ({names[number]})" for number in found)
        raise ModelError(
            f'{model.name}: has {len(found)} classes "{name}": {which}; give one by its number'
        )
    if found:
        return found[0], names[found[0]]
    digits = str(name) if re.fullmatch("[0-9]{1,9}", str(name)) else ""
    if digits and (not names or int(digits) < len(names)):
        return int(digits), names[int(digits)] if names else digits
    if not names:
        raise ModelError(
            f'{model.name}: the names of its classes are not here; give "{name}" by its number'
            f"{_how_to_get(model)}"
        )
    parts = dict.fromkeys(part for label in names for part in _parts(label))
    near = difflib.get_close_matches(str(name), list(parts), 3, 0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    some = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    raise ModelError(
        f'{model.name}: has no class "{name}"; {hint}it has {len(names)}: {some}',
        unknown_class=True,
    )


def named(model: Model) -> List[str]:
    """`classes` of a model whose names are known. Raises ModelError for any other."""
    names = classes(model)
    if not names:
        raise ModelError(f"{model.name}: the names of its classes are not here{_how_to_get(model)}")
    return names


def _how_to_get(model: Model) -> str:
    needs_file = model.facts.get("classes") == SYNSET_WORDS
    return f"; deepdream models get {SYNSET_WORDS} gets them" if needs_file else ""


def _parts(label: str) -> List[str]:
    """A class's synonyms, such as "tabby" and "tabby cat"."""
    return [part.strip() for part in label.split(",")]


def distinct(names: Sequence[str], count: int) -> List[str]:
    """Names for `count` classes: with the number where several have one name, or it alone where
    there is none."""
    known = [*names[:count], *map(str, range(len(names), count))]
    often = Counter(known)
    return [f"{name} ({i})" if often[name] > 1 else name for i, name in enumerate(known)]


def file_stems(names: Sequence[str]) -> List[str]:
    """A file name's beginning for each class, all of them different on every system.

    Letters of any script, digits, - _ and . stay. Where two would be one file, where letters' case
    or form does not count, and where nothing stays, the class's number tells them apart.
    """
    stems = [_file_stem(name) for name in names]
    often = Counter(map(_folded, stems))
    taken = {stem for stem, uses in often.items() if stem and uses == 1}
    out = []
    for number, stem in enumerate(stems):
        if not stem or often[_folded(stem)] > 1:
            stem = f"{stem or 'class'}_{number}"
            while _folded(stem) in taken:
                stem += "_"
            taken.add(_folded(stem))
        out.append(stem)
    return out


def _file_stem(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    kept = kept.encode("utf-8", "ignore")[:_LONGEST].decode("utf-8", "ignore").strip(".")
    if not kept.strip("_"):
        return ""
    return f"_{kept}" if kept.split(".")[0].upper() in _RESERVED else kept


def _folded(stem: str) -> str:
    """What a file system without case may take a name for."""
    return unicodedata.normalize("NFKC", stem).casefold()
