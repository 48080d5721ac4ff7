"""Pictures: files to arrays and back, their metadata, sizes, masks and contact sheets."""

from .colours import with_colours_of
from .files import FORMATS, Photo, encoded, load, read, save, to_bytes
from .mask import load_mask
from .metadata import check_recipe, read_recipe
from .sheet import contact_sheet

__all__ = [
    "FORMATS",
    "Photo",
    "check_recipe",
    "contact_sheet",
    "encoded",
    "load",
    "load_mask",
    "read",
    "read_recipe",
    "save",
    "to_bytes",
    "with_colours_of",
]
