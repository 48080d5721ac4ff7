"""Gradients of priors, of tensors: the twins of ../priors.py."""

from typing import Any, Callable, Dict, Optional

from ..priors import TV, AlphaNorm, Prior


def gradient(prior: Prior, x: Any) -> Optional[Any]:
    """Prior.value_and_gradient's gradient, of a tensor (N, C, H, W); None where one of its terms is
    not of ../priors.py."""
    total = x.new_zeros(x.shape)
    for weight, rule in prior.terms:
        twin = _TWINS.get(type(rule))
        if twin is None:
            return None
        total += weight * twin(rule, x)
    return total


def _of_tv(rule: TV, x: Any) -> Any:
    dx, dy = x.new_zeros(x.shape), x.new_zeros(x.shape)
    dx[..., :, :-1] = x[..., :, 1:] - x[..., :, :-1]
    dy[..., :-1, :] = x[..., 1:, :] - x[..., :-1, :]
    squares = dx * dx + dy * dy
    if rule.beta != 2:
        squares += rule.smooth
    factor = rule.beta * squares ** (rule.beta / 2 - 1)
    dx *= factor
    dy *= factor
    found = -dx - dy
    found[..., :, 1:] += dx[..., :, :-1]
    found[..., 1:, :] += dy[..., :-1, :]
    return found


def _of_norm(rule: AlphaNorm, x: Any) -> Any:
    return rule.alpha * x.sign() * x.abs() ** (rule.alpha - 1)


_TWINS: Dict[type, Callable[[Any, Any], Any]] = {TV: _of_tv, AlphaNorm: _of_norm}
