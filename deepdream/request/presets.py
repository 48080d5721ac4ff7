"""Presets: looks by name. Each is a set of a dream's settings, and nothing more."""

import shlex
from dataclasses import dataclass
from typing import Any, Dict

from ..settings import DREAM

NO_SMOOTHING = "none"  # what an option is given for smooth=""


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
            "smooth": DREAM.smooth,
        },
    ),
    "classic": Preset(
        "the notebook's layer for longer, at more sizes: the picture overgrown",
        {"end": "inception_4c/output", "iterations": 20, "octaves": 6, "octave_scale": 1.3},
    ),
    "eyes": Preset(
        "the notebook's second dream, stronger: eyes in every texture",
        {"end": "inception_3b/5x5_reduce", "iterations": 20, "octaves": 5},
    ),
    "swirls": Preset(
        "curling brush strokes",
        {"end": "inception_3b/output", "iterations": 20, "step_size": 1.2},
    ),
    "blossoms": Preset(
        "rays and petals, and rows of beads along edges",
        {"end": "inception_4b/output", "iterations": 20, "octaves": 5},
    ),
    "spirals": Preset(
        "two layers at once: strokes that wind themselves up to targets and shells",
        {
            "objective": 'l2("inception_3b/output") + 4 * l2("inception_4c/output")',
            "iterations": 16,
            "octaves": 5,
        },
    ),
    "fever": Preset(
        "a deeper layer in long strides, at sizes far apart: forms without a photograph under them",
        {
            "end": "inception_4d/output",
            "iterations": 24,
            "octaves": 3,
            "octave_scale": 2.0,
            "step_size": 2.0,
        },
    ),
    "relief": Preset(
        "outlines drawn once more, and combed surfaces",
        {"end": "inception_3a/output", "step_size": 1.0},
    ),
    "woodcut": Preset(
        "bold dark outlines and flat areas",
        {"end": "conv2/3x3", "iterations": 12},
    ),
    "subtle": Preset(
        "the photograph, nearly: fine strokes where it has texture",
        {"end": "inception_3b/output", "iterations": 6, "octaves": 3, "step_size": 0.7},
    ),
}


def options_of(preset: Preset) -> str:
    """The options that a preset stands for, as a shell has them."""
    words = []
    for name, value in preset.settings.items():
        text = NO_SMOOTHING if (name, value) == ("smooth", "") else str(value)
        words += ["--" + name.replace("_", "-"), text]
    return " ".join(map(shlex.quote, words))
