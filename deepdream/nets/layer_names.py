"""Short names of layers: 4c for inception_4c/output.

A name that a layer has stands for that layer. Any other may be short for one that can be dreamt of:
first for the output of a stage, so that 4c is GoogLeNet's inception_4c/output and fire4
SqueezeNet's fire4/concat; then for any name that begins or ends with it, so that 4c is ResNet's
res4c, 3b/1x1 is inception_3b/1x1 and conv1 is conv1/7x7_s2. A part of a number or of a word is
short for nothing, and where a name is short for several none is chosen.
"""

import re
from typing import Any

from ..errors import TargetError
from .preflight import targets

_OUTPUT = re.compile("/(output|concat)$")  # what ends a stage in the nets of 2015
_MOST_SHOWN = 5


def full_name(description: Any, name: str) -> str:
    """The layer that a name stands for; the name itself where that is no layer's.

    Raises:
        TargetError: it is short for several layers; with their names.
    """
    if any(layer.name == name for layer in description.layer):
        return name
    valid = targets(description)
    stages = [one for one in valid if _OUTPUT.search(one) and _is_short(name, one)]
    found = stages or [one for one in valid if is_short_for(name, one)]
    if len(found) > 1:
        some = ", ".join(found[:_MOST_SHOWN]) + (", ..." if len(found) > _MOST_SHOWN else "")
        raise TargetError(
            f'"{name}" is short for {len(found)} layers: {some}', layer=name, several=True
        )
    return found[0] if found else name


def short_name(description: Any, layer: str) -> str:
    """A name that is short for this output of a stage; "" for any other layer."""
    stage = _OUTPUT.sub("", layer)
    if stage == layer:
        return ""
    for short in (re.sub("^[^0-9]*", "", stage), stage):
        try:
            if short and full_name(description, short) == layer:
                return short
        except TargetError:
            continue
    return ""


def is_short_for(name: str, layer: str) -> bool:
    """Whether a name can be short for this layer, in some net."""
    begins = layer.startswith(name) and layer[len(name) : len(name) + 1] in ("/", "_")
    return bool(name) and (begins or _is_short(name, layer))


def _is_short(name: str, layer: str) -> bool:
    """Whether a layer's name, or its stage's, ends with this one, as a part of its own."""
    return any(_ends(name, text) for text in (layer, _OUTPUT.sub("", layer)))


def _ends(name: str, text: str) -> bool:
    before = text[: -len(name)] if name and text.endswith(name) else ""
    if text == name or before[-1:] in ("/", "_"):
        return bool(name)
    return bool(before) and name[0].isdigit() and not before[-1].isdigit()
