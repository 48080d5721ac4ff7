"""What a net's inputs held at the last forward pass, so that it can be run again."""

from contextlib import contextmanager
from typing import Dict, Iterable, Iterator

import numpy as np

from ...blob import Blob
from ..parts import Parts


class Inputs:
    """Copies of the inputs' values."""

    def __init__(self, parts: Parts) -> None:
        self._blobs = {name: parts.blobs[name] for name in parts.inputs}
        self._values: Dict[str, np.ndarray] = {}

    def keep(self) -> None:
        """Copy what they hold now."""
        for name, blob in self._blobs.items():
            kept = self._values.get(name)
            if kept is None or kept.shape != blob.shape:
                kept = self._values[name] = np.empty(blob.shape, np.float32)
            kept[...] = blob.data

    def forget(self) -> None:
        self._values.clear()

    @property
    def fit(self) -> bool:
        """Whether the inputs have the shapes that they had."""
        return all(self._blobs[name].shape == kept.shape for name, kept in self._values.items())

    @contextmanager
    def back(self, others: Iterable[Blob]) -> Iterator[None]:
        """Context in which the inputs hold that again; after it they, and others, are as before."""
        before = [(blob, blob.data.copy()) for blob in [*self._blobs.values(), *others]]
        try:
            for name, values in self._values.items():
                self._blobs[name].data[...] = values
            yield
        finally:
            for blob, data in before:
                blob.reshape(*data.shape)
                blob.data[...] = data
