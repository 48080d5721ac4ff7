"""Arrays of the host on the device."""

from typing import Any

import numpy as np


class OnDevice:
    """An array that is brought to the device once, and again where another device computes."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self._there = values, None  # type: np.ndarray, Any

    def like(self, tensor: Any) -> Any:
        """It as a tensor on this one's device, of its type."""
        if self._there is None or self._there.device != tensor.device:
            self._there = tensor.new_tensor(self.values)
        return self._there
