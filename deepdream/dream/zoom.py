"""Dreams upon dreams: the notebook's zoom loop."""

from ..settings import ZOOM
from .octaves import deepdream


def zoom(net, img, frames=ZOOM.frames, scale=ZOOM.scale, **dream_params):
    """Yield `frames` pictures, float32 RGB (H, W, 3): dream, then enlarge the dream about its centre, and so on.

    Each frame is to be cut to uint8 for saving; the float frame is carried on, as in the notebook.
    `dream_params` go to deepdream.
    """
    from scipy import ndimage

    frame = img
    h, w = frame.shape[:2]
    for _ in range(frames):
        frame = deepdream(net, frame, **dream_params)
        yield frame
        frame = ndimage.affine_transform(
            frame, [1 - scale, 1 - scale, 1], [h * scale / 2, w * scale / 2, 0], order=1
        )
