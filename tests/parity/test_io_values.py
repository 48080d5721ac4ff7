"""caffe.io, Classifier and Detector against pycaffe's own, value by value."""

import sys
from pathlib import Path
from typing import Dict, Tuple

import numpy as np
import pytest
from PIL import Image

import caffe_compat
from tests.support.real_caffe import CAFFE_PYTHON, run_clean

pytestmark = pytest.mark.caffe
NET = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 4 dim: 3 dim: 16 dim: 16 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }
"""
# what pycaffe refuses, or answers by accident, and this engine answers as a user would expect
OURS = {
    # scikit-image 0.18 paints alpha onto white first; the versions of Caffe's time left it out
    "load la.png False", "load palette_clear.png False", "load rgba.png False",
}  # fmt: skip


def write_pictures(folder: Path) -> None:
    """Pictures of every mode that programs meet."""
    rng = np.random.RandomState(3)
    colours = rng.randint(0, 256, (24, 30, 3)).astype(np.uint8)
    rgb, grey = Image.fromarray(colours), Image.fromarray(colours[..., 0])
    palette = rgb.quantize(9)
    for name, image in {
        "rgb.png": rgb, "rgb.jpg": rgb, "grey.png": grey, "grey.jpg": grey,
        "rgba.png": Image.fromarray(rng.randint(0, 256, (24, 30, 4)).astype(np.uint8)),
        "la.png": grey.convert("LA"), "bits.png": rgb.convert("1"), "palette.png": palette,
        "palette_grey.png": grey.convert("P"), "cmyk.jpg": rgb.convert("CMYK"),
        "deep.png": Image.fromarray(rng.randint(0, 65536, (24, 30)).astype(np.uint16)),
    }.items():  # fmt: skip
        image.save(folder / name)
    palette.save(folder / "palette_clear.png", transparency=2)
    (folder / "none.png").write_text("no picture")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Dict, Dict]:
    """(ours, Caffe's), by the same names."""
    folder = tmp_path_factory.mktemp("io")
    write_pictures(folder)
    (folder / "net.prototxt").write_text(NET)
    caffe_compat.set_random_seed(3)
    net = caffe_compat.Net(str(folder / "net.prototxt"), caffe_compat.TEST)
    net.save(str(folder / "net.caffemodel"))
    sides = []
    for name, python in (("ours", [sys.executable, "-m", "caffe_compat"]), ("c", [CAFFE_PYTHON])):
        out = str(folder / f"{name}.npz")
        run = run_clean([*python, "tests/parity/io_values.py", str(folder), out])
        assert run.returncode == 0, run.stderr[-3000:]
        sides.append(dict(np.load(out)))
    return sides[0], sides[1]


def test_the_values_are_pycaffes(answers: Tuple[Dict, Dict]) -> None:
    ours, theirs = answers
    assert list(ours) == list(theirs) and len(theirs) > 150
    wrong = {}
    for name in sorted(set(theirs) - OURS):
        a, b = ours[name], theirs[name]
        if b.dtype.kind == "U":  # refused, with the kind of exception that programs catch
            kinds = [kind for kind in b if kind in ("ValueError", "OSError", "Exception")]
            if a.dtype.kind != "U" or kinds[0] not in a:
                wrong[name] = f"Caffe raises {b[0]}, we give {a.dtype} {a.shape}"
        elif a.shape != b.shape or a.dtype != b.dtype:
            wrong[name] = f"{a.dtype} {a.shape} for {b.dtype} {b.shape}"
        else:
            # scikit-image 0.18 keeps the places of a float32 picture's pixels in float32
            limit = 1e-4 if "float32" in name or "predict" in name or "detect" in name else 2e-6
            error = np.abs(a.astype(float) - b).max() / max(np.abs(b.astype(float)).max(), 1)
            if not error <= limit:
                wrong[name] = f"differs by {error:.1e}"
    assert not wrong


def test_most_answers_are_values(answers: Tuple[Dict, Dict]) -> None:
    refused = [name for name, value in answers[1].items() if value.dtype.kind == "U"]
    assert len(refused) < len(answers[1]) / 4, refused
