"""The settings that a model's readme gives its own dreams and class pictures."""

from typing import Any, Dict

from ..dream.class_pictures import METHODS
from ..errors import ModelError, RecipeError
from ..nets import Model
from ..settings import CLASS_PICTURES
from .fields import Table
from .schema import SETTINGS

KEY, METHOD_KEY = "dream", "class_method"  # of the readme
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


def of_a_layer(own: Dict[str, Any]) -> Dict[str, Any]:
    """Those of a model's own settings that hold where a layer is to grow.

    The number of steps does not: a model has it for its objective, and a layer grows in far fewer.
    """
    return {name: value for name, value in own.items() if name not in ("objective", "iterations")}


def own_class_method(model: Model) -> str:
    """The method of a model's class pictures, as its readme has it under `class_method`; that of
    settings.ClassPictures where it has none.

    Raises:
        ModelError: there is no such method.
    """
    said = model.facts.get(METHOD_KEY) or CLASS_PICTURES.method
    if said not in METHODS:
        raise ModelError(
            f"{model.name}: its readme's {METHOD_KEY} is {said!r}, not one of {', '.join(METHODS)}"
        )
    return str(said)
