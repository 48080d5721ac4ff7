"""The gradients of one picture's tiles, made by the workers of a cluster."""

from dataclasses import replace
from typing import Iterable, Mapping

from .. import nets
from ..dream.objectives import Objective
from ..dream.tiles import Made, Passes, TilePass
from ..pictures.tiling import Reach
from .client import Cluster
from .worker import Net, tile_made


def passes(cluster: Cluster, net: Net, opened: nets.OpenNet) -> Passes:
    """What makes the gradients of tiles, as dream.tiles.Tiled takes it.

    Args:
        net: as workers open it. opened: the same net, as it is open here.
    """

    def made(
        objective: Objective, reaches: Mapping[str, Reach], wanted: Iterable[TilePass]
    ) -> Made:
        # a pass has the masks' parts
        terms = tuple(replace(term, mask=None) for term in objective.terms)
        shared = net, opened.layers, opened.any_size, Objective(terms), dict(reaches)
        return cluster.results(tile_made, ((*shared, one) for one in wanted))

    return made
