"""Draw the edges that HED finds in a photograph, by its Caffe net: docs/weights/hed.jpg.

Above, the photograph and the edge map (`sigmoid-fuse`); below, the five side outputs from which it
is fused, by Crop and Deconvolution layers, fine to coarse. Needs the net's weights:
deepdream models get hed_bsds500
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
from PIL import Image
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import nets  # noqa: E402
from deepdream.nets import engine  # noqa: E402
from scripts.docs import sample_photo  # noqa: E402

FUSED = "sigmoid-fuse"
SIDES = [f"sigmoid-dsn{n}" for n in range(1, 6)]
_GAP = 6  # pixels between the pictures


def edge_maps(rgb: np.ndarray, caffe: Any) -> Dict[str, np.ndarray]:
    """The edge maps of a picture.

    Args:
        rgb: (H, W, 3), 0 to 255.
        caffe: the engine module.

    Returns:
        {blob: (H, W), 0 to 1} of the fused map and the side outputs.
    """
    model = nets.find("hed_bsds500")
    net = caffe.Net(str(model.deploy), str(model.weights), caffe.TEST)
    bgr = np.asarray(rgb, np.float32)[:, :, ::-1].transpose(2, 0, 1)
    mean = np.asarray(model.mean, np.float32).reshape(3, 1, 1)
    net.blobs["data"].reshape(1, 3, *rgb.shape[:2])
    net.blobs["data"].data[0] = bgr - mean
    net.forward()
    return {name: net.blobs[name].data[0, 0].copy() for name in [FUSED, *SIDES]}


def gradient(rgb: np.ndarray, sigma: float = 1.5) -> np.ndarray:
    """(H, W): how steep a picture's luminance is, smoothed by a Gaussian of `sigma` pixels."""
    luminance = np.asarray(rgb, np.float64) @ np.array([0.299, 0.587, 0.114])
    steep: np.ndarray = ndimage.gaussian_gradient_magnitude(luminance, sigma)
    return steep


def sheet(rgb: np.ndarray, maps: Dict[str, np.ndarray], width: int) -> Image.Image:
    """The photograph and the edges, black on white, with the side outputs in a row below."""
    height = round(width / 2 * rgb.shape[0] / rgb.shape[1])
    large, small = (width - _GAP) // 2, (width - 4 * _GAP) // 5
    low = round(small * rgb.shape[0] / rgb.shape[1])
    drawn = [Image.fromarray(rgb), *(_ink(maps[name]) for name in [FUSED, *SIDES])]
    out = Image.new("RGB", (width, height + _GAP + low), "white")
    for i, picture in enumerate(drawn[:2]):
        out.paste(
            picture.resize((large, height), Image.Resampling.LANCZOS), (i * (large + _GAP), 0)
        )
    for i, picture in enumerate(drawn[2:]):
        at = (i * (small + _GAP), height + _GAP)
        out.paste(picture.resize((small, low), Image.Resampling.LANCZOS), at)
    return out


def _ink(edges: np.ndarray) -> Image.Image:
    return Image.fromarray(np.uint8(np.round(255 * (1 - edges)))).convert("RGB")


def main(argv: Optional[List[str]] = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    p.add_argument("image", nargs="?", help="the photograph (default: scikit-learn's pagoda)")
    p.add_argument("-o", "--out", default=str(ROOT / "docs" / "weights" / "hed.jpg"))
    args = p.parse_args(argv)
    with Image.open(args.image or sample_photo.path("china.jpg")) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    maps = edge_maps(rgb, engine.load("auto"))
    steep = gradient(rgb)
    for name, edges in maps.items():
        like = np.corrcoef(edges.ravel(), steep.ravel())[0, 1]
        turned = np.corrcoef(edges[:, ::-1].ravel(), steep.ravel())[0, 1]
        print(f"{name}: correlation with the gradient {like:.2f}, turned round {turned:.2f}")
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    sheet(rgb, maps, 900).save(args.out, quality=82, optimize=True)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
