"""What every attempt works on: a small model, a photograph, dreams of it, a recording, a film."""

import shutil
from pathlib import Path
from typing import List

from .campaign import call

_DEPLOY = """name: "small"
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 24 dim: 24 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 6 kernel_size: 3 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "score" type: "InnerProduct" bottom: "pool" top: "score"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }
"""
_README = """---
name: Small
caffemodel: small.caffemodel
mean: [104, 116, 122]
end: pool
classes: ['ant', 'bee', 'cat', 'dog']
---
"""


def lay_out(home: Path) -> None:
    """Write all of it under `home`, unless it is there."""
    if (home / "dreamt.png").exists():
        return
    import numpy as np
    from PIL import Image

    import caffe_compat as caffe

    model = home / "model"
    model.mkdir(parents=True, exist_ok=True)
    (model / "deploy.prototxt").write_text(_DEPLOY)
    (model / "readme.md").write_text(_README)
    caffe.set_random_seed(1)
    caffe.Net(str(model / "deploy.prototxt"), caffe.TEST).save(str(model / "small.caffemodel"))
    pixels = np.random.RandomState(0).randint(0, 256, (40, 56, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(str(home / "photo.png"))
    _write_film(home)
    photo, beside = str(home / "photo.png"), home / "any_size"
    _done("compare", photo, "--record", str(home / "recording"), *dreaming(model))
    shutil.copytree(str(model), str(beside))
    _done("dream", photo, "-o", str(home / "any_size.png"), *dreaming(beside, "score"))
    _done("dream", photo, "-o", str(home / "dreamt.png"), *dreaming(model))


_FRAMES = 12


def _write_film(home: Path) -> None:
    """Write the frames of a film, and the film."""
    import numpy as np
    from PIL import Image

    from deepdream.films import reading, writing

    frames = home / "frames"
    frames.mkdir(exist_ok=True)
    wide = np.asarray(Image.open(str(home / "photo.png")).resize((56 + 2 * _FRAMES, 40)))
    pictures = [np.ascontiguousarray(wide[:, 2 * n : 2 * n + 56]) for n in range(_FRAMES)]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(str(frames / f"{number:04}.png"))
    like = reading.opened(str(frames))
    writing.save_film(home / "film.mp4", pictures, like)


def dreaming(model: Path, end: str = "pool") -> List[str]:
    """The options of a short dream."""
    return ["--model", str(model), "--engine", "compat", "--end", end, "--iterations", "1",
            "--octaves", "2", "--seed", "0"]  # fmt: skip


def _done(*words: str) -> None:
    code, _, err = call(words)
    assert code == 0, err
