"""Write the deploy prototxt of HED, the holistically-nested edge detector.

Xie and Tu, arXiv 1504.06375: VGG-16's convolutions, a side output of every stage, upsampled to the
picture's size, and their weighted sum. Layers have the names of the authors' Caffe net where it has
them.

The authors pad the picture by 35 and crop every side output. The weights that can be had were
trained without, on side outputs that are resized by interpolation with the border repeated. A
Deconvolution interpolates with zeros beyond the border; divided by what it makes of ones, it
repeats the border. So the two are equal at sizes that are multiples of 16.
"""

import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.nets.classics import VGG_CHANNELS  # noqa: E402
from scripts.nets.prototxt_writer import Writer, command  # noqa: E402

DEPTHS = (2, 2, 3, 3, 3)


def _upsampled(w: Writer, stage: int, bottom: str) -> str:
    """A side output at the picture's size."""
    factor = 2 ** (stage - 1)
    ones = w.layer(f"ones-dsn{stage}", "Power", [bottom], f"ones-dsn{stage}",
                   "power_param { scale: 0 shift: 1 }")  # fmt: skip
    sides = w.upsample(f"upsample_{factor}", bottom, factor)
    cover = w.upsample(f"cover_{factor}", ones, factor)
    share = f"share_{factor}"
    w.layer(share, "Power", [cover], share, "power_param { power: -1 }")
    whole = w.layer(f"score-dsn{stage}-up", "Eltwise", [sides, share], f"score-dsn{stage}-up",
                    "eltwise_param { operation: PROD }")  # fmt: skip
    return w.layer(f"upscore-dsn{stage}", "Crop", [whole, "data"], f"upscore-dsn{stage}",
                   "crop_param { axis: 2 offset: 0 }")  # fmt: skip


def hed() -> str:
    """The deploy prototxt, as text."""
    w = Writer("HED")
    x = w.data(1, 320)
    scores = []
    for stage, (count, channels) in enumerate(zip(DEPTHS, VGG_CHANNELS), 1):
        x = w.pool(f"pool{stage - 1}", x, "MAX", 2, 2) if stage > 1 else x
        for i in range(1, count + 1):
            n = f"{stage}_{i}"
            x = w.conv(f"conv{n}", x, channels, 3, f"relu{n}", pad=1, bias_value="0")
        score = w.conv(f"score-dsn{stage}", x, 1, 1, bias_value="0")
        score = _upsampled(w, stage, score) if stage > 1 else score
        w.layer(f"sigmoid-dsn{stage}", "Sigmoid", [score], f"sigmoid-dsn{stage}")
        scores.append(score)
    w.layer("concat-upscore", "Concat", scores, "concat-upscore")
    fused = w.conv("new-score-weighting", "concat-upscore", 1, 1, bias_value="0")
    w.layer("sigmoid-fuse", "Sigmoid", [fused], "sigmoid-fuse")
    return w.text()


NETS = {"hed_bsds500": hed}


def main(argv: Optional[List[str]] = None) -> None:
    command(str(__doc__), NETS, argv)


if __name__ == "__main__":
    main()
