"""Small pictures of what layers dream, to choose from: those of the default net come with the page,
and those of others are made where somebody asks for them, and kept in the user's cache."""

import hashlib
import io
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from PIL import Image

from netfile.system import places

from .. import nets
from ..dream.octaves import Progress
from ..errors import OutputError
from ..nets.labels import file_stems
from ..nets.preflight import targets
from ..pictures import to_bytes
from ..pictures.output import whole
from ..request import making
from ..request.job import Request
from ..request.own_settings import own_settings
from ..settings import Dream
from . import samples

SHIPPED = Path(__file__).with_name("page") / "layers"  # a folder for each model
OWN = "own"  # what the picture of a model's own dream is called, in place of a layer
MOST = 12  # layers that have one
_PHOTO, _BOX = "mountains.jpg", (80, 60, 400, 300)  # its left, top, right, bottom
_SHOWN = (192, 144)  # pixels; twice what the page shows, for fine displays
_OCTAVES, _OWN_OCTAVES = 3, 2  # a classifier takes no smaller picture
_SETTINGS: Dict[str, Any] = dict(iterations=20, smooth="laplacian+natural")
_EDITION = 1  # of the above; another one has other pictures
_IMAGES = ("Convolution", "Concat", "Eltwise", "Pooling")  # layers that see places of a picture


class Unfinished(Exception):
    """A picture was given up, because something else is to be done."""


def chosen(description: Any) -> List[str]:
    """The layers whose pictures are made: the outputs of stages after the first convolutions; of a
    net without stages, layers from its beginning to its end."""
    every = targets(description)
    outputs = [x for x in every if x.endswith("/output")]
    if outputs:
        first = [x for x in every if x in ("conv1/7x7_s2", "conv2/3x3")]
        return _spread([*first, *outputs])
    kinds = {layer.name: layer.type for layer in description.layer}
    return _spread([x for x in every if kinds.get(x) in _IMAGES])


def _spread(layers: List[str]) -> List[str]:
    """At most MOST of them, from the first to the last."""
    count = min(MOST, len(layers))
    return [layers[round(i * (len(layers) - 1) / max(count - 1, 1))] for i in range(count)]


def names(description: Any) -> Dict[str, str]:
    """{layer: its picture's file name}, for those that `chosen` chooses and the own dream (OWN)."""
    layers = [OWN, *chosen(description)]
    return {layer: f"{stem}.webp" for layer, stem in zip(layers, file_stems(layers))}


def folders(model: nets.Model, called: str) -> List[Path]:
    """Where a model's pictures are, under the names that `names` gives them."""
    shipped = [SHIPPED / called] if called in nets.known() else []
    return [*shipped, kept_in(model)]


def kept_in(model: nets.Model) -> Path:
    """The folder in the user's cache for the pictures of these weights."""
    states = [path.stat() for path in (model.weights, model.deploy) if path.is_file()]
    facts = (_EDITION, str(model.weights), *((s.st_size, s.st_mtime_ns) for s in states))
    return places.cache() / "layers" / hashlib.sha256(repr(facts).encode()).hexdigest()[:20]


def drawn(
    model: nets.Model, layer: str, how: Dict[str, Any], stop: Callable[[], bool] = lambda: False
) -> Tuple[bytes, Optional[nets.OpenNet]]:
    """A layer's picture as a WebP, or that of the model's own dream (OWN), and the net.

    Args:
        how: engine, gpu, tiling and before, as Request takes them.
        stop: whether to give up after this step.

    Raises:
        Unfinished: it was given up.
        DreamError: the layer cannot be dreamt of.
    """
    dream = Dream(end=layer, octaves=_OCTAVES, **_SETTINGS)
    if layer == OWN:
        objective = own_settings(model)["objective"]
        dream = Dream(end="", objective=objective, octaves=_OWN_OCTAVES, **_SETTINGS)
    request = Request(dream, model=model, fewer_octaves=layer != OWN, **how)

    def look(p: Progress) -> None:
        if stop():
            raise Unfinished

    with tempfile.TemporaryDirectory(prefix="deepdream-") as folder:
        photo = Path(folder) / "photo.png"
        Image.open(io.BytesIO(samples.content(_PHOTO))).crop(_BOX).save(photo)
        (picture,) = making.pictures(request.job(str(photo), 0), look)
    out = io.BytesIO()
    image = Image.fromarray(to_bytes(picture)).resize(_SHOWN, 1)  # Lanczos, by its old number
    image.save(out, "WEBP", quality=72, method=6)
    return out.getvalue(), request.opened


def keep(model: nets.Model, name: str, content: bytes) -> None:
    """Keep a picture in the user's cache. Raises OutputError."""
    folder = kept_in(model)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise OutputError(f"{folder}: cannot be made: {e.strerror}") from None
    with whole(folder / name, True) as partial:
        partial.write_bytes(content)
