"""PyYAML's load, which took no Loader."""

from typing import Any


def apply(yaml: Any) -> None:
    """yaml.load(text) by the SafeLoader: the loader of then ran code that a file names."""
    load = yaml.load

    def of(stream: Any, Loader: Any = yaml.SafeLoader) -> Any:
        return load(stream, Loader)

    yaml.load = of
