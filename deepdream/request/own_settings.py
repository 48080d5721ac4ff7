"""The settings that a model's readme gives its own dreams."""

from typing import Any, Dict

from ..errors import ModelError, RecipeError
from ..nets import Model
from .fields import Table
from .schema import SETTINGS

KEY = "dream"  # of the readme
_NAMES = ("objective", "iterations", "octaves", "octave_scale", "step_size", "jitter", "smooth")
_TABLE = Table({name: SETTINGS.fields[name] for name in _NAMES})


def own_settings(model: Model) -> Dict[str, Any]:
    """Settings of settings.Dream, by name, as a model's readme has them under `dream`; {} where it
    has none.

    Raises:
        ModelError: one is unknown or out of range, with what is allowed.
    """
    said = model.facts.get(KEY)
    if said in (None, ""):
        return {}
    try:
        known = _TABLE.read(said, KEY)
    except RecipeError as e:
        raise ModelError(f"{model.name}: its readme's {e}") from None
    return {name: value for name, value in known.items() if name in said}
