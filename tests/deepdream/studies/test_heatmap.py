"""Heatmaps: where a map's values are put on the picture."""

import numpy as np
import pytest

from deepdream.studies import heatmap
from net_surgery import convolutionize
from netfile.prototxt import parse_prototxt
from tests.support import nets


def bilinear(values, y, x):
    """The value of a map at one place, by hand."""
    top, left = min(int(y), len(values) - 2), min(int(x), values.shape[1] - 2)
    fy, fx = y - top, x - left
    (a, b), (c, d) = values[top : top + 2, left : left + 2].astype(float)
    return (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy


@pytest.mark.parametrize(
    "shape, size, step", [((40, 60), (9, 9), (8, 8)), ((33, 70), (7, 20), (5, 13))]
)
def test_maps_are_linear_between_the_middles_of_windows(shape, size, step, rng):
    values = np.float32(rng.uniform(0, 1, (4, 5)))
    enlarged = heatmap.enlarge(values, shape, size, step)
    assert enlarged.shape == shape and enlarged.dtype == np.float32
    for row, column in rng.randint(0, 33, (50, 2)):
        y = np.clip((row - (size[0] - 1) / 2) / step[0], 0, 3)
        x = np.clip((column - (size[1] - 1) / 2) / step[1], 0, 4)
        assert enlarged[row, column] == pytest.approx(bilinear(values, y, x), rel=1e-6)


def test_a_map_of_one_place_is_everywhere():
    assert (heatmap.enlarge(np.float32([[0.25]]), (5, 7), (3, 3), (2, 2)) == 0.25).all()


def test_the_strongest_place_is_the_reddest():
    values = np.zeros((60, 40))
    values[10, 20] = 0.9
    drawn = heatmap.over(np.full((60, 40, 3), 128, np.float32), values)
    assert drawn.shape == (64, 40, 3) and drawn.dtype == np.float32
    redness = drawn[:60, :, 0] - drawn[:60, :, 2]
    assert np.unravel_index(redness.argmax(), redness.shape) == (10, 20)


def test_windows_and_steps_of_a_net(caffe, tmp_path):
    (tmp_path / "net.prototxt").write_text(nets.caffenet())
    text = convolutionize(tmp_path / "net.prototxt", caffe=caffe).prototxt
    net = parse_prototxt(text, caffe.io.caffe_pb2, "net")
    assert heatmap.window(net, "prob") == ((227, 227), (32, 32))
