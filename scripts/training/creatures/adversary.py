"""L2 balls around pictures, for adversarial training and for attacks."""

import torch


def norms(x: torch.Tensor) -> torch.Tensor:
    """L2 norm of each picture, (N, 1, 1, 1)."""
    return x.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]


def project(delta: torch.Tensor, radius: float) -> torch.Tensor:
    """`delta` brought back to the ball of that radius, picture by picture."""
    return delta * (radius / norms(delta)).clamp_max(1)
