"""scikit-learn's names of 2015."""

import functools
import importlib
from typing import Any, Callable, Dict

MODULES: Dict[str, Callable[[], Any]] = {
    "sklearn.cross_validation": lambda: importlib.import_module("sklearn.model_selection"),
    "sklearn.grid_search": lambda: importlib.import_module("sklearn.model_selection"),
    "sklearn.externals.joblib": lambda: importlib.import_module("joblib"),
}
_LINEAR = ("SGDClassifier", "SGDRegressor", "Perceptron", "PassiveAggressiveClassifier")


def apply(linear_model: Any) -> None:
    """`n_iter`, that many passes over the data, and the losses' old names."""
    for name in _LINEAR:
        kind = getattr(linear_model, name, None)
        if kind is not None:
            setattr(linear_model, name, _with_old_arguments(kind))


def _with_old_arguments(kind: Any) -> Any:
    losses = {"log": "log_loss", "squared_loss": "squared_error"}
    init = kind.__init__

    @functools.wraps(init)
    def made(self: Any, *args: Any, **options: Any) -> None:
        if "n_iter" in options:
            options.update(max_iter=options.pop("n_iter"), tol=None)
        if options.get("loss") in losses:
            options["loss"] = losses[options["loss"]]
        init(self, *args, **options)

    kind.__init__ = made
    return kind
