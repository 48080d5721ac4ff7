"""The tables of all sources that are known, one file for each kind."""

from typing import List, Tuple

from . import efficientnet, hed
from .table import Table

TABLES: Tuple[Table, ...] = (*efficientnet.TABLES, *hed.TABLES)


def models() -> List[str]:
    """The deploy nets that some source can be imported for."""
    return sorted({table.model for table in TABLES})
