"""What results are called. All here are functions of names alone, but for `is_folder`."""

import os
import re
import string
import sys
import unicodedata
from pathlib import PurePath
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...errors import OutputError

# a format as --format calls it: the suffix of its files
KINDS = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "tiff": ".tif", "avif": ".avif"}
FIELDS = ("name", "suffix", "model", "end", "seed", "number")
_LONGEST = 200  # bytes of a name's part; a name can have 255
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')  # on any system
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.I | re.ASCII)  # of Windows


def safe(text: str) -> str:
    """A text as a part of a file's name: no separators, no signs that some system forbids, not too
    long."""
    text = short(_UNSAFE.sub("-", text).strip(" ")).rstrip(". ") or "_"
    return f"{text}_" if _DEVICES.fullmatch(text) else text


def short(text: str) -> str:
    """As much of a text as a name has room for beside what is added to it."""
    while len(os.fsencode(text)) > _LONGEST:
        text = text[:-1]
    return text


def beside(path: PurePath, suffix: str) -> PurePath:
    """The name of a picture's dream in its own folder."""
    return path.with_name(dream_name(path, suffix))


def dream_name(path: PurePath, suffix: str) -> str:
    return f"{short(path.stem)}-dream{suffix}"


def is_folder(out: str) -> bool:
    """Whether OUT is a folder, there or by the way it is written."""
    separators = tuple(filter(None, (os.sep, os.altsep)))
    return out.endswith(separators) or os.path.isdir(out)


def filled_in(template: str, values: Mapping[str, str]) -> str:
    """A name with its {fields} filled in; {{ stands for {.

    Raises:
        OutputError: it has others than FIELDS, or a lone brace.
    """
    out = ""
    try:
        for text, name, form, conversion in string.Formatter().parse(template):
            out += text
            if name is None:
                continue
            if name not in values or form or conversion:
                raise ValueError(f"no field is called {{{name}}}")
            out += values[name]
    except ValueError as e:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise OutputError(f"{template}: {e}; known are {known}, and {{{{ stands for {{") from None
    return out


def suffix_for(out: Optional[str], kind: Optional[str]) -> str:
    """The suffix of results whose names OUT leaves open."""
    if out and kind and not is_folder(out) and os.path.splitext(out)[1]:
        suffix = os.path.splitext(out)[1]
        same = {".jpeg": ".jpg", ".tiff": ".tif"}.get(suffix.lower(), suffix.lower())
        if same != KINDS[kind]:
            raise OutputError(f'{out}: ends in "{suffix}", and the format is {kind}; leave one out')
    return KINDS[kind or "png"]


def planned(
    paths: Sequence[str],
    out: Optional[str],
    kind: Optional[str],
    values: Mapping[str, str],
    seeds: Sequence[int],
) -> List[str]:
    """What the dreams of these pictures are called, in the same order.

    Args:
        out: what was asked for: a file, a folder, a name with fields, or None for beside each.
        kind: one of KINDS, or None.
        values: of the FIELDS that all pictures share.
        seeds: of each picture.

    Raises:
        OutputError: two would have one name, or `out` has unknown fields.
    """
    suffix = suffix_for(out, kind)
    names = []
    for number, (path, seed) in enumerate(zip(paths, seeds), 1):
        place = PurePath(path)
        if out is None:
            names.append(str(beside(place, suffix)))
        elif is_folder(out):
            names.append(os.path.join(out, dream_name(place, suffix)))
        else:
            own = {
                "name": short(place.stem),
                "suffix": safe(place.suffix[1:]),
                "seed": str(seed),
                "number": f"{number:0{len(str(len(paths)))}d}",
            }
            names.append(filled_in(out, {**values, **own}))
    _check_distinct(paths, names, out)
    return names


def _check_distinct(paths: Sequence[str], names: Sequence[str], out: Optional[str]) -> None:
    first: Dict[Any, str] = {}
    for path, name in zip(paths, names):
        other = first.setdefault(_key(name), path)
        if other == path:
            continue
        if out is not None and name == out:
            raise OutputError(
                f"{out}: is the name of one file, for {len(paths)} pictures ({other}, {path}, "
                "...); give a folder, or put {name} into it"
            )
        raise OutputError(
            f"{other} and {path} would both be written to {name}; name the files apart with "
            "-o '{name}-{suffix}.png' or {number}, or give one of them alone"
        )


def _key(name: str, system: str = sys.platform) -> str:
    """What two names share if a file system takes them for one."""
    name = os.path.normcase(os.path.abspath(name))
    return unicodedata.normalize("NFC", name).casefold() if system == "darwin" else name
