"""Where the values of a heatmap stand in the picture."""

import numpy as np

from deepdream.studies import heatmap
from net_surgery import convolutionize
from netfile.prototxt import parse_prototxt
from tests.support import nets


def test_values_lie_in_the_middle_of_their_windows():
    # windows of 8 pixels, 4 apart: their middles are at 3.5 and 7.5
    enlarged = heatmap.enlarge(np.float32([[0, 1]]), (3, 12), (3, 8), (1, 4))
    np.testing.assert_allclose(enlarged[1], np.clip((np.arange(12) - 3.5) / 4, 0, 1))


def test_windows_and_steps_of_a_net(caffe, tmp_path):
    (tmp_path / "net.prototxt").write_text(nets.caffenet())
    text = convolutionize(tmp_path / "net.prototxt", caffe=caffe).prototxt
    net = parse_prototxt(text, caffe.io.caffe_pb2, "net")
    assert heatmap.window(net, "prob") == ((227, 227), (32, 32))
