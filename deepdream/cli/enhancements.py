"""What a command line's --enhance and --prior stand for."""

import argparse
import re
from typing import Any, Callable, Dict, Optional

import numpy as np

from ..dream import matching, priors
from ..errors import TargetError
from . import options

_FORMS = "quantile:0.9:2 (above a quantile, times), multiply:1.5 or channel:61:3 (channel, times)"
_FACTOR = options.number(float, -1e6, highest=1e6)  # beyond, activations could become infinite


def enhancement(text: str) -> Callable[[np.ndarray], np.ndarray]:
    """The function that an --enhance text stands for. Raises TargetError with the forms that there
    are."""
    kind, *parts = text.replace("x", "").replace("\u00d7", "").split(":")
    try:
        values = [_FACTOR(part) for part in parts]
    except argparse.ArgumentTypeError:
        values = []
    if kind == "quantile" and len(values) == 2:
        return matching.quantile(*values)
    if kind == "multiply" and len(values) == 1:
        return matching.multiply(values[0])
    if kind == "channel" and len(values) == 2 and values[0].is_integer():
        return matching.channels(values[1], int(values[0]))
    raise TargetError(f"--enhance {text}: unknown; write {_FORMS}")


def prior_named(text: str) -> Optional[priors.Prior]:
    """The prior that a --prior text stands for: tv, tv:BETA, alpha:ALPHA, l2, none, or several with
    a +."""
    if text == "none":
        return None
    total = None
    for part in text.split("+"):
        match = re.fullmatch(r"(tv|alpha|l2)(?::([0-9]+(?:\.[0-9]*)?|\.[0-9]+))?", part.strip())
        if not match or (match[1] == "l2" and match[2]):
            raise TargetError(
                f"--prior {text}: unknown; write tv, tv:1, alpha:6, l2, none, or a sum of them "
                "such as tv+alpha:6"
            )
        power = [float(match[2])] if match[2] else []
        if power and not 1 <= power[0] <= 20:
            raise TargetError(
                f"--prior {text}: the power must lie between 1 and 20, not at {power[0]:g}"
            )
        kinds: Dict[str, Any] = {
            "tv": priors.tv,
            "alpha": priors.alpha_norm,
            "l2": priors.l2_norm,
        }
        prior = kinds[match[1]](*power)
        total = prior if total is None else total + prior
    return total
