"""The tables of all sources that are known, one file for each kind."""

from typing import List, Tuple

from . import caffe_nets, efficientnet, hed, inception5h, torchvision
from .table import Table

TABLES: Tuple[Table, ...] = (
    *caffe_nets.TABLES,
    *torchvision.TABLES,
    *efficientnet.TABLES,
    *hed.TABLES,
    *inception5h.TABLES,
)


def models() -> List[str]:
    """The deploy nets that some source can be imported for."""
    return sorted({table.model for table in TABLES})
