"""h5py's names and defaults of 2015."""

import functools
from typing import Any


def apply(h5py: Any) -> None:
    """Datasets have `value`, and a file that is opened without a mode can be written to."""
    if not hasattr(h5py.Dataset, "value"):
        h5py.Dataset.value = property(lambda dataset: dataset[()])
    init = h5py.File.__init__

    @functools.wraps(init)
    def opened(self: Any, name: Any, mode: Any = None, *args: Any, **options: Any) -> None:
        init(self, name, mode or "a", *args, **options)

    h5py.File.__init__ = opened
