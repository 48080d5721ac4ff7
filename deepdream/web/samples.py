"""The photographs that the page offers to those who have none at hand."""

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import numpy as np
from PIL import Image

from ..errors import ImageError

_HERE = Path(__file__).with_name("page") / "samples"
_NOISE = "noise.png"
_NOISE_SIZE, _NOISE_SEED = (360, 480), 0  # (height, width)
_OF_SKLEARN = {"pagoda.jpg": "china.jpg", "flower.jpg": "flower.jpg"}  # ours: theirs


class Sample(NamedTuple):
    """A picture that the page offers: its name, and what is on it."""

    name: str
    about: str


_ALL = (
    Sample("mountains.jpg", "meadows below mountains, with a cloud"),
    Sample("pagoda.jpg", "a pagoda among trees"),
    Sample("flower.jpg", "a red flower"),
    Sample(_NOISE, "grey noise, from which everything is dreamt up"),
)


def listed() -> List[Sample]:
    """The samples that are here: those of scikit-learn only where that is installed."""
    return [one for one in _ALL if one.name == _NOISE or _path(one.name)]


def content(name: str) -> bytes:
    """The bytes of a sample's file. Raises ImageError where there is none of this name."""
    if name == _NOISE:
        return _noise()
    path = _path(name)
    if path is None:
        raise ImageError(f'there is no sample "{name}"; choose one of those that are shown')
    return path.read_bytes()


def _path(name: str) -> Optional[Path]:
    own: Dict[str, Path] = {path.name: path for path in _HERE.glob("*.jpg")}
    path = own.get(name)
    if path is None and name in _OF_SKLEARN:
        spec = find_spec("sklearn")
        if spec and spec.origin:
            path = Path(spec.origin).parent / "datasets" / "images" / _OF_SKLEARN[name]
    return path if path and path.is_file() else None


def _noise() -> bytes:
    """Grey, with a little colour: what the first pictures of 2015 began with."""
    rng = np.random.RandomState(_NOISE_SEED)
    values = 128 + rng.uniform(-40, 40, (*_NOISE_SIZE, 3))
    out = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()
