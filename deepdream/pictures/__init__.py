"""Pictures: files to arrays and back, their metadata, sizes, masks and contact sheets."""

from .files import FORMATS, load, save, to_bytes
from .mask import load_mask
from .metadata import check_recipe, read_recipe
from .sheet import contact_sheet

__all__ = [
    "FORMATS",
    "check_recipe",
    "contact_sheet",
    "load",
    "load_mask",
    "read_recipe",
    "save",
    "to_bytes",
]
