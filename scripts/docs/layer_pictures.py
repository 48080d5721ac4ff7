"""Make the small pictures of layers from which the page of `deepdream serve` lets one choose.

Each is a dream of the layer on the same photograph. Name some layers to make only theirs.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.nets import find  # noqa: E402
from deepdream.pictures import to_bytes  # noqa: E402
from deepdream.request.job import prepare  # noqa: E402
from deepdream.request.making import pictures  # noqa: E402
from deepdream.request.own_settings import own_settings  # noqa: E402
from deepdream.settings import DEFAULT_MODEL, Dream  # noqa: E402
from deepdream.web.models import OWN, picture_name, pictured  # noqa: E402

PHOTO = ROOT / "docs" / "cookbook" / "mountains.jpg"
FOLDER = ROOT / "deepdream" / "web" / "page" / "layers"
BOX = (80, 60, 400, 300)  # of the photograph: left, top, right, bottom
SHOWN = (192, 144)  # pixels; twice what the page shows, for fine displays
SETTINGS: Dict[str, Any] = dict(iterations=20, smooth="laplacian+natural")
OCTAVES, OWN_OCTAVES = 3, 2  # a classifier takes no smaller picture


def make(layer: str, photo: str) -> Path:
    """Write one layer's picture, or that of the model's own dream; returns its path."""
    model = find(DEFAULT_MODEL)
    dream = Dream(end=layer, octaves=OCTAVES, **SETTINGS)
    if layer == OWN:
        objective = own_settings(model)["objective"]
        dream = Dream(end="", objective=objective, octaves=OWN_OCTAVES, **SETTINGS)
    (picture,) = pictures(prepare(photo, dream, model=model, engine="compat", seed=0))
    path = FOLDER / model.name / picture_name(layer)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(to_bytes(picture)).resize(SHOWN, Image.Resampling.LANCZOS)
    image.save(path, "WEBP", quality=72, method=6)
    return path


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("layer", nargs="*", help="layers to make again (default: all)")
    args = p.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        photo = str(Path(folder) / "photo.png")
        Image.open(PHOTO).crop(BOX).save(photo)
        for layer in args.layer or pictured(find(DEFAULT_MODEL)):
            print(make(layer, photo))
    return 0


if __name__ == "__main__":
    sys.exit(main())
