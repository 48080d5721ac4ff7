"""What passes in GPU mode read on the host, and bring from there."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch

from ... import devices
from ...blob import Blob
from ...synced_memory import Part, reading


def looking_at(blob: Blob) -> AbstractContextManager:
    """Context in which the host reads a blob's data, of which the device's stay good.

    Labels and numbers of rows are checked there, as in Caffe: a wrong one would stop the device for
    good. Those that come from a data layer are there already.
    """
    return reading([blob.blocks[0]], [])


def brought(values: np.ndarray) -> Any:
    """An array of the host's on the device, without waiting for what the device is at."""
    tensor, device = torch.from_numpy(np.require(values, requirements=["C", "W"])), devices.device()
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def kept_values(blob: Blob) -> Any:
    """A blob's values, which stay as they are when others are set in place.

    A stretch of another blob is written over then; else the blob gets another tensor.
    """
    x = blob.gpu_data
    return x.clone() if isinstance(blob.blocks[0], Part) else x
