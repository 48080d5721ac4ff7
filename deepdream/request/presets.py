"""Presets: looks by name. Each is a set of a dream's settings, and nothing more."""

import shlex
from dataclasses import dataclass
from typing import Any, Dict

from ..settings import DREAM


@dataclass(frozen=True)
class Preset:
    """A look. about: one line that says what is seen. settings: of settings.Dream, by name; the
    others stay at their defaults."""

    about: str
    settings: Dict[str, Any]


PRESETS: Dict[str, Preset] = {
    "notebook": Preset(
        "Google's notebook of 2015, as it opens",
        {
            "end": DREAM.end,
            "iterations": DREAM.iterations,
            "octaves": DREAM.octaves,
            "octave_scale": DREAM.octave_scale,
            "step_size": DREAM.step_size,
            "jitter": DREAM.jitter,
        },
    ),
    "classic": Preset(
        "the whole picture taken over: more octaves and more steps",
        {"end": "inception_4c/output", "iterations": 20, "octaves": 6, "octave_scale": 1.3},
    ),
    "eyes": Preset(
        "eyes that look out of every texture",
        {"end": "inception_3b/5x5_reduce", "iterations": 20, "octaves": 5},
    ),
    "swirls": Preset(
        "brush strokes that curl up",
        {"end": "inception_3b/output", "iterations": 24, "step_size": 1.2},
    ),
}


def options_of(preset: Preset) -> str:
    """The options that a preset stands for, as a shell has them."""
    words = []
    for name, value in preset.settings.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return " ".join(map(shlex.quote, words))
