"""What one would type for a dream: the command line that means it, the reverse of meant.py."""

import shlex
from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence

from .. import nets
from ..request.expression import Expression, scores
from ..request.own_settings import of_a_layer, own_settings
from ..request.presets import NO_SMOOTHING
from ..settings import DEFAULT_MODEL, DREAM, ZOOM, Dream, Picture, Zoom

_NUMBERS = ("iterations", "octaves", "octave_scale", "step_size", "jitter")


def dream_line(
    image: str,
    out: str,
    model: nets.Model,
    dream: Dream,
    *,
    guides: Sequence[str] = (),
    mask: Optional[str] = None,
    picture: Picture,
    zoom: Optional[Zoom] = None,
    seed: Optional[int] = None,
) -> str:
    """The command line of a dream, as a shell takes it.

    Args:
        image, guides, mask: the pictures' files.
        out: the picture to write, or, with `zoom`, the folder.
        seed: None leaves it open.

    What the command means without an option is left out.
    """
    words = ["deepdream", "zoom" if zoom else "dream", image, "-o", out]
    words += ["--model", model.name] if model.name != DEFAULT_MODEL else []
    words += _goal(model, dream, guides)
    words += ["--mask", mask] if mask else []
    words += _settings(model, dream)
    words += ["--max-size", str(picture.max_size)] if picture.max_size else []
    words += ["--keep-colours"] if picture.keep_colours else []
    if zoom:
        words += ["--frames", str(zoom.frames)]
        words += ["--scale", _number(zoom.scale)] if zoom.scale != ZOOM.scale else []
    words += ["--seed", str(seed)] if seed is not None else []
    return " ".join(map(shlex.quote, words))


def _goal(model: nets.Model, dream: Dream, guides: Sequence[str]) -> List[str]:
    """What grows."""
    own = own_settings(model).get("objective", "")
    words: List[str] = []
    classes = _classes(dream.objective) if dream.objective else ""
    if classes:
        words = ["--dream-of", classes]
    elif dream.objective:
        words = ["--objective", dream.objective] if dream.objective != own else []
    elif dream.end:
        words = ["--end", dream.end]
    for guide in guides:
        words += ["--guide", guide]
    if dream.guide_weights:
        # with =, since the first of them may begin with a minus
        words.append("--guide-weights=" + ",".join(map(_number, dream.guide_weights)))
    return words


def _classes(objective: str) -> str:
    """The classes that an objective is of and nothing else, as --dream-of takes them; or ""."""
    names = [str(name) for name in Expression(objective).classes]
    odd = [name for name in names if "," in name or name.strip() != name or name[:1] in ("-", "")]
    return "" if odd or scores(names) != objective else ",".join(names)


def _settings(model: nets.Model, dream: Dream) -> List[str]:
    """How it grows, where that is neither as the model's readme says nor as in the notebook."""
    own: Dict[str, Any] = own_settings(model)
    own = {**own, "objective": ""} if dream.objective else of_a_layer(own)
    usual = replace(DREAM, **own)
    words: List[str] = []
    for name in _NUMBERS:
        value = getattr(dream, name)
        if value != getattr(usual, name):
            words += ["--" + name.replace("_", "-"), _number(value)]
    if dream.smooth != usual.smooth:
        words += ["--smooth", dream.smooth or NO_SMOOTHING]
    return [*words, *([] if dream.clip else ["--no-clip"])]


def _number(value: float) -> str:
    """A number in as few digits as it can be read from again."""
    return str(int(value)) if value == int(value) else repr(value)
