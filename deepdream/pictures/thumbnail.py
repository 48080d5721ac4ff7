"""Small pictures, of which a page has many: as JPEGs that are small files too."""

import io

import numpy as np
from PIL import Image

from .files import to_bytes
from .resize import at_most


def jpeg(pixels: np.ndarray, longest: int, quality: int = 85) -> bytes:
    """RGB float32 (H, W, 3), 0..255, as a JPEG of at most `longest` pixels a side."""
    out = io.BytesIO()
    Image.fromarray(to_bytes(at_most(pixels, longest))).save(out, "JPEG", quality=quality)
    return out.getvalue()
