"""Programs in the manner of those that people wrote for pycaffe, each run on both engines.

They are in tests/parity/programs, take a folder with a small net in it, and must print the same.
"""

import sys
from pathlib import Path

import pytest

import caffe_compat
from tests.support.real_caffe import CAFFE_PYTHON, run_clean

pytestmark = pytest.mark.caffe
PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
DEPLOY = """
name: "small" force_backward: true
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 2 dim: 3 dim: 10 dim: 12 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
"""
FC = """
layer { name: "fc" type: "InnerProduct" bottom: "pool1" top: "fc"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""
CONV = """
layer { name: "fc-conv" type: "Convolution" bottom: "pool1" top: "fc-conv"
        convolution_param { num_output: 5 kernel_h: 4 kernel_w: 5 } }
layer { name: "prob" type: "Softmax" bottom: "fc-conv" top: "prob" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deploy.prototxt").write_text(DEPLOY + FC)
    (tmp_path / "conv.prototxt").write_text(DEPLOY + CONV)
    caffe_compat.set_random_seed(4)
    net = caffe_compat.Net(str(tmp_path / "deploy.prototxt"), caffe_compat.TEST)
    net.save(str(tmp_path / "weights.caffemodel"))
    return tmp_path


@pytest.mark.parametrize("program", PROGRAMS, ids=[path.stem for path in PROGRAMS])
def test_a_program_prints_the_same_on_both(program: Path, folder: Path) -> None:
    ours = run_clean([sys.executable, "-m", "caffe_compat", "--allow-python-layers",
                      str(program), str(folder)])  # fmt: skip
    theirs = run_clean([CAFFE_PYTHON, str(program), str(folder)])
    for side in (ours, theirs):
        assert side.returncode == 0, side.stderr[-2000:]
    assert len(ours.stdout.splitlines()) > 4
    assert ours.stdout.splitlines() == theirs.stdout.splitlines()
